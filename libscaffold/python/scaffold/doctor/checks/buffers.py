"""Buffers: their sizes, and what they hold."""

import select
import socket
import threading
from typing import Any

from ..kinds import TCP4, TCP6, UDP4, Kind
from ..table import check
from ..verbs import answer, mask, on, pending


def _sized(kind: Kind, size: int) -> tuple[socket.socket, socket.socket]:
    """A flow both of whose ends asked for buffers of `size`."""
    with kind.socket() as s:
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            on(s, option, size)
        s.bind((kind.host, 0))
        s.listen()
        c = kind.socket()
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            on(c, option, size)
        c.connect(s.getsockname())
        server, _ = s.accept()
    return c, server


def _fill(c: socket.socket, piece: int) -> int:
    """What a non-blocking writer gets rid of while nobody reads."""
    c.setblocking(False)
    sent = 0
    while True:
        code = answer(c.send, bytes(piece))
        if code != "EAGAIN":
            sent += int(code)
        elif mask(c, select.POLLOUT, 0.2) == "nothing":
            return sent


def _polled_writer(kind: Kind, size: int) -> Any:
    """A2: a writer that waits for POLLOUT gets everything across, in both directions."""
    c, server = _sized(kind, size)
    found: list[Any] = [c.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)]
    for source, sink in ((c, server), (server, c)):
        source.setblocking(False)
        got: list[int] = []

        def read(sink: socket.socket = sink, got: list[int] = got) -> None:
            while sum(got) < 1_000_000:
                got.append(len(sink.recv(65536)))

        thread = threading.Thread(target=read)
        thread.start()
        sent = 0
        while sent < 1_000_000:
            if mask(source, select.POLLOUT, 5.0) == "nothing":
                return "stuck"
            code = answer(source.send, bytes(min(5000, 1_000_000 - sent)))
            sent += code if code != "EAGAIN" else 0
        thread.join(10)
        found.append(sum(got))
        source.setblocking(True)
    return found


@check(TCP4, TCP6, rows="A2 B4")
def polled_writer_4096(kind: Kind) -> Any:
    """Buffers of 4,096 bytes."""
    return _polled_writer(kind, 4096)


@check(TCP4, rows="A2 B4")
def polled_writer_8192(kind: Kind) -> Any:
    """Buffers of 8,192 bytes."""
    return _polled_writer(kind, 8192)


@check(TCP4, rows="A2 B4")
def polled_writer_65536(kind: Kind) -> Any:
    """Buffers of 65,536 bytes."""
    return _polled_writer(kind, 65536)


@check(TCP4, TCP6, rows="B4")
def small_ones_hold_little(kind: Kind) -> Any:
    """With buffers of 8 KiB at both ends a writer without a reader stops below 64 KiB."""
    c, server = _sized(kind, 8192)
    held = _fill(c, 1000)
    back = _fill(server, 1000)
    return 0 < held < 65536, 0 < back < 65536


@check(TCP4, rows="B4")
def reduced_later(kind: Kind) -> Any:
    """The same when the sizes are set on an open flow."""
    c, server = kind.pair()
    on(c, socket.SO_SNDBUF, 8192)
    on(server, socket.SO_RCVBUF, 8192)
    return 0 < _fill(c, 1000) < 100_000


@check(TCP4, rows="B4")
def filled_and_read(kind: Kind) -> Any:
    """What small buffers held arrives, and then there is room again."""
    c, server = _sized(kind, 4096)
    sent = _fill(c, 500)
    got = 0
    server.settimeout(5)
    while got < sent:
        got += len(server.recv(65536))
    return got == sent, mask(c, select.POLLOUT, 5.0)


@check(TCP4, rows="B4 default-buffers")
def default_ones_hold_much(kind: Kind) -> Any:
    """Without a reader at least 128 KiB are taken."""
    c, server = kind.pair()
    held = _fill(c, 8192)
    return held >= 131072, pending(server) > 0


@check(TCP4, rows="A1")
def sendfile_polled(kind: Kind) -> Any:
    """sendfile and POLLOUT in turn: the writer gets on (nginx)."""
    import os
    from pathlib import Path

    c, server = kind.pair()
    with Path("/proc/self/exe").open("rb") as file:
        total = min(os.fstat(file.fileno()).st_size, 2 << 20)
        got: list[int] = []

        def read() -> None:
            while data := server.recv(65536):
                got.append(len(data))

        thread = threading.Thread(target=read)
        thread.start()
        c.setblocking(False)
        sent = 0
        while sent < total:
            code = answer(os.sendfile, c.fileno(), file.fileno(), sent, total - sent)
            sent += code if code != "EAGAIN" else 0
            if mask(c, select.POLLOUT, 5.0) != "0x4":
                return "not writable"
        c.close()
        thread.join()
        return sum(got) == total


@check(TCP4, UDP4, rows="default-buffers B4")
def reported(kind: Kind) -> Any:
    """Twice what was asked for, within bounds, also before connect."""
    found = []
    with kind.socket() as s:
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            for size in (0, 5000, 100_000, 1 << 30):
                on(s, option, size)
                found.append(s.getsockopt(socket.SOL_SOCKET, option))
    c, _server = kind.pair()
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        for size in (0, 5000, 100_000, 1 << 30):
            on(c, option, size)
            found.append(c.getsockopt(socket.SOL_SOCKET, option))
    return found


@check(TCP4, rows="default-buffers")
def large_enough(kind: Kind) -> Any:
    """Without a request both ends report at least 64 KiB."""
    c, server = kind.pair()
    options = socket.SO_SNDBUF, socket.SO_RCVBUF
    return [s.getsockopt(socket.SOL_SOCKET, o) >= 65536 for s in (c, server) for o in options]


@check(TCP4, rows="B4")
def closed_while_sending(kind: Kind) -> Any:
    """A peer that closes in the middle of a long send: the sender learns of it soon."""
    import signal

    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    c, server = _sized(kind, 4096)

    def leave() -> None:
        server.recv(1000)
        server.close()

    thread = threading.Thread(target=leave)
    thread.start()
    sent, code = 0, None
    while sent < 1 << 20:
        code = answer(c.send, bytes(1000))
        if not isinstance(code, int):
            break
        sent += code
    thread.join()
    return code in ("ECONNRESET", "EPIPE"), sent < 1 << 17
