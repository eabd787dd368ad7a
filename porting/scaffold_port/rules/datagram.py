"""Kind 8: datagrams."""

from ..c.unit import Unit, Use
from .rule import Rule, is_call, namesake

_WITH_ADDRESS = frozenset({"sendto", "recvfrom", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg"})
_OF_SOCKETS = _WITH_ADDRESS | {"connect", "bind", "getsockname", "getpeername", "setsockopt"}
_OF_FILES = frozenset({"read", "readv", "write", "writev"})


def _judge(use: Use, unit: Unit) -> str | None:
    if not is_call(use) and not use.value:
        return None
    if use.name in _WITH_ADDRESS:
        return f"`{use.name}` names the other end of a datagram"
    if use.name in _OF_FILES and use.arguments[:1] not in _sockets(unit):
        return None
    return f"`{use.name}` may be of a datagram socket"


def _sockets(unit: Unit) -> set[tuple[str, ...]]:
    """What the file calls its sockets."""
    return {use.arguments[:1] for use in unit.uses if use.name in _OF_SOCKETS and use.arguments}


RULE = Rule(
    id="datagram-call",
    kind=8,
    title="A datagram is sent or received",
    explanation=(
        "An answer must go to the address that recvfrom gave, not to the service: that is an "
        "anycast, and reaches any instance. The calls have namesakes that take and give services' "
        "addresses; on a datagram socket of a service all data goes through them, that of send, "
        "recv, read and write, too: in files with `SOCK_DGRAM` they are renamed where they are "
        "given a socket."
    ),
    names=_WITH_ADDRESS,
    common=_OF_FILES | {"send", "recv"},
    judge=_judge,
    fix=namesake,
)
