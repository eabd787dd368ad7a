"""Sockets of more than one process."""

import array
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Any

from ..kinds import TCP, TCP4, TCP6, Kind
from ..table import check
from ..verbs import RESET, answer, arrived, everything, in_child, mask, on, reap, until

_TELL = """
import os, socket, sys
s = socket.socket(fileno=int(sys.argv[1]))
s.sendall(repr([int(s.family), int(s.type), s.getpeername()[1]]).encode())
"""


def _told(kind: Kind, environment: Mapping[str, str]) -> Any:
    """Whether a new program knows what it was given, and to whom it speaks."""
    c, server = kind.pair()
    os.set_inheritable(c.fileno(), True)
    command = [sys.executable, "-c", _TELL, str(c.fileno())]
    pid = os.spawnve(os.P_NOWAIT, sys.executable, command, environment)
    c.close()
    told = everything(server)
    expected = repr([int(kind.family), 1, server.getsockname()[1]]).encode()
    return told == expected, reap(pid)


@check(*TCP, rows="names")
def by_exec(kind: Kind) -> Any:
    """A new program knows what it was given, and to whom it speaks."""
    return _told(kind, os.environ)


@check(*TCP, rows="names")
def by_exec_without_environment(kind: Kind) -> Any:
    """Also one that is started with nothing of ours in its environment."""
    return _told(kind, {})


@check(TCP4, TCP6, rows="names")
def by_fork(kind: Kind) -> Any:
    """Parent and child share a flow; it ends with the second of them."""
    c, server = kind.pair()

    def work() -> None:
        server.close()
        c.sendall(b"child")
        assert c.getpeername()[0] == kind.host

    pid = in_child(work)
    code = reap(pid)
    arrived(server, 5)
    first = server.recv(10), mask(server)
    c.sendall(b"parent")
    c.close()
    return code, first, everything(server)


@check(TCP4, TCP6, rows="names")
def passed_on(kind: Kind) -> Any:
    """A socket that is sent to another process keeps both names."""
    c, server = kind.pair()
    ours, theirs = socket.socketpair()

    def work() -> None:
        _, control, _, _ = theirs.recvmsg(1, 64)
        numbers = array.array("i")
        numbers.frombytes(control[0][2][:4])
        with socket.socket(fileno=numbers[0]) as got:
            assert got.getpeername()[0] == kind.host
            assert got.family == kind.family
            got.sendall(b"from afar")

    pid = in_child(work)
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [c.fileno()]))
    ours.sendmsg([b"x"], [rights])
    c.close()
    return reap(pid), everything(server)


@check(TCP4, rows="B5")
def connected_in_child(kind: Kind) -> Any:
    """Made here, connected by a child: the parent's is connected, too."""
    with kind.listener() as s, kind.socket() as c:
        pid = in_child(lambda: c.connect(s.getsockname()))
        code = reap(pid)
        server, _ = s.accept()
        return code, answer(c.getpeername) == s.getsockname(), answer(c.send, b"x"), mask(server)


@check(TCP4, rows="free")
def connected_then_forked(kind: Kind) -> Any:
    """A flow that was opened before fork is reset by nobody's exit."""
    c, server = kind.pair()
    pid = in_child(lambda: None)
    code = reap(pid)
    c.sendall(b"x")
    return code, server.recv(1), mask(c)


@check(TCP4, rows="forks")
def forked_meanwhile(kind: Kind) -> Any:
    """A reset is seen although another thread forks while this one connects, and the children
    live.
    """
    rounds, done = 40, threading.Event()
    children: list[int] = []
    with kind.listener() as s:
        on(s, socket.SO_LINGER, RESET)  # of all that it accepts

        def serve() -> None:
            for _ in range(rounds):
                server, _ = s.accept()
                server.recv(1)
                server.close()

        def fork_on() -> None:
            while not done.is_set() and len(children) < rounds:
                children.append(in_child(signal.pause))

        def one() -> Any:
            with kind.connect(s.getsockname()) as c:
                c.sendall(b"x")
                return answer(c.recv, 1)

        server = in_child(serve)
        forker = threading.Thread(target=fork_on)
        forker.start()
        told = [one() for _ in range(rounds)]
        done.set()
        forker.join()
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        return reap(server), set(map(str, told))


@check(TCP4, TCP6, rows="free")
def close_in_child(kind: Kind) -> Any:
    """A listener that a child has closed goes on."""
    with kind.listener() as s:
        code = reap(in_child(s.close))
        with kind.connect(s.getsockname()) as c:
            return code, s.accept()[1] == c.getsockname()


@check(TCP4, rows="syscall-stub")
def spawned(kind: Kind) -> Any:
    """posix_spawn and vfork leave sockets alone."""
    with kind.listener() as s:
        done = subprocess.run(["/bin/true"], close_fds=True)
        pid = os.posix_spawn("/bin/true", ["true"], os.environ)
        with kind.connect(s.getsockname()) as c:
            return done.returncode, reap(pid), s.accept()[1] == c.getsockname()


@check(TCP4, TCP6, rows="free")
def listener_outlives_its_maker(kind: Kind) -> Any:
    """A listener that was made by a child that is gone, and given to us."""
    ours, theirs = socket.socketpair()

    def work() -> None:
        with kind.listener() as s:
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [s.fileno()]))
            theirs.sendmsg([b"x"], [rights])

    pid = in_child(work)
    _, control, _, _ = ours.recvmsg(1, 64)
    code = reap(pid)
    numbers = array.array("i")
    numbers.frombytes(control[0][2][:4])
    with socket.socket(fileno=numbers[0]) as s, kind.connect(s.getsockname()) as c:
        return code, s.accept()[1] == c.getsockname()


@check(TCP4, rows="free")
def accepted_by_child_read_by_parent(kind: Kind) -> Any:
    """Bytes are where the socket is, whoever accepted it."""
    ours, theirs = socket.socketpair()
    with kind.listener() as s:

        def work() -> None:
            server, _ = s.accept()
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [server.fileno()]))
            theirs.sendmsg([b"x"], [rights])

        pid = in_child(work)
        c = kind.connect(s.getsockname())
        c.sendall(b"hello")
        _, control, _, _ = ours.recvmsg(1, 64)
        code = reap(pid)
        numbers = array.array("i")
        numbers.frombytes(control[0][2][:4])
        with socket.socket(fileno=numbers[0]) as server:
            arrived(server, 5)
            got = server.recv(10), server.getpeername() == c.getsockname()
        return code, got, until(c, 0x2000), c.recv(1)


@check(TCP4, rows="A8")
def without_the_shim(kind: Kind) -> Any:
    """A server without the shim that was given the listener serves it."""
    code = (
        "import os, socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0,"
        " int(sys.argv[1]))\n"
        "fd, _ = s._accept(); d = os.read(fd, 10); os.write(fd, d + d); os.close(fd)\n"
    )
    with kind.listener() as s:
        os.set_inheritable(s.fileno(), True)
        environment = {**os.environ, "LD_PRELOAD": ""}
        command = [sys.executable, "-c", code, str(s.fileno())]
        with subprocess.Popen(command, env=environment, close_fds=False) as process:
            with kind.connect(s.getsockname()) as c:
                c.sendall(b"ab")
                got = everything(c)
            return got, process.wait(20)
