"""Kind 1: the socket's family."""

from .rule import Rule, calls, namesake

RULE = Rule(
    id="socket-family",
    kind=1,
    title="A socket is made",
    explanation=(
        "A socket of AF_INET or AF_INET6 may become a service's when it is bound or connected. "
        "scaffold_socket makes it; with AF_SCAFFOLD it speaks to services only."
    ),
    names=frozenset({"socket"}),
    judge=calls("`{name}` makes a socket that may become a service's"),
    fix=namesake,
)
