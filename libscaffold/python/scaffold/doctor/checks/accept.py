"""Listening and accepting."""

import ctypes
import errno
import fcntl
import os
import resource
import select
import socket
import threading
from contextlib import suppress
from typing import Any

from ..kinds import TCP, TCP4, TCP6, TCP_MAPPED, Kind
from ..table import check
from ..verbs import (
    RESET,
    abort_on_close,
    answer,
    arrived,
    ended,
    everything,
    in_child,
    libc,
    mask,
    of_a_few_ports,
    on,
    reap,
    until,
    was_reset,
)


@check(*TCP, rows="names")
def flags(kind: Kind) -> Any:
    """What accept4 sets, and what is not inherited from a non-blocking listener."""
    found = []
    with kind.listener() as s:
        for flag in (0, socket.SOCK_NONBLOCK, socket.SOCK_CLOEXEC):
            with kind.connect(s.getsockname()):
                until(s, select.POLLIN)
                s.setblocking(False)
                fd = libc.accept4(s.fileno(), None, None, flag)
                nonblocking = bool(fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK)
                found.append((nonblocking, fcntl.fcntl(fd, fcntl.F_GETFD)))
                os.close(fd)
    return found


@check(*TCP, rows="names")
def room(kind: Kind) -> Any:
    """Never more of the address than the caller has room for; its true length is told."""
    found = []
    with kind.listener() as s:
        for size in (0, 4, 16, 28, 128):
            with kind.connect(s.getsockname()):
                buffer = ctypes.create_string_buffer(b"\xee" * 128, 128)
                length = ctypes.c_uint(size)
                fd = libc.accept(s.fileno(), buffer, ctypes.byref(length))
                untouched = buffer.raw[size:] == b"\xee" * (128 - size)
                found.append((fd >= 0, length.value, untouched))
                os.close(fd)
    return found


@check(TCP4, TCP6, rows="backlog")
def nothing_waits(kind: Kind) -> Any:
    """EAGAIN, and nothing to poll."""
    with kind.listener() as s:
        s.setblocking(False)
        return answer(s.accept), mask(s)


@check(*TCP, rows="backlog")
def not_listening(kind: Kind) -> Any:
    """EINVAL on every other socket."""
    c, server = kind.pair()
    with kind.socket() as fresh, kind.bound() as bound:
        return [answer(one.accept) for one in (fresh, bound, c, server)]


@check(TCP4, TCP6, rows="backlog")
def listen_when_connected(kind: Kind) -> Any:
    """EINVAL at both ends of a flow."""
    c, server = kind.pair()
    return answer(c.listen, 1), answer(server.listen, 1)


@check(TCP4, TCP6, rows="address-in-use")
def listen_without_bind(kind: Kind) -> Any:
    """The listener gets a port."""
    with kind.socket() as s:
        s.listen()
        address = s.getsockname()
        with kind.connect((kind.host, address[1])) as c:
            return address[0], address[1] != 0, s.accept()[1] == c.getsockname()


@check(TCP4, rows="backlog")
def listen_again(kind: Kind) -> Any:
    """A second listen is a new backlog."""
    with kind.listener(0) as s:
        s.listen(8)
        clients = []
        for _ in range(5):
            c = kind.socket()
            c.setblocking(False)
            c.connect_ex(s.getsockname())
            clients.append(c)
        return [until(c, select.POLLOUT, select.POLLOUT) for c in clients]


@check(TCP4, TCP6, rows="backlog")
def full_queue(kind: Kind) -> Any:
    """backlog + 1 connects succeed; the next waits."""
    with kind.listener(2) as s:
        clients = []
        for number in range(4):
            c = kind.socket()
            c.setblocking(False)
            c.connect_ex(s.getsockname())
            if number < 3:
                until(c, select.POLLOUT)
            clients.append(c)
        return [mask(c, select.POLLOUT, 0.1) for c in clients]


@check(*TCP, rows="free")
def data_before_accept(kind: Kind) -> Any:
    """What is sent before accept waits."""
    with kind.listener() as s, kind.connect(s.getsockname()) as c:
        c.sendall(b"early")
        server, _ = s.accept()
        arrived(server, 5)
        return server.recv(100)


