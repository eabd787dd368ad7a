"""Kind 4: sizes of address buffers, and casts."""

from ..c.buffer import may_grow
from ..c.unit import Unit, Use
from .rule import Rule

_TYPES = frozenset({"sockaddr_in", "sockaddr_in6"})
_LENGTHS = frozenset({"INET_ADDRSTRLEN", "INET6_ADDRSTRLEN"})


def _judge(use: Use, unit: Unit) -> str | None:
    if use.name in _LENGTHS and use.role != "declaration":
        return _too_short(use, unit)
    if use.role not in ("type", "mention"):
        return None
    if use.target == "sizeof":
        return f"the size of `{use.name}` is too small for struct sockaddr_scaffold"
    if use.target == "cast":
        return f"a cast to `{use.name}` believes to know the family"
    if use.target == "declared":
        return f"a variable of `{use.name}` holds no service's address"
    return None


def _too_short(use: Use, unit: Unit) -> str:
    short = f"a buffer of `{use.name}` bytes is too short for a service's name"
    return short if may_grow(use, unit) else f"{short}; it is not clear what may grow with it"


def _fix(use: Use, unit: Unit) -> str:
    return "SCAFFOLD_ADDRSTRLEN" if use.name in _LENGTHS and may_grow(use, unit) else ""


RULE = Rule(
    id="address-size",
    kind=4,
    title="The size or the type of an address is taken for granted",
    explanation=(
        "struct sockaddr_scaffold has 40 bytes and fits into struct sockaddr_storage. Sockets of "
        "AF_INET and AF_INET6 go on showing services as pool addresses of their own family, so "
        "that only code which handles AF_SCAFFOLD addresses has to change. What shows addresses "
        "shows names now, which want SCAFFOLD_ADDRSTRLEN bytes; a shorter buffer gets the number. "
        "`rewrite` makes arrays longer, and the lengths that calls are given together with them, "
        "but not where sprintf, strcpy or strcat copy the array: what they write to would have to "
        "grow, too. Nor does it change a macro, a comparison, or the length of a pointer."
    ),
    names=_TYPES | _LENGTHS,
    judge=_judge,
    fix=_fix,
)
