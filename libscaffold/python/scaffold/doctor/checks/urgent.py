"""Urgent data."""

import fcntl
import os
import select
import signal
import socket
import struct
from typing import Any

from ..kinds import TCP, TCP4, TCP6, Kind
from ..table import check
from ..verbs import answer, arrived, ended, everything, mask, on, until

_ATMARK = 0x8905


def _at_mark(s: socket.socket) -> int:
    return int(struct.unpack("i", fcntl.ioctl(s, _ATMARK, bytes(4)))[0])


def _urgent(s: socket.socket) -> None:
    until(s, select.POLLPRI)


@check(*TCP, rows="A6")
def received(kind: Kind) -> Any:
    """POLLPRI, the byte out of band, the bytes around it."""
    c, server = kind.pair()
    c.sendall(b"ab")
    c.send(b"!", socket.MSG_OOB)
    c.sendall(b"cd")
    _urgent(server)
    polled = mask(server, select.POLLPRI)
    byte = server.recv(1, socket.MSG_OOB)
    arrived(server, 2)
    first = server.recv(10)
    arrived(server, 2)
    return polled, byte, first, server.recv(10)


@check(TCP4, TCP6, rows="A6")
def in_line(kind: Kind) -> Any:
    """SO_OOBINLINE puts the byte among the others, and the mark in front of it."""
    c, server = kind.pair()
    on(server, socket.SO_OOBINLINE)
    c.sendall(b"ab")
    c.send(b"!", socket.MSG_OOB)
    c.sendall(b"cd")
    _urgent(server)
    arrived(server, 5)
    first, mark = server.recv(10), _at_mark(server)
    return first, mark, answer(server.recv, 1, socket.MSG_OOB), server.recv(10)


@check(TCP4, TCP6, rows="A6")
def mark(kind: Kind) -> Any:
    """SIOCATMARK and sockatmark, before the byte and at it."""
    c, server = kind.pair()
    c.sendall(b"ab")
    c.send(b"!", socket.MSG_OOB)
    _urgent(server)
    arrived(server, 2)
    before = _at_mark(server)
    server.recv(2)
    return before, _at_mark(server)


@check(TCP4, TCP6, rows="A6")
def alone(kind: Kind) -> Any:
    """Nothing but an urgent byte: urgent, not readable."""
    c, server = kind.pair()
    c.send(b"!", socket.MSG_OOB)
    _urgent(server)
    server.setblocking(False)
    polled, byte = mask(server), server.recv(1, socket.MSG_OOB)
    return polled, byte, answer(server.recv, 1), mask(server)


@check(TCP4, TCP6, rows="A6")
def none(kind: Kind) -> Any:
    """EINVAL where there is no urgent byte."""
    c, server = kind.pair()
    first = answer(server.recv, 1, socket.MSG_OOB)
    c.sendall(b"x")
    arrived(server, 1)
    return first, answer(server.recv, 1, socket.MSG_OOB), server.recv(1)


@check(TCP4, rows="A6")
def taken_twice(kind: Kind) -> Any:
    """The byte is read once."""
    c, server = kind.pair()
    c.send(b"!", socket.MSG_OOB)
    _urgent(server)
    return server.recv(1, socket.MSG_OOB), answer(server.recv, 1, socket.MSG_OOB)


@check(TCP4, rows="A6")
def peeked(kind: Kind) -> Any:
    """MSG_PEEK leaves the urgent byte, too."""
    c, server = kind.pair()
    c.send(b"!", socket.MSG_OOB)
    _urgent(server)
    flags = socket.MSG_OOB | socket.MSG_PEEK
    return answer(server.recv, 1, flags), answer(server.recv, 1, socket.MSG_OOB)


@check(TCP4, rows="A6")
def last_of_many(kind: Kind) -> Any:
    """Of several bytes sent out of band the last one is urgent."""
    c, server = kind.pair()
    c.send(b"abc", socket.MSG_OOB)
    _urgent(server)
    arrived(server, 2)
    return server.recv(10), server.recv(1, socket.MSG_OOB)


@check(TCP4, TCP6, rows="A6")
def one_after_the_other(kind: Kind) -> Any:
    """A second urgent byte after the first was read."""
    c, server = kind.pair()
    found = []
    for byte in (b"1", b"2", b"3"):
        c.sendall(b"-")
        c.send(byte, socket.MSG_OOB)
        _urgent(server)
        arrived(server, 1)
        found.append((server.recv(1, socket.MSG_OOB), server.recv(10)))
    return found


@check(TCP4, rows="A6")
def before_accept(kind: Kind) -> Any:
    """An urgent byte that is sent before accept."""
    with kind.listener() as s, kind.connect(s.getsockname()) as c:
        c.send(b"!", socket.MSG_OOB)
        server, _ = s.accept()
        _urgent(server)
        return answer(server.recv, 1, socket.MSG_OOB)


@check(TCP4, rows="A6")
def first_of_all(kind: Kind) -> Any:
    """An urgent byte as the first of the accepting end."""
    c, server = kind.pair()
    server.send(b"!", socket.MSG_OOB)
    _urgent(c)
    byte = answer(c.recv, 1, socket.MSG_OOB)
    server.sendall(b"then")
    arrived(c, 4)
    return byte, c.recv(10)


@check(TCP4, TCP6, rows="A6")
def before_the_end(kind: Kind) -> Any:
    """An urgent byte and the end behind it."""
    c, server = kind.pair()
    c.sendall(b"ab")
    c.send(b"!", socket.MSG_OOB)
    c.close()
    _urgent(server)
    ended(server)
    byte = answer(server.recv, 1, socket.MSG_OOB)
    return byte, everything(server)


@check(TCP4, rows="A6")
def signalled(kind: Kind) -> Any:
    """SIGURG for who asked for it."""
    c, server = kind.pair()
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGURG])
    fcntl.fcntl(server, fcntl.F_SETOWN, os.getpid())
    c.send(b"!", socket.MSG_OOB)
    got = signal.sigtimedwait([signal.SIGURG], 5)
    return got is not None, server.recv(1, socket.MSG_OOB)


@check(TCP4, rows="A6")
def unread_at_close(kind: Kind) -> Any:
    """Closing with an urgent byte unread."""
    c, server = kind.pair()
    c.send(b"!", socket.MSG_OOB)
    _urgent(server)
    server.close()
    polled = until(c, select.POLLHUP | select.POLLERR)
    return polled, answer(c.recv, 1)


@check(TCP4, rows="A6")
def large_data_around(kind: Kind) -> Any:
    """An urgent byte in the middle of much data."""
    import threading

    c, server = kind.pair()
    on(server, socket.SO_OOBINLINE)
    block = os.urandom(300_000)

    def write() -> None:
        c.sendall(block)
        c.send(b"!", socket.MSG_OOB)
        c.sendall(block)
        c.close()

    thread = threading.Thread(target=write)
    thread.start()
    got = everything(server)
    thread.join()
    return got == block + b"!" + block