@check(TCP4, TCP6, rows="free")
def closed_before_accept(kind: Kind) -> Any:
    """A client that has gone is accepted with what it sent."""
    with kind.listener() as s:
        with kind.connect(s.getsockname()) as c:
            address = c.getsockname()
            c.sendall(b"bye")
        server, peer = s.accept()
        return peer == address, everything(server)


@check(TCP4, TCP6, rows="A7")
def reset_before_accept(kind: Kind) -> Any:
    """A client that has reset is accepted, and the reset is read."""
    with kind.listener() as s:
        c = kind.connect(s.getsockname())
        until(s, select.POLLIN)
        abort_on_close(c)
        c.close()
        server, _ = s.accept()
        was_reset(server)
        return answer(server.recv, 10), answer(server.recv, 10)


@check(TCP4, TCP6, rows="free")
def closed_listener(kind: Kind) -> Any:
    """Closing a listener resets who waits in its queue."""
    s = kind.listener()
    c = kind.connect(s.getsockname())
    s.close()
    return until(c, select.POLLHUP), answer(c.recv, 1)


@check(TCP4, rows="free")
def closed_listener_refuses(kind: Kind) -> Any:
    """And refuses whoever comes later, while accepted flows go on."""
    with kind.listener() as s:
        address = s.getsockname()
        c = kind.connect(address)
        server, _ = s.accept()
    with kind.socket() as late:
        code = answer(late.connect, address)
    c.sendall(b"x")
    return code, server.recv(1)


@check(TCP4, TCP6, rows="shutdown-listener")
def shut_down(kind: Kind) -> Any:
    """shutdown of a listener ends its listening."""
    with kind.listener() as s:
        code = answer(s.shutdown, socket.SHUT_RD)
        s.setblocking(False)
        with kind.socket() as c:
            return code, answer(s.accept), answer(c.connect, s.getsockname()), mask(s)


@check(TCP4, rows="shutdown-listener")
def shut_down_wakes(kind: Kind) -> Any:
    """And wakes who is blocked in accept."""
    codes: list[Any] = []
    with kind.listener() as s:
        thread = threading.Thread(target=lambda: codes.append(answer(s.accept)))
        thread.start()
        select.select([], [], [], 0.05)
        s.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        return codes


@check(TCP4, TCP6, rows="free")
def by_many(kind: Kind) -> Any:
    """Children share a listener; each flow is accepted once."""
    with kind.listener() as s:

        def serve() -> None:
            for _ in range(4):
                server, _ = s.accept()
                server.sendall(server.recv(100))
                server.close()

        pids = [in_child(serve) for _ in range(3)]
        answers = set()
        for number in range(12):
            with kind.connect(s.getsockname()) as c:
                c.sendall(b"%d" % number)
                answers.add(c.recv(100))
        return len(answers), [reap(pid) for pid in pids]


@check(*TCP, rows="A10 reuseport")
def reuseport(kind: Kind) -> Any:
    """Two listeners of one port: every flow is accepted by one of them."""
    with kind.socket() as a, kind.socket() as b:
        for s in (a, b):
            on(s, socket.SO_REUSEPORT)
        a.bind((kind.host, 0))
        b.bind(a.getsockname())
        accepted = 0
        for s in (a, b):
            s.listen()
            s.setblocking(False)
        clients = [kind.connect(a.getsockname()) for _ in range(16)]
        poll = select.poll()
        for s in (a, b):
            poll.register(s, select.POLLIN)
        while accepted < 16 and (ready := poll.poll(2000)):
            for fd, _ in ready:
                with suppress(BlockingIOError):
                    (a if fd == a.fileno() else b).accept()
                    accepted += 1
        return len(clients), accepted, a.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)


