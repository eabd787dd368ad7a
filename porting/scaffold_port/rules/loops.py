"""Kind 12: loops over families, and multicast."""

from ..c.unit import Unit, Use
from .rule import Rule

_FAMILIES = frozenset({"AF_UNSPEC", "PF_UNSPEC", "IPV6_V6ONLY"})
_MULTICAST = frozenset(
    {
        "IP_ADD_MEMBERSHIP",
        "IP_DROP_MEMBERSHIP",
        "IP_ADD_SOURCE_MEMBERSHIP",
        "IP_MULTICAST_IF",
        "IP_MULTICAST_TTL",
        "IP_MULTICAST_LOOP",
        "IPV6_JOIN_GROUP",
        "IPV6_LEAVE_GROUP",
        "IPV6_ADD_MEMBERSHIP",
        "IPV6_MULTICAST_IF",
        "IPV6_MULTICAST_HOPS",
        "MCAST_JOIN_GROUP",
        "MCAST_JOIN_SOURCE_GROUP",
    }
)


def _judge(use: Use, unit: Unit) -> str | None:
    if use.role == "declaration":
        return None
    if use.name in _MULTICAST:
        return f"`{use.name}`: services have no groups; joining one is refused"
    return f"`{use.name}`: the code is ready for several families, and a service is one"


RULE = Rule(
    id="family-loop",
    kind=12,
    title="Several families, or a multicast group",
    explanation=(
        "With AF_UNSPEC a service resolves to one IPv4 address of the pool, so that loops over "
        "families run once. Multicast groups stay with plain IP."
    ),
    names=_FAMILIES | _MULTICAST,
    judge=_judge,
)
