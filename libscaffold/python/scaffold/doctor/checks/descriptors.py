"""What a number is beside a socket."""

import ctypes
import fcntl
import os
import resource
import select
import signal
import socket
import stat
import struct
from pathlib import Path
from typing import Any

from ..kinds import TCP, TCP4, TCP6, UDP, UDP4, Kind
from ..table import check
from ..verbs import (
    answer,
    arrived,
    c_answer,
    libc,
    mask,
    may_not_ask_for_names,
    name,
    unserved,
    until,
)

_CLONE_NEWUSER = 0x10000000

_FIOASYNC, _FIOSETOWN, _SIOCSPGRP, _FIOGETOWN = 0x5452, 0x8901, 0x8902, 0x8903


@check(*TCP, *UDP, rows="free")
def kind_of_file(kind: Kind) -> Any:
    """fstat and /proc say that it is a socket."""
    c, server = kind.pair()
    with kind.bound() as b:
        return [
            (
                stat.S_ISSOCK(os.fstat(s.fileno()).st_mode),
                str(Path(f"/proc/self/fd/{s.fileno()}").readlink())[:8],
            )
            for s in (c, server, b)
        ]


@check(*TCP, rows="A4")
def numbers_stay(kind: Kind) -> Any:
    """No call changes a number, and none is used up in between."""
    with kind.listener() as s, kind.socket() as c:
        before = s.fileno(), c.fileno()
        c.connect(s.getsockname())
        server, _ = s.accept()
        with Path("/dev/null").open() as file:
            after = s.fileno(), c.fileno()
            return before == after, server.fileno() - before[1], file.fileno() - server.fileno()


@check(TCP4, TCP6, rows="A4")
def flags_stay(kind: Kind) -> Any:
    """FD_CLOEXEC, O_NONBLOCK and F_SETOWN survive connect and listen."""
    with kind.listener() as s, kind.socket() as c, kind.socket() as other:
        for one in (c, other):
            fcntl.fcntl(one, fcntl.F_SETFD, 0)
            fcntl.fcntl(one, fcntl.F_SETOWN, os.getpid())
            one.setblocking(False)
        answer(c.connect, s.getsockname())
        other.bind((kind.host, 0))
        other.listen()
        return [
            (
                fcntl.fcntl(one, fcntl.F_GETFD),
                bool(fcntl.fcntl(one, fcntl.F_GETFL) & os.O_NONBLOCK),
                fcntl.fcntl(one, fcntl.F_GETOWN) == os.getpid(),
            )
            for one in (c, other)
        ]


@check(TCP4, TCP6, rows="free")
def duplicated_before_connect(kind: Kind) -> Any:
    """A duplicate made before connect is the connected socket."""
    with kind.listener() as s, kind.socket() as c:
        others = [os.dup(c.fileno()), fcntl.fcntl(c, fcntl.F_DUPFD, 100)]
        others.append(os.dup2(c.fileno(), 200))
        c.connect(s.getsockname())
        server, _ = s.accept()
        for other in others:
            os.write(other, b"x")
        c.close()
        arrived(server, 3)
        return server.recv(100), [stat.S_ISSOCK(os.fstat(other).st_mode) for other in others]


@check(TCP4, rows="free")
def duplicated_before_listen(kind: Kind) -> Any:
    """And one made before listen the listener."""
    with kind.socket() as s:
        other = s.dup()
        s.bind((kind.host, 0))
        s.listen()
        address = s.getsockname()
        s.close()
        with kind.connect(address) as c:
            return other.accept()[1] == c.getsockname()


@check(TCP4, rows="free")
def duplicated_when_open(kind: Kind) -> Any:
    """The flow ends with its last number."""
    c, server = kind.pair()
    other = os.dup(c.fileno())
    c.close()
    os.write(other, b"still there")
    arrived(server, 11)
    first = mask(server), server.recv(100)
    os.close(other)
    return first, until(server, 0x2000)


@check(TCP4, rows="free")
def replaced(kind: Kind) -> Any:
    """dup2 over a socket closes it."""
    c, server = kind.pair()
    with Path("/dev/null").open() as file:
        os.dup2(file.fileno(), server.fileno())
        return until(c, 0x2000), c.recv(1)


@check(TCP4, rows="swap-limit")
def at_the_limit(kind: Kind) -> Any:
    """connect needs no further descriptor."""
    with kind.listener() as s, kind.socket() as c:
        address = s.getsockname()
        top = os.dup(0)
        os.close(top)
        resource.setrlimit(resource.RLIMIT_NOFILE, (top, 4096))
        code = answer(c.connect, address)
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 4096))
        return code, answer(c.connect, address)


@check(TCP4, rows="A15")
def many_attempts(kind: Kind) -> Any:
    """A socket that is refused 20 times leaves no descriptor behind, and connects in the end."""
    with kind.listener() as s, unserved(kind) as nobody, kind.socket() as c:
        first = os.dup(0)
        os.close(first)
        codes = {answer(c.connect, nobody) for _ in range(20)}
        last = os.dup(0)
        os.close(last)
        c.connect(s.getsockname())
        return codes, last - first, s.accept()[1] == c.getsockname()


def _of_loopback(s: socket.socket, request: int) -> bytes:
    """What an ioctl says about the loopback interface (netdevice(7))."""
    return fcntl.ioctl(s, request, struct.pack("16s16x", b"lo"))[20:24]


