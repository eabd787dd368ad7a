"""What poll, select and epoll say."""

import os
import select
import socket
from contextlib import suppress
from typing import Any

from ..kinds import TCP, TCP4, TCP6, UDP, Kind
from ..table import check
from ..verbs import (
    RDHUP,
    abort_on_close,
    answer,
    arrived,
    ended,
    mask,
    name,
    on,
    reset_by_linger,
    reset_by_unread,
    unserved,
    until,
)

_EDGE = select.EPOLLET | select.EPOLLIN | select.EPOLLOUT | RDHUP


@check(*TCP, *UDP, rows="free")
def unconnected(kind: Kind) -> Any:
    """A fresh socket, and a bound one."""
    with kind.socket() as fresh, kind.bound() as bound:
        return mask(fresh), mask(bound)


@check(*TCP, rows="free")
def open_and_shut(kind: Kind) -> Any:
    """Idle, half closed by the peer, closed by both."""
    c, server = kind.pair()
    idle = mask(c)
    server.shutdown(socket.SHUT_WR)
    half = until(c, RDHUP)
    c.shutdown(socket.SHUT_WR)
    return idle, half, until(c, select.POLLHUP)


@check(TCP4, TCP6, rows="free")
def own_shutdown(kind: Kind) -> Any:
    """After one's own shutdown of either direction, and of both."""
    found = []
    for how in (socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR):
        c, _server = kind.pair()
        c.shutdown(how)
        found.append(mask(c))
    return found


@check(*TCP, rows="reset")
def reset(kind: Kind) -> Any:
    """After a reset, and after it has been read."""
    c, server = kind.pair()
    reset_by_linger(c, server)
    before = mask(c)
    code = answer(c.recv, 1)
    return before, code, mask(c)


@check(TCP4, TCP6, rows="reset")
def reset_with_data(kind: Kind) -> Any:
    """A peer that closed without having read everything."""
    c, server = kind.pair()
    reset_by_unread(c, server)
    return mask(c)


@check(TCP4, TCP6, rows="free")
def data_and_end(kind: Kind) -> Any:
    """Bytes and the end behind them."""
    c, server = kind.pair()
    server.sendall(b"x")
    server.close()
    found = [until(c, RDHUP)]
    c.recv(1)
    return [*found, mask(c)]


@check(TCP4, TCP6, rows="free")
def full(kind: Kind) -> Any:
    """Not writable when nothing more is taken, writable again when the peer reads."""
    c, server = kind.pair()
    c.setblocking(False)
    sent = 0
    for _ in range(100):  # until the buffers on the way are full as well
        with suppress(BlockingIOError):
            while True:
                sent += c.send(bytes(65536))
        if mask(c, select.POLLOUT, 0.1) == "nothing":
            break
    before = mask(c, select.POLLOUT)
    got = 0
    server.settimeout(5)
    while got < sent:
        got += len(server.recv(1 << 20))
    return before, until(c, select.POLLOUT, select.POLLOUT), got == sent


@check(TCP4, TCP6, rows="free")
def listener(kind: Kind) -> Any:
    """A listener is readable when somebody waits, and until then nothing at all."""
    with kind.listener() as s:
        before = mask(s)
        with kind.connect(s.getsockname()):
            waiting = until(s, select.POLLIN)
            s.accept()
            return before, waiting, mask(s)


# --- epoll --------------------------------------------------------------------------------------


@check(*TCP, rows="A3 edge-at-open")
def registered_before_connect(kind: Kind) -> Any:
    """An edge-triggered registration made before connect is told once of the opening."""
    with kind.listener() as s, kind.socket() as c, select.epoll() as e:
        c.setblocking(False)
        e.register(c, select.EPOLLOUT | select.EPOLLIN | select.EPOLLET)
        e.poll(0)
        first = name(c.connect_ex(s.getsockname()))
        events = [hex(event) for fd, event in e.poll(5) if fd == c.fileno()]
        more = [event for _, event in e.poll(0.02)]
        server, _ = s.accept()
        server.sendall(b"x")
        readable = [bool(event & select.EPOLLIN) for _, event in e.poll(5)]
        e.modify(c, select.EPOLLIN)
        e.unregister(c)
        return first, events, more, readable


@check(TCP4, TCP6, rows="A3")
def registered_before_listen(kind: Kind) -> Any:
    """A registration made before bind and listen is told of connections."""
    with kind.socket() as s, select.epoll() as e:
        e.register(s, select.EPOLLIN)
        e.poll(0)
        s.bind((kind.host, 0))
        s.listen()
        with kind.connect(s.getsockname()) as c:
            return len(e.poll(5)), s.accept()[1] == c.getsockname()


@check(TCP4, TCP6, rows="A3 so-error")
def registered_and_refused(kind: Kind) -> Any:
    """A level-triggered registration is told of a refusal, and of nothing once it was taken."""
    with unserved(kind) as nobody, kind.socket() as c, select.epoll() as e:
        c.setblocking(False)
        e.register(c, select.EPOLLOUT)
        e.poll(0)
        c.connect_ex(nobody)
        until(c, select.POLLHUP)
        return [hex(event) for _, event in e.poll(5)]


