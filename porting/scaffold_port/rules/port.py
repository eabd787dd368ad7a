"""Kind 11: logic that depends on port numbers."""

from ..c.unit import Unit, Use
from ..questions import LOW_PORT
from .rule import Rule, is_call

_ORDERS = frozenset({"htons", "ntohs"})
_NAMES = frozenset({"getservbyname", "getservbyport", "getservbyname_r"})
_FIELDS = frozenset({"sin_port", "sin6_port"})
_LOW = frozenset({"IPPORT_RESERVED", "1024"})


def _judge(use: Use, unit: Unit) -> str | None:
    if is_call(use) and (use.name in _NAMES or (use.name in _ORDERS and _is_of_port(use, unit))):
        return f"`{use.name}`: a port is read or written as a number"
    if use.name in _FIELDS and use.target in ("assigned", "compared"):
        return f"`{use.name}` is {use.target}: logic on the number of a port"
    return None


def _ask(use: Use, unit: Unit) -> str:
    return LOW_PORT if use.name in _FIELDS and use.beside in _LOW else ""


def _is_of_port(use: Use, unit: Unit) -> bool:
    """Other numbers of two bytes have an order, too."""
    line = unit.source.position(use.start)[0]
    return "port" in unit.source.text(line).lower()


RULE = Rule(
    id="port-logic",
    kind=11,
    title="A port number is made or looked at",
    explanation=(
        "A service has ports as IP has, but which one an instance really uses is not the client's "
        "to know. Code that tells roles apart by ports (above 1024, the one after mine) wants to "
        "name services instead."
    ),
    names=_ORDERS | _NAMES | _FIELDS,
    judge=_judge,
    ask=_ask,
)
