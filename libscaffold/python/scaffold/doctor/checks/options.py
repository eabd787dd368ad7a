"""Socket options: what is set is reported, has its effect, or is refused."""

import ctypes
import fcntl
import socket
import struct
from collections.abc import Callable
from typing import Any

from ..kinds import TCP, TCP4, TCP6, TCP_MAPPED, UDP, UDP4, UDP6, Kind
from ..table import add, check
from ..verbs import RESET, answer, disconnect, ended, on, raw

_SOL, _IP, _IP6, _TCP, _UDP = (
    socket.SOL_SOCKET,
    socket.IPPROTO_IP,
    socket.IPPROTO_IPV6,
    socket.IPPROTO_TCP,
    socket.IPPROTO_UDP,
)
_TIME = struct.pack("ll", 1, 500_000)
_STATES = {1: "established", 2: "syn-sent", 7: "close", 8: "close-wait", 10: "listen"}

# Level, number, name and a value that is not the default.
_ALL = (
    (_SOL, socket.SO_REUSEADDR, "SO_REUSEADDR", 1),
    (_SOL, socket.SO_REUSEPORT, "SO_REUSEPORT", 1),
    (_SOL, socket.SO_KEEPALIVE, "SO_KEEPALIVE", 1),
    (_SOL, socket.SO_OOBINLINE, "SO_OOBINLINE", 1),
    (_SOL, socket.SO_DONTROUTE, "SO_DONTROUTE", 1),
    (_SOL, socket.SO_BROADCAST, "SO_BROADCAST", 1),
    (_SOL, socket.SO_PRIORITY, "SO_PRIORITY", 3),
    (_SOL, socket.SO_RCVLOWAT, "SO_RCVLOWAT", 2),
    (_SOL, socket.SO_RCVTIMEO, "SO_RCVTIMEO", _TIME),
    (_SOL, socket.SO_SNDTIMEO, "SO_SNDTIMEO", _TIME),
    (_SOL, socket.SO_LINGER, "SO_LINGER", RESET),
    (_SOL, socket.SO_SNDBUF, "SO_SNDBUF", 10_000),
    (_SOL, socket.SO_RCVBUF, "SO_RCVBUF", 10_000),
    (_SOL, 29, "SO_TIMESTAMP", 1),
    (_SOL, 46, "SO_BUSY_POLL", 50),
    (_SOL, 47, "SO_MAX_PACING_RATE", 1 << 20),
    (_SOL, 60, "SO_ZEROCOPY", 1),
)
_STREAM = (
    (_TCP, socket.TCP_NODELAY, "TCP_NODELAY", 1),
    (_TCP, socket.TCP_CORK, "TCP_CORK", 1),
    (_TCP, socket.TCP_KEEPIDLE, "TCP_KEEPIDLE", 33),
    (_TCP, socket.TCP_KEEPINTVL, "TCP_KEEPINTVL", 7),
    (_TCP, socket.TCP_KEEPCNT, "TCP_KEEPCNT", 3),
    (_TCP, socket.TCP_SYNCNT, "TCP_SYNCNT", 4),
    (_TCP, socket.TCP_LINGER2, "TCP_LINGER2", 20),
    (_TCP, socket.TCP_DEFER_ACCEPT, "TCP_DEFER_ACCEPT", 1),
    (_TCP, socket.TCP_USER_TIMEOUT, "TCP_USER_TIMEOUT", 5000),
    (_TCP, socket.TCP_NOTSENT_LOWAT, "TCP_NOTSENT_LOWAT", 16384),
    (_TCP, socket.TCP_QUICKACK, "TCP_QUICKACK", 1),
    (_TCP, socket.TCP_WINDOW_CLAMP, "TCP_WINDOW_CLAMP", 65536),
    (_TCP, socket.TCP_CONGESTION, "TCP_CONGESTION", b"reno"),
    (_TCP, socket.TCP_MAXSEG, "TCP_MAXSEG", 1000),
    (_TCP, 30, "TCP_FASTOPEN_CONNECT", 1),
)
_DATAGRAM = (
    (_UDP, 1, "UDP_CORK", 1),
    (_UDP, 103, "UDP_SEGMENT", 1000),
    (_UDP, 104, "UDP_GRO", 1),
)
_V4 = (
    (_IP, socket.IP_TOS, "IP_TOS", 16),
    (_IP, socket.IP_TTL, "IP_TTL", 10),
    (_IP, 10, "IP_MTU_DISCOVER", 2),
    (_IP, 13, "IP_RECVTOS", 1),
    (_IP, 8, "IP_PKTINFO", 1),
    (_IP, 15, "IP_FREEBIND", 1),
    (_IP, 11, "IP_RECVERR", 1),
    (_IP, 12, "IP_RECVTTL", 1),
    (_IP, 24, "IP_BIND_ADDRESS_NO_PORT", 1),
    (_IP, socket.IP_TRANSPARENT, "IP_TRANSPARENT", 1),
    (_IP, socket.IP_MULTICAST_TTL, "IP_MULTICAST_TTL", 4),
    (_IP, 49, "IP_MULTICAST_ALL", 0),
)
_V6 = (
    (_IP6, socket.IPV6_V6ONLY, "IPV6_V6ONLY", 1),
    (_IP6, socket.IPV6_TCLASS, "IPV6_TCLASS", 16),
    (_IP6, socket.IPV6_UNICAST_HOPS, "IPV6_UNICAST_HOPS", 10),
    (_IP6, 23, "IPV6_MTU_DISCOVER", 2),
    (_IP6, socket.IPV6_RECVPKTINFO, "IPV6_RECVPKTINFO", 1),
    (_IP6, socket.IPV6_RECVTCLASS, "IPV6_RECVTCLASS", 1),
    (_IP6, 25, "IPV6_RECVERR", 1),
    (_IP6, socket.IPV6_MULTICAST_HOPS, "IPV6_MULTICAST_HOPS", 4),
    (_IP6, socket.IPV6_DONTFRAG, "IPV6_DONTFRAG", 1),
)