@check(TCP4, rows="A3 stale-duplicate")
def registered_twice(kind: Kind) -> Any:
    """Two sets, and a duplicate of the number in one of them, before connect."""
    with kind.listener() as s, kind.socket() as c, select.epoll() as a, select.epoll() as b:
        other = os.dup(c.fileno())
        for set, fd in ((a, c.fileno()), (b, c.fileno()), (b, other)):
            set.register(fd, select.EPOLLIN)
        c.connect(s.getsockname())
        server, _ = s.accept()
        quiet = len(a.poll(0)), len(b.poll(0))
        server.sendall(b"x")
        arrived(c, 1)
        told = len(a.poll(5)), len(b.poll(5))
        b.unregister(other)
        os.close(other)
        return quiet, told, len(b.poll(0))


@check(TCP4, rows="A3")
def registered_in_one_set_of_many(kind: Kind) -> Any:
    """What was registered first and removed again stays removed."""
    with kind.listener() as s, kind.socket() as c, select.epoll() as e:
        e.register(c, select.EPOLLIN | select.EPOLLOUT)
        e.unregister(c)
        c.connect(s.getsockname())
        return e.poll(0), answer(e.unregister, c), answer(e.register, c, select.EPOLLOUT)


@check(TCP4, TCP6, rows="free edges")
def edge_per_arrival(kind: Kind) -> Any:
    """One edge for each arrival, none in between."""
    c, server = kind.pair()
    found = []
    with select.epoll() as e:
        e.register(c, select.EPOLLIN | select.EPOLLET)
        for count in range(1, 4):
            server.sendall(b"x")
            arrived(c, count)
            found.append((len(e.poll(5)), len(e.poll(0))))
    return found


@check(TCP4, rows="edges")
def edges_while_the_peer_reads(kind: Kind) -> Any:
    """No edge for room that was there all the time."""
    c, server = kind.pair()
    edges = 0
    with select.epoll() as e:
        e.register(c, _EDGE)
        e.poll(0)
        for _ in range(20):
            c.sendall(b"x")
            server.recv(1)
            edges += len(e.poll(0))
    return edges


@check(TCP4, TCP6, rows="free")
def edge_at_end(kind: Kind) -> Any:
    """The end, and then the reset, are edges."""
    c, server = kind.pair()
    with select.epoll() as e:
        e.register(c, _EDGE)
        e.poll(0)
        server.shutdown(socket.SHUT_WR)
        ended(c)
        end = [hex(event) for _, event in e.poll(5)]
        abort_on_close(server)
        server.close()
        until(c, select.POLLHUP)
        return end, [hex(event) for _, event in e.poll(5)]


@check(TCP4, rows="free")
def one_shot(kind: Kind) -> Any:
    """EPOLLONESHOT is told once, also over connect."""
    with kind.listener() as s, kind.socket() as c, select.epoll() as e:
        c.setblocking(False)
        e.register(c, select.EPOLLOUT | select.EPOLLONESHOT)
        e.poll(0)
        e.modify(c, select.EPOLLOUT | select.EPOLLONESHOT)
        c.connect_ex(s.getsockname())
        until(c, select.POLLOUT)
        return [hex(event) for _, event in e.poll(5)], e.poll(0)


@check(TCP4, rows="free")
def exclusive(kind: Kind) -> Any:
    """EPOLLEXCLUSIVE on a listener."""
    with kind.listener() as s, select.epoll() as a, select.epoll() as b:
        for e in (a, b):
            e.register(s, select.EPOLLIN | select.EPOLLEXCLUSIVE)
        with kind.connect(s.getsockname()):
            until(s, select.POLLIN)
            return len(a.poll(0)) + len(b.poll(0)) >= 1, answer(a.modify, s, select.EPOLLIN)


@check(TCP4, rows="free")
def selected(kind: Kind) -> Any:
    """select's three sets."""
    c, server = kind.pair()
    server.sendall(b"a")
    server.send(b"!", socket.MSG_OOB)
    until(c, select.POLLIN | select.POLLPRI)
    return [len(ready) for ready in select.select([c], [c], [c], 5)]


@check(TCP4, TCP6, rows="lowat")
def low_water_mark(kind: Kind) -> Any:
    """SO_RCVLOWAT: readable only from the mark on, or at the end."""
    c, server = kind.pair()
    on(c, socket.SO_RCVLOWAT, 4)
    server.sendall(b"abc")
    arrived(c, 3)
    found = [mask(c, select.POLLIN)]
    server.sendall(b"d")
    arrived(c, 4)
    return [*found, mask(c, select.POLLIN), c.recv(10)]


@check(TCP4, rows="B1")
def right_after_send(kind: Kind) -> Any:
    """What was sent can be read as soon as send has returned, every time of 200."""
    c, server = kind.pair()
    found = 0
    for _ in range(200):
        c.send(b"x")
        found += mask(server, select.POLLIN) == "0x1"
        server.recv(1)
    return found


@check(TCP4, rows="B1")
def right_after_close(kind: Kind) -> Any:
    """The end is seen as soon as close has returned."""
    found = 0
    for _ in range(20):
        c, server = kind.pair()
        c.close()
        found += mask(server, select.POLLIN) == "0x1"
    return found
