"""Pointers to where no memory is: EFAULT, as the kernel says, and nothing else happens."""

import ctypes
import mmap
import socket
import struct
from collections.abc import Callable
from typing import Any

from ..kinds import TCP4, TCP6, UDP4, UDP6, Kind
from ..table import check
from ..verbs import answer, arrived, libc, name, raw

_ALL = (TCP4, TCP6, UDP4, UDP6)
_PAGE = mmap.PAGESIZE
_PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
_DONTWAIT = socket.MSG_DONTWAIT


def _pages(count: int, protection: int) -> int:
    libc.mmap.restype = ctypes.c_void_p
    size, nowhere = ctypes.c_size_t(count * _PAGE), ctypes.c_long(0)
    return int(libc.mmap(None, size, protection, _PRIVATE, -1, nowhere))


def _bad() -> int:
    """Mapped, and neither to be read nor written."""
    return _pages(1, 0)


def _at_the_edge(data: bytes) -> int:
    """A copy of `data` that ends where readable memory ends."""
    start = _pages(2, mmap.PROT_READ | mmap.PROT_WRITE)
    libc.munmap(ctypes.c_void_p(start + _PAGE), ctypes.c_size_t(_PAGE))
    at = start + _PAGE - len(data)
    ctypes.memmove(at, data, len(data))
    return at


def _call(function: str, *args: Any) -> Any:
    """Numbers above 32 bits are pointers."""
    words = [
        ctypes.c_void_p(one) if isinstance(one, int) and one > 0xFFFFFFFF else one for one in args
    ]
    result = getattr(libc, function)(*words)
    return name(ctypes.get_errno()) if result < 0 else result


def _message(*, address: int = 0, piece: int | None = None, control: int = 0) -> bytes:
    """A msghdr of one piece of one byte."""
    buffer = ctypes.create_string_buffer(1)
    vector = ctypes.create_string_buffer(struct.pack("PN", ctypes.addressof(buffer), 1))
    _kept.extend((buffer, vector))
    return struct.pack(
        "PIxxxxPNPNi4x",
        *(address, 28 if address else 0, ctypes.addressof(vector) if piece is None else piece, 1),
        *(control, 64 if control else 0, 0),
    )


_kept: list[Any] = []
"""What messages point to."""


def _pair(kind: Kind) -> tuple[socket.socket, socket.socket]:
    """With many datagrams, or bytes, to be read."""
    c, server = kind.pair()
    for _ in range(20):
        c.send(b"x")
    arrived(server, 1)
    return c, server


@check(*_ALL, rows="pointers")
def addresses(kind: Kind) -> Any:
    """Addresses that are given."""
    bad, length = _bad(), len(raw(kind, 1))
    c, _ = _pair(kind)
    with kind.socket() as fresh:
        calls = [
            _call("connect", fresh.fileno(), bad, length),
            _call("bind", fresh.fileno(), bad, length),
            _call("sendto", fresh.fileno(), b"x", 1, 0, bad, length),
            _call("sendto", c.fileno(), b"x", 1, 0, bad, length),
            _call("connect", fresh.fileno(), 0, length),
            _call("bind", fresh.fileno(), bad, 0x7FFFFFFF),
        ]
        return calls, answer(fresh.connect, (kind.host, 0)) is not None


@check(*_ALL, rows="pointers")
def addresses_asked_for(kind: Kind) -> Any:
    """Addresses that are asked for, and their lengths."""
    bad, room = _bad(), ctypes.create_string_buffer(128)
    c, server = _pair(kind)
    found = []
    for function in ("getsockname", "getpeername"):
        length = ctypes.c_int(128)
        found.append(_call(function, c.fileno(), bad, ctypes.byref(length)))
        found.append(_call(function, c.fileno(), room, bad))
        found.append(_call(function, c.fileno(), room, 0))
    length = ctypes.c_int(128)
    for address, size in ((bad, ctypes.byref(length)), (room, bad)):
        arrived(server, 1)  # a datagram is gone, whatever the pointer
        found.append(_call("recvfrom", server.fileno(), room, 1, _DONTWAIT, address, size))
    return found


