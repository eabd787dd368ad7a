"""Kind 6: who asks for the names of a socket."""

from .rule import Rule, calls, namesake

RULE = Rule(
    id="socket-name",
    kind=6,
    title="The name of a socket or of its peer is asked for",
    explanation=(
        "scaffold_getsockname and scaffold_getpeername answer in the family of the socket; for one "
        "of AF_SCAFFOLD with struct sockaddr_scaffold."
    ),
    names=frozenset({"getpeername", "getsockname"}),
    judge=calls("`{name}` answers with a service's address"),
    fix=namesake,
    ask=lambda use, unit: use.question,
)
