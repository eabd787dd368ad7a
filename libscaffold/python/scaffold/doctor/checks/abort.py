"""Ends that are not orderly: a reset is never read as an end."""

import os
import select
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

from ..kinds import TCP, TCP4, TCP6, Kind
from ..table import check
from ..verbs import (
    abort_on_close,
    answer,
    arrived,
    in_child,
    on,
    reap,
    reset_by_linger,
    reset_by_unread,
    sigpipes,
    so_error,
    until,
    was_reset,
)


@check(*TCP, rows="reset")
def by_unread(kind: Kind) -> Any:
    """A peer that closes with bytes unread resets; the error is told once."""
    c, server = kind.pair()
    reset_by_unread(c, server)
    return answer(c.recv, 10), answer(c.recv, 10)


@check(*TCP, rows="linger reset")
def by_linger(kind: Kind) -> Any:
    """SO_LINGER of 0 s makes close a reset."""
    c, server = kind.pair()
    reset_by_linger(c, server)
    return answer(c.recv, 10), answer(c.recv, 10), answer(c.getpeername)


@check(TCP4, TCP6, rows="linger A9")
def by_linger_of_the_client(kind: Kind) -> Any:
    """The same, set before connect."""
    with kind.listener() as s, kind.socket() as c:
        abort_on_close(c)
        c.connect(s.getsockname())
        server, _ = s.accept()
        c.close()
        was_reset(server)
        return answer(server.recv, 10), answer(server.recv, 10)


@check(TCP4, rows="linger")
def by_linger_at_exit(kind: Kind) -> Any:
    """The same when the program just ends."""
    c, server = kind.pair()
    abort_on_close(server)
    pid = in_child(c.close)
    server.close()
    reap(pid)
    return until(c, select.POLLHUP), answer(c.recv, 1)


@check(TCP4, rows="linger")
def linger_with_time(kind: Kind) -> Any:
    """SO_LINGER with a time is an orderly end."""
    import struct

    from ..verbs import everything

    c, server = kind.pair()
    on(server, socket.SO_LINGER, struct.pack("ii", 1, 3))
    server.sendall(b"last")
    server.close()
    return everything(c)


@check(TCP4, TCP6, rows="free")
def data_before(kind: Kind) -> Any:
    """What arrived before a reset may be read or lost, the reset never."""
    c, server = kind.pair()
    server.sendall(b"last words")
    arrived(c, 10)
    reset_by_unread(c, server)
    first = answer(c.recv, 100)
    told = first if first == "ECONNRESET" else answer(c.recv, 100)
    return first in (b"last words", "ECONNRESET"), told


@check(*TCP, rows="send-after-reset")
def send(kind: Kind) -> Any:
    """ECONNRESET once and without a signal, then EPIPE with one."""
    c, server = kind.pair()
    reset_by_unread(c, server)
    with sigpipes() as caught:
        first = answer(c.send, b"x")
        counts = [len(caught)]
        second = answer(c.send, b"x")
        return first, second, [*counts, len(caught)]


def _first_and_second(kind: Kind, call: Any) -> Any:
    c, server = kind.pair()
    reset_by_unread(c, server)
    with sigpipes() as caught:
        first = answer(call, c)
        counts = [len(caught)]
        second = answer(call, c)
        return first, second, [*counts, len(caught)]


@check(TCP4, TCP6, rows="send-after-reset")
def write(kind: Kind) -> Any:
    """The same with write(2)."""
    return _first_and_second(kind, lambda c: os.write(c.fileno(), b"x"))


@check(TCP4, rows="send-after-reset")
def writev(kind: Kind) -> Any:
    """The same with writev."""
    return _first_and_second(kind, lambda c: os.writev(c.fileno(), [b"x", b"y"]))


@check(TCP4, rows="send-after-reset")
def sendmsg(kind: Kind) -> Any:
    """The same with sendmsg."""
    return _first_and_second(kind, lambda c: c.sendmsg([b"x"]))