@check(TCP4, TCP6, rows="pointers")
def accepted(kind: Kind) -> Any:
    """What accept is to say."""
    bad, room, length = _bad(), ctypes.create_string_buffer(128), ctypes.c_int(128)
    with kind.listener() as s:
        found = []
        for address, size in ((bad, ctypes.byref(length)), (room, bad)):
            with kind.connect(s.getsockname()):
                found.append(_call("accept", s.fileno(), address, size))
        return found


@check(*_ALL, rows="pointers")
def messages(kind: Kind) -> Any:
    """A message, and each of its parts."""
    bad = _bad()
    c, server = _pair(kind)
    found: list[Any] = []
    for message in (bad, _message(piece=bad), _message(address=bad), _message(control=bad)):
        found.append(_call("sendmsg", c.fileno(), message, 0))
    for message in (bad, _message(piece=bad), _message(address=bad), _message(control=bad)):
        arrived(server, 1)  # a datagram is gone, whatever the pointer
        found.append(_call("recvmsg", server.fileno(), message, _DONTWAIT))
    return found


@check(*_ALL, rows="pointers")
def lists(kind: Kind) -> Any:
    """Lists of messages and of pieces."""
    bad = _bad()
    c, server = _pair(kind)
    calls: list[Callable[[], Any]] = [
        lambda: _call("sendmmsg", c.fileno(), bad, 1, 0),
        lambda: _call("sendmmsg", c.fileno(), _message(piece=bad) + bytes(8), 1, 0),
        lambda: _call("recvmmsg", server.fileno(), bad, 1, _DONTWAIT, None),
        lambda: _call("recvmmsg", server.fileno(), _message(piece=bad) + bytes(8), 1, _DONTWAIT, 0),
        lambda: _call("writev", c.fileno(), bad, 1),
        lambda: _call("readv", server.fileno(), bad, 1),
        lambda: _call("write", c.fileno(), bad, 1),
        lambda: _call("read", server.fileno(), bad, 1),
    ]
    found = []
    for call in calls:
        arrived(server, 1)
        found.append(call())
    return found


@check(*_ALL, rows="pointers")
def options(kind: Kind) -> Any:
    """Values of options, and their lengths."""
    bad, value, length = _bad(), ctypes.c_int(1), ctypes.c_int(4)
    c, _ = _pair(kind)
    chosen = [(socket.SOL_SOCKET, socket.SO_RCVBUF), (socket.SOL_SOCKET, socket.SO_ERROR)]
    if kind.type == socket.SOCK_STREAM:
        chosen.append((socket.IPPROTO_TCP, socket.TCP_NODELAY))
    else:
        chosen.append((socket.IPPROTO_IP, socket.IP_TOS))
    found = []
    for level, option in chosen:
        found.append(_call("setsockopt", c.fileno(), level, option, bad, 4))
        for size in (-4, 0, 3):
            found.append(_call("setsockopt", c.fileno(), level, option, bad, size))
            found.append(_call("setsockopt", c.fileno(), level, option, ctypes.byref(value), size))
        found.append(_call("getsockopt", c.fileno(), level, option, bad, ctypes.byref(length)))
        found.append(_call("getsockopt", c.fileno(), level, option, ctypes.byref(value), bad))
    return found, _call("ioctl", c.fileno(), 0x541B, bad)


@check(*_ALL, rows="pointers")
def at_the_edge(kind: Kind) -> Any:
    """An address that ends where memory ends, and one in memory that cannot be written."""
    with kind.bound() as server, kind.socket() as c:
        if kind.type == socket.SOCK_STREAM:
            server.listen()
        address = raw(kind, server.getsockname()[1])
        at = _at_the_edge(address)
        libc.mprotect(ctypes.c_void_p(at & ~(_PAGE - 1)), ctypes.c_size_t(_PAGE), mmap.PROT_READ)
        short = _call("connect", c.fileno(), at, len(address) + 1)
        return short, _call("connect", c.fileno(), at, len(address)), answer(c.send, b"x")
