"""Kind 2: addresses that are put together."""

from ..c.unit import Unit, Use
from .rule import Rule, is_call, namesake

_CALLS = frozenset({"inet_aton", "inet_addr", "inet_pton"})
_FIELDS = frozenset({"sin_addr", "sin6_addr", "sin_family", "sin6_family"})


def _judge(use: Use, unit: Unit) -> str | None:
    if use.name in _CALLS and (is_call(use) or use.value):
        return f"`{use.name}` reads an address that a user wrote: a service's name stands there"
    if use.name in _FIELDS and use.target == "assigned":
        return f"`{use.name}` is set: the address is put together by hand"
    if use.name in _FIELDS and use.question:
        return f"`{use.name}` is copied out of an address"
    return None


RULE = Rule(
    id="address-construction",
    kind=2,
    title="An address is put together",
    explanation=(
        "A service is named, not numbered. Where a program reads an address from its options or "
        "configuration scaffold_inet_pton and its like take a name as well, and give the service's "
        "address of the pool. Where the address is only checked, or the text comes from a peer, a "
        "name that passes would be a check that has become weaker: a human decides."
    ),
    names=_CALLS | _FIELDS,
    judge=_judge,
    fix=lambda use, unit: "" if use.question else namesake(use, unit),
    ask=lambda use, unit: use.question,
    lines=2,
)