@check(TCP4, rows="send-after-reset")
def sendfile(kind: Kind) -> Any:
    """The same with sendfile."""
    with Path("/proc/self/exe").open("rb") as file:
        return _first_and_second(kind, lambda c: os.sendfile(c.fileno(), file.fileno(), 0, 100))


@check(TCP4, rows="send-after-reset")
def splice(kind: Kind) -> Any:
    """The same with splice."""
    a, b = os.pipe()
    os.write(b, b"xy")
    return _first_and_second(kind, lambda c: os.splice(a, c.fileno(), 1))


@check(TCP4, TCP6, rows="reset so-error")
def so_error_tells(kind: Kind) -> Any:
    """SO_ERROR tells the reset once; reading is then at the end."""
    c, server = kind.pair()
    reset_by_linger(c, server)
    return so_error(c), so_error(c), answer(c.recv, 1)


@check(TCP4, rows="reset")
def read(kind: Kind) -> Any:
    """read, readv and recvmsg tell it as recv does."""
    found = []
    for call in (
        lambda c: os.read(c.fileno(), 1),
        lambda c: os.readv(c.fileno(), [bytearray(1)]),
        lambda c: c.recvmsg(1),
    ):
        c, server = kind.pair()
        reset_by_linger(c, server)
        found.append((answer(call, c), answer(call, c)))
    return found


@check(TCP4, TCP6, rows="shutdown-reset")
def shutdown(kind: Kind) -> Any:
    """ENOTCONN after a reset was read, and before."""
    found = []
    for read in (True, False):
        c, server = kind.pair()
        reset_by_unread(c, server)
        if read:
            answer(c.recv, 1)
        found.append(answer(c.shutdown, socket.SHUT_RDWR))
    return found


@check(TCP4, rows="reset")
def read_by_another_program(kind: Kind) -> Any:
    """A child without the shim reads the error, too."""
    c, server = kind.pair()
    reset_by_linger(c, server)
    environment = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
    done = subprocess.run(
        ["/bin/cat"], stdin=c.fileno(), env=environment, stderr=subprocess.PIPE, timeout=20
    )
    return done.returncode, done.stderr.split(b": ")[-1]


@check(TCP4, rows="reset")
def killed_peer(kind: Kind) -> Any:
    """The peer is killed: an end where everything was read, a reset where not."""
    found = []
    for unread in (False, True):
        with kind.listener() as s:

            def hold(s: socket.socket = s) -> None:
                held, _ = s.accept()
                held.sendall(b"x")
                signal.pause()

            pid = in_child(hold)
            c = kind.connect(s.getsockname())
            c.recv(1)
            if unread:
                c.sendall(b"unread")
                c.setblocking(True)
                from ..verbs import PATIENCE_S

                select.select([], [], [], min(0.1, PATIENCE_S))
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            until(c, 0x2000)
            found.append(answer(c.recv, 1))
    return found


@check(TCP4, rows="free")
def blocked_reader(kind: Kind) -> Any:
    """A reset ends a recv that waits."""
    import threading

    c, server = kind.pair()
    got: list[Any] = []
    thread = threading.Thread(target=lambda: got.append(answer(c.recv, 1)))
    thread.start()
    select.select([], [], [], 0.05)
    abort_on_close(server)
    server.close()
    thread.join(5)
    return got


@check(TCP4, rows="free")
def blocked_writer(kind: Kind) -> Any:
    """A reset ends a send that waits for room."""
    import threading

    c, server = kind.pair()
    got: list[Any] = []
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)

    def fill() -> None:
        while (code := answer(c.send, bytes(1 << 20))) not in ("ECONNRESET", "EPIPE"):
            assert isinstance(code, int)
        got.append(code)

    thread = threading.Thread(target=fill)
    thread.start()
    arrived(server, 65536)
    abort_on_close(server)
    server.close()
    thread.join(10)
    return got
