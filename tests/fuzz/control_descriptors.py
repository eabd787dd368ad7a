"""Descriptors of every kind, as a program may pass them to scaffoldd.

A maker returns what is passed, and what has to stay open here beside it.
"""

import array
import ctypes
import os
import random
import select
import signal
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

Made = tuple[list[int], list[int]]
RIGHTS = (socket.SOL_SOCKET, socket.SCM_RIGHTS)
SYS_INOTIFY_INIT1, SYS_TIMERFD_CREATE, SYS_SIGNALFD4, SYS_IO_URING_SETUP = 294, 283, 289, 425

_libc = ctypes.CDLL(None, use_errno=True)


def _call(number: int, *arguments: object) -> list[int]:
    """The descriptor of a system call that Python has not got; nothing where it is refused."""
    fd = _libc.syscall(ctypes.c_long(number), *arguments)
    return [fd] if fd >= 0 else []


def _signalfd() -> list[int]:
    mask = ctypes.c_uint64(1 << (signal.SIGUSR1 - 1))
    return _call(SYS_SIGNALFD4, ctypes.c_int(-1), ctypes.byref(mask), ctypes.c_size_t(8), 0)


def _io_uring() -> list[int]:
    parameters = ctypes.create_string_buffer(120)
    return _call(SYS_IO_URING_SETUP, ctypes.c_uint(1), parameters)


def _fd(one: socket.socket) -> int:
    return one.detach()


def _pair(kind: int) -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, kind)


def _plugged(kind: int, plug: bytes) -> Made:
    ours, theirs = _pair(kind)
    ours.send(plug)
    return [_fd(theirs)], [_fd(ours)]


def _own_peer_in_queue(kind: int) -> Made:
    """The end that is passed holds the other end, which nobody else has."""
    ours, theirs = _pair(kind)
    ours.send(b"p")
    ours.sendmsg([b"x"], [(*RIGHTS, array.array("i", [ours.fileno()]))])
    ours.close()
    return [_fd(theirs)], []


def _itself_in_queue(kind: int) -> Made:
    ours, theirs = _pair(kind)
    ours.sendmsg([b"p"], [(*RIGHTS, array.array("i", [theirs.fileno()]))])
    return [_fd(theirs)], [_fd(ours)]


def _full(kind: int) -> Made:
    ours, theirs = _pair(kind)
    ours.setblocking(False)
    try:
        while True:
            ours.send(bytes(4096))
    except BlockingIOError:
        pass
    return [_fd(theirs)], [_fd(ours)]


def _shut(kind: int) -> Made:
    ours, theirs = _pair(kind)
    theirs.shutdown(socket.SHUT_RDWR)
    return [_fd(theirs)], [_fd(ours)]


def _listening(connected: bool) -> Made:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(b"\0fuzz" + os.urandom(8).hex().encode())
    listener.listen(1)
    client = socket.socket(socket.AF_UNIX)
    if connected:
        client.connect(listener.getsockname())
    return [_fd(listener)], [_fd(client)]


def _named_pair() -> Made:
    """Connected, but its other end has a name of somebody's choice."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(b"\0fuzz" + os.urandom(8).hex().encode())
    listener.listen(1)
    client = socket.socket(socket.AF_UNIX)
    client.connect(listener.getsockname())
    server, _ = listener.accept()
    return [_fd(client)], [_fd(server), _fd(listener)]


def _tcp(connected: bool) -> Made:
    listener = socket.create_server(("127.0.0.1", 0))
    if not connected:
        return [_fd(listener)], []
    client = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()
    listener.close()
    return [_fd(client)], [_fd(server)]


def _epoll() -> Made:
    one, other = _pair(socket.SOCK_STREAM)
    watching = select.epoll()
    watching.register(one, select.EPOLLIN)
    fd = os.dup(watching.fileno())
    watching.close()
    return [fd], [_fd(one), _fd(other)]


def _file() -> Made:
    fd, path = tempfile.mkstemp()
    Path(path).unlink()
    return [fd], []


def _pty() -> Made:
    one, other = os.openpty()
    return [one], [other]


def _pipe(end: int) -> Made:
    ends = os.pipe()
    return [ends[end]], [ends[1 - end]]


def _both_halves(kind: int) -> Made:
    one, other = _pair(kind)
    return [_fd(one), _fd(other)], []


STREAM, PACKETS, DATAGRAMS = socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM

KINDS: dict[str, Callable[[], Made]] = {
    "file": _file,
    "/dev/null": lambda: ([os.open("/dev/null", os.O_RDWR)], []),
    "folder": lambda: ([os.open("/", os.O_PATH)], []),
    "namespace": lambda: ([os.open("/proc/self/ns/net", os.O_RDONLY)], []),
    "memfd": lambda: ([os.memfd_create("fuzz")], []),
    "pipe, reading": lambda: _pipe(0),
    "pipe, writing": lambda: _pipe(1),
    "pty": _pty,
    "eventfd": lambda: ([os.eventfd(1)], []),
    "epoll": _epoll,
    "pidfd": lambda: ([os.pidfd_open(os.getpid())], []),
    "signalfd": lambda: (_signalfd(), []),
    "timerfd": lambda: (_call(SYS_TIMERFD_CREATE, 1, 0), []),
    "inotify": lambda: (_call(SYS_INOTIFY_INIT1, 0), []),
    "io_uring": lambda: (_io_uring(), []),
    "netlink": lambda: ([_fd(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0))], []),
    "udp": lambda: ([_fd(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))], []),
    "tcp, listening": lambda: _tcp(False),
    "tcp, connected": lambda: _tcp(True),
    "tcp, fresh": lambda: ([_fd(socket.socket(socket.AF_INET6))], []),
    "unix, fresh": lambda: ([_fd(socket.socket(socket.AF_UNIX))], []),
    "unix, listening": lambda: _listening(False),
    "unix, listening with a queue": lambda: _listening(True),
    "unix, named": _named_pair,
    "stream pair, empty": lambda: _plugged(STREAM, b""),
    "stream pair, plugged": lambda: _plugged(STREAM, b"p"),
    "stream pair, long plug": lambda: _plugged(STREAM, bytes(9000)),
    "stream pair, full": lambda: _full(STREAM),
    "stream pair, shut": lambda: _shut(STREAM),
    "stream pair, holding its peer": lambda: _own_peer_in_queue(STREAM),
    "stream pair, holding itself": lambda: _itself_in_queue(STREAM),
    "stream pair, both": lambda: _both_halves(STREAM),
    "packet pair": lambda: _plugged(PACKETS, b"p"),
    "packet pair, full": lambda: _full(PACKETS),
    "packet pair, holding its peer": lambda: _own_peer_in_queue(PACKETS),
    "packet pair, both": lambda: _both_halves(PACKETS),
    "datagram pair": lambda: _plugged(DATAGRAMS, b"p"),
}


def make(kind: str) -> Made:
    """Nothing where this machine has not got the kind, or no descriptor is left here."""
    try:
        return KINDS[kind]()
    except OSError:
        return [], []


def some(random: random.Random) -> tuple[str, Made]:
    """One, or several at once."""
    names = random.choices(list(KINDS), k=random.choice([1, 1, 1, 2, 3, 6]))
    made = [make(name) for name in names]
    passed = [fd for one, _ in made for fd in one]
    return " + ".join(names), (passed, [fd for _, kept in made for fd in kept])
