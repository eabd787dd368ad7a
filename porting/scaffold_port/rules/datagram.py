"""Kind 8: datagrams with an address."""

from .rule import Rule, calls, namesake

RULE = Rule(
    id="datagram-call",
    kind=8,
    title="A datagram goes to, or comes from, an address",
    explanation=(
        "An answer must go to the address that recvfrom gave, not to the service: that is an "
        "anycast, and reaches any instance. The calls have namesakes that take and give services' "
        "addresses; on a datagram socket of a service all data goes through them."
    ),
    names=frozenset({"sendto", "recvfrom", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg"}),
    judge=calls("`{name}` names the other end of a datagram"),
    fix=namesake,
)