_PASS_ALL = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0xFFFF))  # BPF_RET | BPF_K
_FILTER = struct.pack("HxxxxxxP", 1, ctypes.addressof(_PASS_ALL))
"""A struct sock_fprog that lets everything through."""


# Level, option, what sets it, level and option and value that unset it again.
_SET_AND_UNSET: tuple[tuple[str, int, int, Any, int, Any], ...] = (
    ("SO_BINDTODEVICE", _SOL, 25, b"lo\0", 25, b"\0"),
    ("SO_ZEROCOPY", _SOL, 60, 1, 60, 0),
    ("SO_PEEK_OFF", _SOL, 42, 0, 42, -1),
    ("SO_ATTACH_FILTER", _SOL, 26, _FILTER, 27, 0),
    ("IP_TRANSPARENT", _IP, socket.IP_TRANSPARENT, 1, socket.IP_TRANSPARENT, 0),
    ("IP_RECVOPTS", _IP, 6, 1, 6, 0),
    ("IP_MINTTL", _IP, 21, 9, 21, 0),
)


def _value(s: socket.socket, level: int, option: int, value: Any) -> Any:
    room = [16] if isinstance(value, bytes) else []
    found = answer(s.getsockopt, level, option, *room)
    return found.rstrip(b"\0") if option == socket.TCP_CONGESTION and room else found


def _kept(level: int, option: int, value: Any) -> Callable[[Kind], Any]:
    def kept(kind: Kind) -> Any:
        """Set and reported: fresh, over connect, and at both ends of a flow."""
        found = []
        client, server = kind.pair()
        with kind.socket() as early:
            found.append(answer(early.setsockopt, level, option, value))
            found.append(_value(early, level, option, value))
            if kind.type == socket.SOCK_STREAM:
                with kind.listener() as s:
                    found.append(answer(early.connect, s.getsockname()))
                    found.append(_value(early, level, option, value))
        for s in (client, server):
            found.append(_value(s, level, option, value))
            found.append(answer(s.setsockopt, level, option, value))
            found.append(_value(s, level, option, value))
        return found

    return kept


for _level, _option, _name, _new in (*_ALL, *_STREAM, *_DATAGRAM, *_V4, *_V6):
    _kinds: tuple[Kind, ...] = (TCP4, UDP4)
    if (_level, _option, _name, _new) in _STREAM:
        _kinds = (TCP4, TCP_MAPPED)
    elif _level == _UDP:
        _kinds = (UDP4,)
    elif _name == "IPV6_MULTICAST_HOPS":
        _kinds = (UDP6,)
    elif _level == _IP6:
        _kinds = (TCP6, UDP6)
    elif _name in ("IP_MULTICAST_TTL", "IP_MULTICAST_ALL"):
        _kinds = (UDP4,)
    elif _level == _IP:
        _kinds = (TCP4, UDP4)
    add("options", _name, _kinds, _kept(_level, _option, _new), "options A16")