@check(TCP4, TCP6, rows="options A16")
def options_of_accepted(kind: Kind) -> Any:
    """What an accepted socket has from its listener."""
    sol, tcp = socket.SOL_SOCKET, socket.IPPROTO_TCP
    with kind.socket() as s:
        on(s, socket.TCP_NODELAY, 1, tcp)
        on(s, socket.TCP_KEEPIDLE, 77, tcp)
        s.bind((kind.host, 0))
        s.listen()
        on(s, socket.SO_KEEPALIVE)
        on(s, socket.SO_LINGER, RESET)
        with kind.connect(s.getsockname()):
            server, _ = s.accept()
        found: list[Any] = [bool(server.getsockopt(tcp, socket.TCP_NODELAY))]
        found += [server.getsockopt(tcp, socket.TCP_KEEPIDLE)]
        return [
            *found,
            server.getsockopt(sol, socket.SO_KEEPALIVE),
            server.getsockopt(sol, socket.SO_LINGER, 8),
        ]


@check(TCP4, rows="options")
def is_listener(kind: Kind) -> Any:
    """SO_ACCEPTCONN knows listeners."""
    c, server = kind.pair()
    with kind.listener() as s, kind.bound() as b:
        sockets = (s, b, c, server)
        return [one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) for one in sockets]


@check(TCP_MAPPED, rows="dual-stack")
def both_families(kind: Kind) -> Any:
    """A listener of [::] is reached over IPv4 and IPv6, and sees who came how."""
    with kind.socket() as s:
        s.bind((kind.any, 0))
        s.listen()
        port = s.getsockname()[1]
        found: list[Any] = [s.getsockname()[0]]
        for family in (TCP4, TCP6):
            with family.connect((family.host, port)) as c:
                server, peer = s.accept()
                found += [peer[0], server.getsockname()[0], peer[1] == c.getsockname()[1]]
        return found


@check(TCP6, rows="dual-stack")
def v6_only(kind: Kind) -> Any:
    """With IPV6_V6ONLY it is not reached over IPv4, and the IPv4 port is another's."""

    def reach_and_bind() -> Any:
        with kind.socket() as s, TCP4.socket() as c, TCP4.socket() as other:
            s.bind((kind.any, 0))
            s.listen()
            port = s.getsockname()[1]
            code = answer(c.connect, (TCP4.host, port))
            return code, answer(other.bind, (TCP4.any, port))

    return of_a_few_ports(reach_and_bind)


@check(TCP4, rows="swap-limit")
def at_the_limit(kind: Kind) -> Any:
    """Without a descriptor to spare accept says EMFILE, and the flow waits."""
    with kind.listener() as s, kind.connect(s.getsockname()) as c:
        until(s, select.POLLIN)
        top = os.dup(0)
        os.close(top)
        resource.setrlimit(resource.RLIMIT_NOFILE, (top, 4096))
        code = answer(s.accept)
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 4096))
        return code, s.accept()[1] == c.getsockname()


@check(TCP4, rows="blocking-connect")
def timeout(kind: Kind) -> Any:
    """SO_RCVTIMEO bounds accept."""
    import struct

    with kind.listener() as s:
        on(s, socket.SO_RCVTIMEO, struct.pack("ll", 0, 30_000))
        return answer(s.accept)


@check(TCP4, rows="free")
def bad_arguments(kind: Kind) -> Any:
    """Flags that do not exist, room that is not there."""
    with kind.listener() as s, kind.connect(s.getsockname()):
        until(s, select.POLLIN)
        wrong = libc.accept4(s.fileno(), None, None, 0x40000001)
        codes = [errno.errorcode[ctypes.get_errno()] if wrong < 0 else "ok"]
        length = ctypes.c_int(-1)
        buffer = ctypes.create_string_buffer(16)
        wrong = libc.accept(s.fileno(), buffer, ctypes.byref(length))
        codes += [errno.errorcode[ctypes.get_errno()] if wrong < 0 else "ok"]
        s.setblocking(False)
        return codes, answer(s.accept) in ("EAGAIN", "ok") or "accepted"


@check(TCP4, rows="free")
def end_seen_by_accepted(kind: Kind) -> Any:
    """An accepted flow whose client closed without a word is at its end."""
    with kind.listener() as s:
        kind.connect(s.getsockname()).close()
        server, _ = s.accept()
        ended(server)
        return mask(server), server.recv(1)
