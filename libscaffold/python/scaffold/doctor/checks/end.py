"""Orderly ends."""

import os
import select
import socket
import threading
from typing import Any

from ..kinds import TCP, TCP4, TCP6, Kind
from ..table import check
from ..verbs import (
    RDHUP,
    answer,
    arrived,
    ended,
    everything,
    mask,
    sent_whole,
    sigpipes,
    until,
    was_reset,
)


@check(*TCP, rows="free")
def half_closed(kind: Kind) -> Any:
    """A question, its end, an answer, its end."""
    c, server = kind.pair()
    c.sendall(b"question")
    c.shutdown(socket.SHUT_WR)
    question = everything(server)
    server.sendall(b"answer")
    server.close()
    return question, everything(c)


@check(*TCP, rows="first-send")
def send_after_close(kind: Kind) -> Any:
    """The first send after the peer closed succeeds and draws the reset."""
    c, server = kind.pair()
    server.close()
    ended(c)
    with sigpipes() as caught:
        first = answer(c.send, b"x")
        was_reset(c)
        return first, answer(c.send, b"x"), answer(c.recv, 10), len(caught)


@check(TCP4, TCP6, rows="first-send B6")
def send_after_close_read(kind: Kind) -> Any:
    """The same when the end was read before."""
    c, server = kind.pair()
    server.close()
    ended(c)
    with sigpipes() as caught:
        end, first = c.recv(10), answer(c.send, b"x")
        was_reset(c)
        return end, first, answer(c.recv, 10), answer(c.send, b"x"), len(caught), mask(c)


@check(TCP4, rows="first-send B6")
def write_after_close(kind: Kind) -> Any:
    """The same with write(2) and read(2)."""
    c, server = kind.pair()
    server.close()
    ended(c)
    fd = c.fileno()
    with sigpipes() as caught:
        first = answer(os.write, fd, b"x")
        was_reset(c)
        return first, answer(os.write, fd, b"x"), answer(os.read, fd, 10), len(caught)


@check(*TCP, rows="peer-shut-rd")
def peer_reads_no_more(kind: Kind) -> Any:
    """A peer that has shut its reading down is sent to without an error."""
    c, server = kind.pair()
    server.shutdown(socket.SHUT_RD)
    return answer(c.send, b"x"), answer(c.send, b"y"), mask(c)


@check(TCP4, rows="peer-shut-rd")
def read_after_shut_rd(kind: Kind) -> Any:
    """Bytes that arrive after SHUT_RD are still read."""
    c, server = kind.pair()
    server.shutdown(socket.SHUT_RD)
    before = server.recv(10)
    c.sendall(b"late")
    return before, arrived(server, 4), server.recv(10), server.recv(10)


@check(TCP4, TCP6, rows="peer-shut-rd")
def data_before_shut_rd(kind: Kind) -> Any:
    """Bytes that arrived before SHUT_RD are read."""
    c, server = kind.pair()
    c.sendall(b"early")
    arrived(server, 5)
    server.shutdown(socket.SHUT_RD)
    return server.recv(10), server.recv(10), answer(server.send, b"x"), c.recv(1)


@check(TCP4, TCP6, rows="free")
def send_after_own_shutdown(kind: Kind) -> Any:
    """EPIPE with its signal; reading goes on."""
    c, server = kind.pair()
    c.shutdown(socket.SHUT_WR)
    with sigpipes() as caught:
        code = answer(c.send, b"x")
        server.sendall(b"still")
        return code, len(caught), c.recv(10)


@check(TCP4, TCP6, rows="free")
def shut_down_twice(kind: Kind) -> Any:
    """shutdown may be repeated while the peer is there."""
    c, server = kind.pair()
    codes = [answer(c.shutdown, how) for how in (1, 1, 0, 2)]
    ended(server)
    return codes, answer(server.shutdown, 1), answer(c.shutdown, 7)


@check(TCP4, rows="shutdown-reset")
def shut_down_after_both(kind: Kind) -> Any:
    """ENOTCONN once both directions have ended."""
    c, server = kind.pair()
    c.shutdown(socket.SHUT_WR)
    ended(server)
    server.close()
    until(c, select.POLLHUP)
    return answer(c.shutdown, socket.SHUT_RDWR), answer(c.recv, 1), answer(c.getpeername)


@check(TCP4, TCP6, rows="unconnected")
def shut_down_without_peer(kind: Kind) -> Any:
    """shutdown of what was never connected fails, and TCP takes note all the same."""
    with kind.bound() as s:
        return answer(s.shutdown, socket.SHUT_RDWR), mask(s)


@check(TCP4, rows="free")
def wakes_reader(kind: Kind) -> Any:
    """shutdown in one thread ends recv in another."""
    c, _server = kind.pair()
    got: list[Any] = []
    thread = threading.Thread(target=lambda: got.append(answer(c.recv, 1)))
    thread.start()
    select.select([], [], [], 0.05)
    c.shutdown(socket.SHUT_RDWR)
    thread.join(5)
    return got


@check(TCP4, rows="free")
def end_behind_much(kind: Kind) -> Any:
    """The end comes after the last byte of much."""
    c, server = kind.pair()
    data = os.urandom(3 << 20)
    thread = threading.Thread(target=sent_whole, args=(c, data))
    thread.start()
    got = everything(server)
    thread.join()
    return got == data, mask(server, RDHUP), server.recv(1)


@check(TCP4, TCP6, rows="free")
def closed_twice(kind: Kind) -> Any:
    """A number that was closed is EBADF everywhere."""
    c, server = kind.pair()
    fd = os.dup(c.fileno())
    os.close(fd)
    with socket.socket() as fresh:
        keep = fresh.fileno()
        fresh.close()
    del keep
    return answer(os.close, fd), answer(os.write, fd, b"x"), bool(server)