def _put_to_use(kind: Kind, prepare: Callable[[socket.socket], Any]) -> list[Any]:
    """What connect or sendto, and bind and listen, say to sockets that were prepared."""
    with kind.bound() as s, kind.socket() as c, kind.socket() as server:
        if kind.type == socket.SOCK_STREAM:
            s.listen()
        prepare(c)
        prepare(server)
        found = [answer(c.connect, s.getsockname()), answer(server.bind, (kind.host, 0))]
        if kind.type == socket.SOCK_STREAM:
            return [*found, answer(server.listen)]
        with kind.socket() as sender:
            prepare(sender)
            return [*found, answer(sender.sendto, b"x", s.getsockname())]


def _unset_again(level: int, option: int, value: Any, off: int, nothing: Any) -> Any:
    def unset_again(kind: Kind) -> Any:
        """Set and unset before the socket is put to use: as if nothing had been."""

        def prepare(s: socket.socket) -> None:
            s.setsockopt(level, option, value)
            s.setsockopt(level, off, nothing)

        return _put_to_use(kind, prepare)

    return unset_again


def _set_before(level: int, option: int, value: Any) -> Any:
    def set_before(kind: Kind) -> Any:
        """What no service has is set before the socket is put to use."""
        return _put_to_use(kind, lambda s: s.setsockopt(level, option, value))

    return set_before


for _name, _level, _option, _new, _off, _nothing in _SET_AND_UNSET:
    add(
        "options",
        f"unset_{_name}",
        (TCP4, UDP4),
        _unset_again(_level, _option, _new, _off, _nothing),
        "options A16",
    )
    add(
        "options",
        f"before_{_name}",
        (TCP4, UDP4),
        _set_before(_level, _option, _new),
        "dangerous-options A16",
    )


@check(TCP4, TCP6, rows="dangerous-options A16")
def signatures_before(kind: Kind) -> Any:
    """TCP_MD5SIG with a key, on a socket that connects to whoever has none."""
    with kind.listener() as s, kind.socket() as c:
        peer = raw(kind, 0).ljust(128, b"\0")
        key = struct.pack("BBHi", 0, 0, 3, 0) + b"key".ljust(80, b"\0")
        code = answer(c.setsockopt, _TCP, 14, peer + key)
        c.settimeout(0.2)
        connected = answer(c.connect, s.getsockname())
        return code, connected == "ok"


@check(*TCP, rows="options A16")
def survive_connect(kind: Kind) -> Any:
    """What was set before connect is there behind it, descriptor flags too."""
    with kind.listener() as s, kind.socket() as c:
        on(c, socket.TCP_NODELAY, 1, _TCP)
        on(c, socket.SO_KEEPALIVE)
        on(c, socket.TCP_KEEPIDLE, 77, _TCP)
        fcntl.fcntl(c, fcntl.F_SETFD, 0)
        c.connect(s.getsockname())
        found = [
            bool(c.getsockopt(_TCP, socket.TCP_NODELAY)),
            c.getsockopt(_SOL, socket.SO_KEEPALIVE),
        ]
        return [*found, c.getsockopt(_TCP, socket.TCP_KEEPIDLE), fcntl.fcntl(c, fcntl.F_GETFD)]


@check(TCP4, rows="options disconnect")
def survive_disconnect(kind: Kind) -> Any:
    """And behind a disconnection."""
    with kind.listener() as s, kind.socket() as c:
        on(c, socket.TCP_NODELAY, 1, _TCP)
        c.connect(s.getsockname())
        on(c, socket.TCP_KEEPIDLE, 55, _TCP)
        disconnect(c)
        return bool(c.getsockopt(_TCP, socket.TCP_NODELAY)), c.getsockopt(_TCP, socket.TCP_KEEPIDLE)


@check(TCP4, TCP6, rows="dangerous-options")
def encryption(kind: Kind) -> Any:
    """TCP_ULP of an unknown name is refused."""
    c, _server = kind.pair()
    return answer(c.setsockopt, _TCP, 31, b"nosuch")


@check(TCP4, rows="dangerous-options")
def kernel_tls(kind: Kind) -> Any:
    """Whoever is told that TCP_ULP "tls" is on must have it on; never in plain text."""
    c, _server = kind.pair()
    code = answer(c.setsockopt, _TCP, 31, b"tls")
    told = answer(c.getsockopt, _TCP, 31, 16)
    return code != "ok" or told == b"tls\0"


