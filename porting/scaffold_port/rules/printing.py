"""Kind 5: addresses that are printed, logged, or looked up."""

import re

from ..c.buffer import UNBOUNDED
from ..c.unit import Unit, Use
from ..questions import LOCAL, MASKED
from .rule import Rule, is_call, namesake

_CALLS = frozenset({"inet_ntoa", "inet_ntop", "getnameinfo"})
_VARIABLE = re.compile(r"\b(?!hton|ntoh)[a-z_]\w*\b")
"""A mask that is no constant of the source: somebody writes networks down elsewhere."""
_UNDER_MASK = re.compile(r"[\w)] & [a-z_]")
"""Written with blanks, since what has none may be a cast of an address."""
_NETWORK = re.compile(r"0xff[0-9a-f]{4}00|IN_CLASS[ABC]_NET", re.IGNORECASE)
"""A mask that the source has for the loopback's network, or for private ones."""
_FIELDS = frozenset({"s_addr", "s6_addr"})


def _judge(use: Use, unit: Unit) -> str | None:
    if use.name in _CALLS and (is_call(use) or use.value):
        return f"`{use.name}` shows an address where a service's name says more"
    if use.name in _FIELDS and use.target in ("compared", "&"):
        return f"`{use.name}` is compared: an access list or a table keyed on addresses"
    return None


def _ask(use: Use, unit: Unit) -> str:
    return _masked(use) if use.name in _FIELDS else use.question


def _masked(use: Use) -> str:
    """Whether it, or what it is compared to, is under a mask."""
    if use.target == "compared":
        return MASKED if _UNDER_MASK.search(use.beside) else ""
    if use.target != "&":
        return ""
    if _VARIABLE.search(use.beside):
        return MASKED
    return LOCAL if _NETWORK.search(use.beside) else ""


def _fix(use: Use, unit: Unit) -> str:
    """A name is longer than the 15 characters that inet_ntoa's text has at most."""
    if use.question:
        return ""
    bounded = use.passed_to and use.passed_to not in UNBOUNDED
    return namesake(use, unit) if use.name != "inet_ntoa" or bounded else ""


RULE = Rule(
    id="address-printing",
    kind=5,
    title="An address is shown, or used as a key",
    explanation=(
        "scaffold_inet_ntop and scaffold_getnameinfo give the name of a service or host for an "
        "address of the pool, scaffold_service_format for struct sockaddr_scaffold. Pool addresses "
        "are given out by the router: a list of allowed networks should hold names instead. The "
        "text of scaffold_inet_ntoa may be longer than the 15 characters of inet_ntoa's: where it "
        "is kept, returned, or given to sprintf, strcpy or strcat, a human looks first."
    ),
    names=_CALLS | _FIELDS,
    judge=_judge,
    fix=_fix,
    ask=_ask,
)
