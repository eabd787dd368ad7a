"""Kind 9: calls that have a new name."""

from .rule import Rule, calls, namesake

RULE = Rule(
    id="connection-call",
    kind=9,
    title="A call that names, offers or accepts a connection",
    explanation=(
        "scaffold_connect, scaffold_bind, scaffold_listen and scaffold_accept take services and "
        "plain IP alike. read, write, sendfile, poll and close stay libc's."
    ),
    names=frozenset({"connect", "bind", "listen", "accept", "accept4"}),
    judge=calls("`{name}` has a namesake that serves both services and plain IP"),
    fix=namesake,
)
