"""getsockname, getpeername, and who a socket says it is."""

import ctypes
import socket
from typing import Any

from ..kinds import TCP, TCP4, TCP6, UDP, Kind
from ..table import check
from ..verbs import answer, disconnect, libc, reset_by_unread

_MPTCP = 262


@check(*TCP, *UDP, rows="names")
def unbound(kind: Kind) -> Any:
    """A fresh socket has the wildcard and port 0, and no peer."""
    with kind.socket() as s:
        return s.getsockname(), answer(s.getpeername)


@check(*TCP, *UDP, rows="names")
def bound(kind: Kind) -> Any:
    """A bound socket has its address, and no peer."""
    with kind.bound() as s:
        name = s.getsockname()
        return name[0], name[1] != 0, name[2:], answer(s.getpeername)


@check(*TCP, *UDP, rows="names")
def bound_to_wildcard(kind: Kind) -> Any:
    """The wildcard is shown as such."""
    with kind.socket() as s:
        s.bind((kind.any, 0))
        return s.getsockname()[0], s.getsockname()[1] != 0


@check(*TCP, rows="names")
def listening(kind: Kind) -> Any:
    """A listener has its address, and no peer."""
    with kind.listener() as s:
        name = s.getsockname()
        return name[0], name[1] != 0, answer(s.getpeername)


@check(TCP4, TCP6, rows="names")
def wildcard_listener(kind: Kind) -> Any:
    """An accepted socket has the address that its client used."""
    with kind.socket() as s:
        s.bind((kind.any, 0))
        s.listen()
        with kind.connect((kind.host, s.getsockname()[1])) as c:
            server, _ = s.accept()
            return s.getsockname()[0], server.getsockname()[0], c.getpeername()[0]


@check(*TCP, *UDP, rows="names")
def room(kind: Kind) -> Any:
    """Never more than the caller has room for; the true length is told."""
    c, _server = kind.pair()
    found = []
    for call in (libc.getsockname, libc.getpeername):
        for size in (0, 2, 8, 16, 28, 100):
            buffer = ctypes.create_string_buffer(b"\xee" * 128, 128)
            length = ctypes.c_uint(size)
            result = call(c.fileno(), buffer, ctypes.byref(length))
            untouched = buffer.raw[size:] == b"\xee" * (128 - size)
            found.append((result, length.value, untouched))
    return found


@check(TCP4, rows="names")
def negative_room(kind: Kind) -> Any:
    """EINVAL."""
    from ..verbs import c_answer

    c, _server = kind.pair()
    length = ctypes.c_int(-1)
    buffer = ctypes.create_string_buffer(128)
    return [
        c_answer(call, c.fileno(), buffer, ctypes.byref(length))
        for call in ("getsockname", "getpeername")
    ]


@check(*TCP, *UDP, rows="domain")
def domain(kind: Kind) -> Any:
    """SO_DOMAIN, SO_TYPE and SO_PROTOCOL of both ends, of a listener, of a fresh socket."""
    c, server = kind.pair()
    options = socket.SO_DOMAIN, socket.SO_TYPE, socket.SO_PROTOCOL
    with kind.socket() as fresh, kind.bound() as b:
        if kind.type == socket.SOCK_STREAM:
            b.listen()
        return [
            one.getsockopt(socket.SOL_SOCKET, option)
            for one in (c, server, fresh, b)
            for option in options
        ]


@check(TCP4, TCP6, rows="domain")
def multipath(kind: Kind) -> Any:
    """SO_PROTOCOL of a socket of MPTCP, on its way from one peer to none."""
    found = []
    with kind.listener() as s, socket.socket(kind.family, kind.type, _MPTCP) as c:
        for step in (lambda: c.connect(s.getsockname()), lambda: disconnect(c)):
            found.append(c.getsockopt(socket.SOL_SOCKET, socket.SO_PROTOCOL))
            step()
        found.append(c.getsockopt(socket.SOL_SOCKET, socket.SO_PROTOCOL))
        return found, c.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)


@check(*TCP, *UDP, rows="domain")
def adopted(kind: Kind) -> Any:
    """A number alone tells Python what socket it is."""
    c, server = kind.pair()
    adopted = [socket.socket(fileno=one.detach()) for one in (c, server)]
    return [(int(one.family), int(one.type), one.proto) for one in adopted]


@check(TCP4, TCP6, rows="names shutdown-reset")
def after_reset(kind: Kind) -> Any:
    """A socket that was reset has lost its peer, not its own name."""
    c, server = kind.pair()
    before = c.getsockname()
    reset_by_unread(c, server)
    return answer(c.getpeername), c.getsockname() == before


@check(TCP4, rows="names")
def after_own_shutdown(kind: Kind) -> Any:
    """Both names stay while the peer is there."""
    c, server = kind.pair()
    c.shutdown(socket.SHUT_RDWR)
    return c.getpeername() == server.getsockname(), c.getsockname() == server.getpeername()
