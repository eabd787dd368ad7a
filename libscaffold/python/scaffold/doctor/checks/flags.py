"""Flags of sending and receiving, each on sockets where something waits."""

import ctypes
import socket
from typing import Any

from ..kinds import TCP, TCP4, TCP6, UDP, UDP4, Kind
from ..table import check
from ..verbs import answer, arrived, libc, name

_CMSG_CLOEXEC = 0x40000000
_FLAGS = {
    "OOB": 0x1,
    "PEEK": 0x2,
    "DONTROUTE": 0x4,
    "CTRUNC": 0x8,
    "PROBE": 0x10,
    "TRUNC": 0x20,
    "DONTWAIT": 0x40,
    "EOR": 0x80,
    "WAITALL": 0x100,
    "FIN": 0x200,
    "SYN": 0x400,
    "CONFIRM": 0x800,
    "RST": 0x1000,
    "ERRQUEUE": 0x2000,
    "NOSIGNAL": 0x4000,
    "WAITFORONE": 0x10000,
    "BATCH": 0x40000,
    "an unknown one": 0x100000,
    "CMSG_CLOEXEC": _CMSG_CLOEXEC,
}
_ONLY_STREAMS = {"MORE": 0x8000}


def _received(s: socket.socket, flags: int) -> Any:
    """What recv takes, and what it writes to the room it is given."""
    room = ctypes.create_string_buffer(b"........", 8)
    got = libc.recv(s.fileno(), room, 8, flags | socket.MSG_DONTWAIT)
    return name(ctypes.get_errno()) if got < 0 else got, room.raw


@check(*TCP, *UDP, rows="flags")
def receiving(kind: Kind) -> Any:
    """Each flag of recv, while five bytes wait; then what is left."""
    found = {}
    for flag, value in _FLAGS.items():
        c, server = kind.pair()
        c.send(b"hello")
        arrived(server, 5)
        found[flag] = _received(server, value), _received(server, 0)
    return found


@check(*TCP, *UDP, rows="flags")
def receiving_nothing(kind: Kind) -> Any:
    """Each flag of recv, while nothing waits."""
    _, server = kind.pair()
    return {flag: _received(server, value) for flag, value in _FLAGS.items()}


@check(TCP4, UDP4, rows="flags")
def receiving_messages(kind: Kind) -> Any:
    """The same of recvmsg, with the flags that come back."""
    found = {}
    for flag, value in _FLAGS.items():
        c, server = kind.pair()
        c.send(b"hello")
        arrived(server, 5)
        found[flag] = answer(_message, server, value), _received(server, 0)
    return found


def _message(s: socket.socket, flags: int) -> tuple[Any, ...]:
    data, control, came, _ = s.recvmsg(3, 64, flags | socket.MSG_DONTWAIT)
    untouched = flags & socket.MSG_TRUNC and s.type == socket.SOCK_STREAM
    return len(data) if untouched else data, control, came


@check(*TCP, *UDP, rows="flags")
def sending(kind: Kind) -> Any:
    """Each flag of send, and what arrives."""
    found = {}
    more = _ONLY_STREAMS if kind.type == socket.SOCK_STREAM else {}
    for flag, value in {**_FLAGS, **more}.items():
        c, server = kind.pair()
        sent = answer(c.send, b"hello", value)
        c.send(b"!")
        arrived(server, 1)
        if sent == 5 and kind.type == socket.SOCK_STREAM:
            arrived(server, 5 if flag == "OOB" else 6)
        found[flag] = sent, _received(server, 0)
    return found


@check(TCP4, TCP6, rows="flags")
def fast_open_when_connected(kind: Kind) -> Any:
    """MSG_FASTOPEN on a flow that is open."""
    c, server = kind.pair()
    return answer(c.send, b"hello", socket.MSG_FASTOPEN), answer(
        c.sendto, b"hello", socket.MSG_FASTOPEN, server.getsockname()
    )


@check(TCP4, TCP6, rows="flags")
def errors_do_not_wait(kind: Kind) -> Any:
    """MSG_ERRQUEUE on a blocking socket comes back at once, whatever waits."""
    c, server = kind.pair()
    before = answer(server.recvmsg, 8, 64, socket.MSG_ERRQUEUE)
    c.send(b"hello")
    arrived(server, 5)
    with_data = answer(server.recvmsg, 8, 64, socket.MSG_ERRQUEUE)
    data = server.recv(8)
    c.close()
    return before, with_data, data, server.recv(8), answer(server.recv, 8, socket.MSG_ERRQUEUE)


@check(TCP4, TCP6, rows="flags")
def counted_in_place(kind: Kind) -> Any:
    """MSG_TRUNC with MSG_PEEK counts; MSG_WAITALL takes across writes."""
    c, server = kind.pair()
    c.send(b"hello")
    arrived(server, 5)
    peeked = _received(server, socket.MSG_PEEK | socket.MSG_TRUNC)
    c.send(b"world")
    arrived(server, 10)
    taken = server.recv(7, socket.MSG_WAITALL | socket.MSG_TRUNC)
    return peeked, len(taken), server.recv(8)
