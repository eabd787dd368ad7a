"""Kind 10: options whose refusal must not be fatal."""

import re

from ..c.unit import Unit, Use
from ..questions import without
from .rule import Rule, is_call, namesake

REFUSED = frozenset(
    {
        *("SO_BINDTODEVICE", "SO_BINDTOIFINDEX", "SO_ATTACH_FILTER", "SO_ATTACH_BPF"),
        *("TCP_MD5SIG", "TCP_MD5SIG_EXT", "TCP_AO_ADD_KEY", "TCP_ULP", "TCP_REPAIR"),
        *("IP_TRANSPARENT", "IPV6_TRANSPARENT", "IP_MINTTL", "IPV6_MINHOPCOUNT", "IP_OPTIONS"),
        *("IP_IPSEC_POLICY", "IPV6_IPSEC_POLICY", "UDP_ENCAP", "SO_PEEK_OFF"),
    }
)
"""Options whose absence would be a hole, so that connect, bind and listen fail where one is set
(libscaffold/client/options/table.c)."""


def refused(use: Use) -> str:
    """The option that a call sets and no service's socket has; empty: it is another."""
    option = use.arguments[2] if use.name == "setsockopt" and len(use.arguments) > 2 else ""
    return option if option in REFUSED else ""


def _judge(use: Use, unit: Unit) -> str | None:
    if not is_call(use) or not (use.used or refused(use)):
        return None
    option = use.arguments[2] if len(use.arguments) > 2 else "an option"
    if refused(use):
        return f"a socket with {option} cannot become a service's"
    return f"the result of setting {option} is looked at: a flow may refuse it"


_OF_PACKETS = frozenset({"SO_ATTACH_FILTER", "SO_ATTACH_BPF", "SO_BINDTODEVICE"})
_PACKETS = re.compile(rb"\b(?:[AP]F_PACKET|SOCK_PACKET)\b")
_WANTED = frozenset({"IP_OPTIONS"})
"""Routes, which a program sets because its user says so, and has no use for without."""


def _ask(use: Use, unit: Unit) -> str:
    option = refused(use)
    if not option or use.raw or option in _WANTED:
        return ""
    of_packets = option in _OF_PACKETS and _PACKETS.search(unit.source.data)
    return "" if of_packets else without(option)


RULE = Rule(
    id="checked-option",
    kind=10,
    title="The result of setsockopt is looked at",
    explanation=(
        "scaffold_setsockopt knows the options of TCP and UDP. Those that a flow cannot honour are "
        "refused with ENOPROTOOPT or EOPNOTSUPP rather than ignored. A program that gives up then "
        "should go on without the option. With one that is a promise (an interface, a filter, a "
        "signature, encryption) a socket cannot become a service's at all: a human decides."
    ),
    names=frozenset({"setsockopt"}),
    judge=_judge,
    fix=namesake,
    ask=_ask,
)