@check(TCP4, TCP6, rows="interfaces")
def interfaces(kind: Kind) -> Any:
    """ioctls about interfaces work on any socket."""
    c, server = kind.pair()
    with kind.bound() as b:
        return [
            answer(_of_loopback, s, number) for s in (c, server, b) for number in (0x8915, 0x8913)
        ]


@check(TCP4, rows="free")
def blocking_mode(kind: Kind) -> Any:
    """FIONBIO and O_NONBLOCK are one and the same."""
    c, _server = kind.pair()
    found = []
    for on in (1, 0, 1):
        fcntl.ioctl(c, 0x5421, struct.pack("i", on))
        found.append(bool(fcntl.fcntl(c, fcntl.F_GETFL) & os.O_NONBLOCK))
    return found, answer(c.recv, 1)


@check(TCP4, rows="free")
def signalled(kind: Kind) -> Any:
    """O_ASYNC sends SIGIO when bytes arrive."""
    c, server = kind.pair()
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGIO])
    fcntl.fcntl(server, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(server, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    c.sendall(b"x")
    return signal.sigtimedwait([signal.SIGIO], 5) is not None


@check(TCP4, rows="free")
def no_terminal(kind: Kind) -> Any:
    """ioctls of other devices are ENOTTY."""
    c, _server = kind.pair()
    return os.isatty(c.fileno()), c_answer("ioctl", c.fileno(), 0x5413, bytes(8))


@check(TCP4, rows="free")
def not_a_socket(kind: Kind) -> Any:
    """Socket calls on what is none."""
    with Path("/dev/null").open() as file:
        fd = file.fileno()
        found = [
            c_answer(call, fd, None, None) for call in ("getsockname", "getpeername", "accept")
        ]
        return [*found, c_answer("listen", fd, 1), c_answer("shutdown", fd, 2)]


@check(TCP4, rows="control-path")
def after_chroot(kind: Kind) -> Any:
    """A program that has changed its root connects as before."""
    if os.geteuid() != 0:
        return "needs root"
    with kind.listener() as s:
        os.chroot("/proc/self/fdinfo")
        with kind.connect(s.getsockname()) as c:
            return s.accept()[1] == c.getsockname()


@check(TCP4, rows="control-path A13")
def after_setuid(kind: Kind) -> Any:
    """A program that has become another user connects as before."""
    if os.geteuid() != 0:
        return "needs root"
    with kind.listener() as s:
        os.setgid(65534)
        os.setuid(65534)
        with kind.connect(s.getsockname()) as c:
            return s.accept()[1] == c.getsockname()


@check(TCP4, rows="control-path A13")
def in_a_user_namespace(kind: Kind) -> Any:
    """A program for which users have lost their numbers connects and accepts as before."""
    with kind.listener() as s:
        if libc.unshare(_CLONE_NEWUSER) < 0:
            return "this machine has no user namespaces for us"
        with kind.connect(s.getsockname()) as c:
            return s.accept()[1] == c.getsockname()


@check(TCP4, rows="control-path A13")
def in_a_sandbox(kind: Kind) -> Any:
    """A server that may not ask who connected gets its connections."""
    with kind.listener() as s, kind.connect(s.getsockname()) as c:
        c.sendall(b"x")
        if not may_not_ask_for_names():
            return "this machine has no sandboxes for us"
        fd = libc.accept(s.fileno(), None, None)
        return os.read(fd, 1) if fd >= 0 else name(ctypes.get_errno())


@check(TCP4, rows="A14")
def without_environment(kind: Kind) -> Any:
    """A program that has cleared its environment connects as before."""
    os.environ.clear()
    with kind.listener() as s, kind.connect(s.getsockname()) as c:
        return s.accept()[1] == c.getsockname()


@check(TCP4, rows="free")
def readiness_of_many(kind: Kind) -> Any:
    """100 flows at once, each ready for its own reason."""
    pairs = [kind.pair() for _ in range(100)]
    for number, (c, _) in enumerate(pairs):
        if number % 2:
            c.sendall(b"x")
    for number, (_, server) in enumerate(pairs):
        if number % 2:
            until(server, select.POLLIN)
    return sum(mask(server, select.POLLIN) == "0x1" for _, server in pairs)


@check(TCP4, UDP4, rows="A4")
def owner_by_ioctl(kind: Kind) -> Any:
    """SIGIO for who has asked for it by ioctl, before the socket was connected."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGIO])
    found = []
    for request in (_FIOSETOWN, _SIOCSPGRP):
        with kind.bound() as s, kind.bound() as c:
            fcntl.ioctl(c, request, struct.pack("i", os.getpid()))
            fcntl.ioctl(c, _FIOASYNC, struct.pack("i", 1))
            if kind.type == socket.SOCK_STREAM:
                s.listen()
            c.connect(s.getsockname())
            peer = s.accept()[0] if kind.type == socket.SOCK_STREAM else s
            while signal.sigtimedwait([signal.SIGIO], 0):
                pass
            peer.sendto(b"x", c.getsockname())
            got = signal.sigtimedwait([signal.SIGIO], 5)
            owner = struct.unpack("i", fcntl.ioctl(c, _FIOGETOWN, bytes(4)))[0] == os.getpid()
            found.append((got is not None, owner))
            peer.close()
    return found