@check(TCP4, rows="dangerous-options")
def signatures(kind: Kind) -> Any:
    """TCP_MD5SIG with nonsense is refused."""
    c, _server = kind.pair()
    return answer(c.setsockopt, _TCP, 14, bytes(4)) != "ok"


@check(TCP4, rows="dangerous-options")
def filters(kind: Kind) -> Any:
    """SO_ATTACH_FILTER of nothing is refused."""
    c, _server = kind.pair()
    return answer(c.setsockopt, _SOL, 26, bytes(16)) != "ok"


@check(TCP4, TCP6, UDP4, rows="options")
def unknown(kind: Kind) -> Any:
    """Options and levels that do not exist."""
    c, _server = kind.pair()
    found = []
    for level, option in ((_SOL, 9999), (_IP, 9999), (_TCP, 9999), (9999, 1)):
        found.append((answer(c.setsockopt, level, option, 1), answer(c.getsockopt, level, option)))
    return found


@check(TCP4, UDP4, rows="options")
def wrong_length(kind: Kind) -> Any:
    """Values that are too short."""
    c, _server = kind.pair()
    found = [answer(c.setsockopt, _SOL, socket.SO_KEEPALIVE, b"\1")]
    found.append(answer(c.setsockopt, _SOL, socket.SO_LINGER, b"\1\0\0\0"))
    found.append(answer(c.setsockopt, _IP, socket.IP_TOS, b"\x10"))
    if kind is TCP4:
        found.append(answer(c.setsockopt, _TCP, socket.TCP_NODELAY, b"\1"))
        found.append(answer(c.setsockopt, _TCP, socket.TCP_KEEPIDLE, 0))
        found.append(answer(c.setsockopt, _TCP, socket.TCP_CONGESTION, b"no-such-thing"))
    return found


@check(*TCP, rows="credentials")
def peer_credentials(kind: Kind) -> Any:
    """A TCP socket knows no process at its other end."""
    c, server = kind.pair()
    return [answer(s.getsockopt, _SOL, socket.SO_PEERCRED, 12) for s in (c, server)]


@check(TCP4, rows="credentials")
def other_credentials(kind: Kind) -> Any:
    """SO_PEERSEC, SO_PEERGROUPS, SO_PEERPIDFD, SO_PASSCRED."""
    c, _server = kind.pair()
    asked = [answer(c.getsockopt, _SOL, option, 64) for option in (31, 59, socket.SO_PASSCRED)]
    return asked, answer(c.setsockopt, _SOL, socket.SO_PASSCRED, 1)


@check(TCP4, TCP6, rows="tcp-info")
def tcp_info_state(kind: Kind) -> Any:
    """TCP_INFO's state: open, closed by the peer, listening, fresh."""
    c, server = kind.pair()

    def state(s: socket.socket) -> Any:
        return _STATES.get(s.getsockopt(_TCP, socket.TCP_INFO, 1)[0])

    first = state(c)
    server.close()
    ended(c)
    with kind.listener() as s, kind.socket() as fresh:
        return first, state(c), state(s), state(fresh)


@check(TCP4, rows="tcp-info")
def tcp_info_figures(kind: Kind) -> Any:
    """TCP_INFO's segment size, and its length as the caller has room."""
    c, server = kind.pair()
    c.sendall(b"x")
    server.recv(1)
    info = c.getsockopt(_TCP, socket.TCP_INFO, 104)
    mss = struct.unpack_from("I", info, 16)[0]
    return len(info) == 104, mss > 500, len(c.getsockopt(_TCP, socket.TCP_INFO, 8))


@check(TCP4, rows="options")
def room(kind: Kind) -> Any:
    """getsockopt with less room than the value has."""
    c, _server = kind.pair()
    return [
        answer(c.getsockopt, level, option, size)
        for level, option in ((_SOL, socket.SO_KEEPALIVE), (_TCP, socket.TCP_KEEPIDLE))
        for size in (1, 2)
    ]


@check(*UDP, rows="udp-control options")
def of_the_other_protocol(kind: Kind) -> Any:
    """A datagram socket has no options of TCP."""
    c, _server = kind.pair()
    return answer(c.setsockopt, _TCP, socket.TCP_NODELAY, 1)
