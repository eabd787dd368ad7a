"""Datagrams."""

import array
import ctypes
import os
import select
import socket
import struct
from typing import Any

from ..kinds import UDP, UDP4, UDP6, UDP_MAPPED, Kind
from ..table import check
from ..verbs import (
    PATIENCE_S,
    answer,
    arrived,
    c_answer,
    disconnect,
    in_child,
    libc,
    mask,
    of_a_few_ports,
    on,
    own_address,
    pending,
    raw,
    reap,
    so_error,
    until,
)

_WAITFORONE = 0x10000


def _waiting(s: socket.socket) -> None:
    until(s, select.POLLIN, select.POLLIN)


def _refusal(s: socket.socket) -> None:
    until(s, select.POLLERR)


@check(*UDP, rows="udp-addresses")
def sent_and_answered(kind: Kind) -> Any:
    """A question without connect, answered to the address that it came from."""
    with kind.bound() as server, kind.socket() as c:
        sent = c.sendto(b"question", server.getsockname())
        server.settimeout(PATIENCE_S)
        data, peer = server.recvfrom(100)
        server.sendto(b"answer", peer)
        c.settimeout(PATIENCE_S)
        reply, source = c.recvfrom(100)
        same = peer[1] == c.getsockname()[1], source == server.getsockname()
        return sent, data, reply, same, peer[0], len(peer)


@check(*UDP, rows="udp-addresses")
def connected(kind: Kind) -> Any:
    """A connected socket has a peer and needs no address."""
    c, server = kind.pair()
    c.send(b"abc")
    _waiting(server)
    data, peer = server.recvfrom(10)
    return data, peer == c.getsockname(), c.getpeername() == server.getsockname()


@check(*UDP, rows="udp-addresses")
def connected_filters(kind: Kind) -> Any:
    """A connected socket hears its peer alone."""
    c, server = kind.pair()
    with kind.bound() as stranger:
        stranger.sendto(b"strange", c.getsockname())
        server.send(b"known")
        _waiting(c)
        c.setblocking(False)
        return c.recv(100), answer(c.recv, 100)


@check(*UDP, rows="udp-addresses")
def connected_sends_elsewhere(kind: Kind) -> Any:
    """sendto of a connected socket goes where it says."""
    c, server = kind.pair()
    with kind.bound() as other:
        code = answer(c.sendto, b"x", other.getsockname())
        other.settimeout(PATIENCE_S)
        return code, other.recvfrom(10)[1] == c.getsockname(), mask(server)


@check(UDP4, UDP6, rows="udp-addresses disconnect")
def disconnected(kind: Kind) -> Any:
    """AF_UNSPEC takes the peer away, and connect gives another."""
    c, _server = kind.pair()
    port = c.getsockname()[1]
    codes = disconnect(c), answer(c.getpeername), answer(c.send, b"x")
    with kind.bound() as other:
        c.connect(other.getsockname())
        c.send(b"again")
        other.settimeout(PATIENCE_S)
        return codes, other.recv(10), c.getsockname()[1] in (port, c.getsockname()[1])


@check(UDP4, UDP6, rows="udp-addresses disconnect")
def bound_and_disconnected(kind: Kind) -> Any:
    """The port of the kernel's choice goes; the address that was bound stays, for what is sent."""
    with kind.bound() as server, kind.bound() as c:
        code = disconnect(c)
        left = c.getsockname()
        sent = c.sendto(b"x", server.getsockname())
        server.settimeout(PATIENCE_S)
        peer = server.recvfrom(10)[1]
        return code, left[:2], sent, peer[0], peer == c.getsockname()


@check(*UDP, rows="udp-addresses")
def no_destination(kind: Kind) -> Any:
    """EDESTADDRREQ without a peer."""
    with kind.socket() as fresh, kind.bound() as bound:
        return answer(fresh.send, b"x"), answer(bound.send, b"x"), answer(bound.shutdown, 2)


@check(UDP4, UDP6, rows="udp-addresses")
def port_from_sending(kind: Kind) -> Any:
    """The first datagram gives the socket a port."""
    with kind.bound() as server, kind.socket() as c:
        before = c.getsockname()[1]
        c.sendto(b"x", server.getsockname())
        return before, c.getsockname()[0], c.getsockname()[1] != 0


@check(UDP4, UDP6, rows="udp-addresses")
def address_from_connecting(kind: Kind) -> Any:
    """connect gives it an address as well."""
    with kind.bound() as server, kind.socket() as c:
        c.connect(server.getsockname())
        return c.getsockname()[0], c.getsockname()[1] != 0


@check(UDP_MAPPED, rows="udp-addresses dual-stack disconnect")
def connected_in_turn(kind: Kind) -> Any:
    """One socket is connected to either family in turn: so getaddrinfo sorts addresses."""
    with kind.socket() as c:
        found = []
        for to in (raw(UDP6, 9), raw(UDP4, 9), raw(kind, 9), raw(UDP6, 9)):
            code = c_answer("connect", c.fileno(), to, len(to))
            found.append((code, c.getsockname()[0], c.getpeername()[:2]))
            disconnect(c)
        return found, c.getsockname()[:2], answer(c.getpeername)


@check(UDP4, rows="udp-addresses dual-stack")
def any_address_looked_up(kind: Kind) -> Any:
    """getaddrinfo without a name: libc connects datagram sockets to compare their addresses."""
    return [one[4][:2] for one in socket.getaddrinfo(None, 80, type=socket.SOCK_STREAM)]


@check(*UDP, rows="udp-empty")
def empty(kind: Kind) -> Any:
    """A datagram without bytes is a datagram, not an end."""
    c, server = kind.pair()
    sent = c.send(b"")
    _waiting(server)
    polled = mask(server)
    got = server.recvfrom(10)
    c.send(b"then")
    _waiting(server)
    return sent, polled, got[0], got[1] == c.getsockname(), server.recv(10)


@check(*UDP, rows="udp-addresses")
def boundaries(kind: Kind) -> Any:
    """Each recv takes one datagram; what does not fit is lost, and MSG_TRUNC tells its length."""
    c, server = kind.pair()
    for data in (b"first", b"second", b"third", b"fourth"):
        c.send(data)
    _waiting(server)
    server.settimeout(PATIENCE_S)
    short = server.recvmsg(3)
    room = ctypes.create_string_buffer(2)
    _waiting(server)  # libc's recv does not: Python's time-out makes the descriptor non-blocking
    told = libc.recv(server.fileno(), room, 2, socket.MSG_TRUNC), room.raw
    return short[0], bool(short[2] & socket.MSG_TRUNC), told, server.recv(100), server.recv(100)


@check(UDP4, UDP6, rows="udp-addresses")
def peeked(kind: Kind) -> Any:
    """MSG_PEEK, with and without MSG_TRUNC, leaves the datagram."""
    c, server = kind.pair()
    c.send(b"abcdef")
    _waiting(server)
    room = ctypes.create_string_buffer(2)
    length = libc.recv(server.fileno(), room, 2, socket.MSG_PEEK | socket.MSG_TRUNC)
    return length, server.recv(3, socket.MSG_PEEK), server.recv(100)


@check(*UDP, rows="udp-addresses")
def counted(kind: Kind) -> Any:
    """FIONREAD is the next datagram's length."""
    c, server = kind.pair()
    before = pending(server)
    c.send(b"abc")
    c.send(b"defgh")
    arrived(server, 3)
    first = pending(server)
    server.recv(10)
    arrived(server, 5)
    return before, first, pending(server)


@check(*UDP, rows="udp-size")
def largest(kind: Kind) -> Any:
    """65,507 bytes go; one more does not."""
    c, server = kind.pair()
    on(server, socket.SO_RCVBUF, 1 << 20)
    most = 65507 if kind is not UDP6 else 65527
    code = answer(c.send, bytes(most))
    if code != most:
        return code
    server.settimeout(PATIENCE_S)
    return (
        code,
        answer(lambda: len(server.recv(70000))),
        answer(c.send, bytes(most + 1)),
        answer(c.send, bytes(70000)),
    )


_SEGMENT, _GRO, _CORK = 103, 104, 1


def _all(s: socket.socket) -> list[bytes]:
    """Every datagram that came before one that says "end"."""
    s.settimeout(PATIENCE_S)
    return list(iter(lambda: s.recv(70000), b"end"))


def _end(kind: Kind, s: socket.socket) -> list[bytes]:
    with kind.socket() as last:
        last.sendto(b"end", s.getsockname())
        return _all(s)


_TEXT = bytes(range(256)) * 12


@check(*UDP, rows="udp-pieces")
def cut(kind: Kind) -> Any:
    """UDP_SEGMENT makes several datagrams of one call; sent whole, if it is not longer."""
    with kind.bound() as server, kind.socket() as c:
        on(c, _SEGMENT, 1000, socket.IPPROTO_UDP)
        codes = [c.sendto(_TEXT[:n], server.getsockname()) for n in (2500, 1000, 999, 0)]
        return codes, _end(kind, server)


@check(UDP4, UDP6, rows="udp-pieces")
def cut_when_connected(kind: Kind) -> Any:
    """The same by send, write and sendmsg with many pieces."""
    c, server = kind.pair()
    on(c, _SEGMENT, 700, socket.IPPROTO_UDP)
    codes = c.send(_TEXT[:1500]), os.write(c.fileno(), _TEXT[:1500])
    sent = c.sendmsg([_TEXT[i : i + 50] for i in range(0, 1500, 50)])
    on(c, _SEGMENT, 0, socket.IPPROTO_UDP)
    c.send(b"end")
    return codes, sent, _all(server)


@check(UDP4, UDP6, rows="udp-pieces")
def cut_by_a_control_message(kind: Kind) -> Any:
    """For one call, also against what the socket was told."""
    with kind.bound() as server, kind.socket() as c:
        found = []
        for option, asked in ((0, 1000), (1000, 600), (1000, 0)):
            on(c, _SEGMENT, option, socket.IPPROTO_UDP)
            control = [(socket.IPPROTO_UDP, _SEGMENT, struct.pack("H", asked))]
            found.append(answer(c.sendmsg, [_TEXT[:2500]], control, 0, server.getsockname()))
        control = [(socket.IPPROTO_UDP, _SEGMENT, struct.pack("i", 1000))]
        found.append(answer(c.sendmsg, [_TEXT[:2500]], control, 0, server.getsockname()))
        return found, _end(kind, server)


@check(UDP4, rows="udp-pieces")
def cut_too_often(kind: Kind) -> Any:
    """The limits: of segments, of the option, of the datagram."""
    c, _server = kind.pair()
    found = [answer(c.setsockopt, socket.IPPROTO_UDP, _SEGMENT, n) for n in (-1, 65536, 10)]
    found += [answer(c.send, bytes(n)) for n in (640, 1281, 65507, 65508)]
    return found


@check(UDP4, UDP6, rows="udp-pieces")
def come_together(kind: Kind) -> Any:
    """UDP_GRO: datagrams of one call come as one, and it is told how long each is."""
    with kind.bound() as server, kind.socket() as c:
        on(server, _GRO, 1, socket.IPPROTO_UDP)
        on(c, _SEGMENT, 1000, socket.IPPROTO_UDP)
        found = []
        for n in (2500, 1000):
            c.sendto(_TEXT[:n], server.getsockname())
            server.settimeout(PATIENCE_S)
            data, control, flags, _ = server.recvmsg(5000, 256)
            whole = data == _TEXT[: len(data)]
            found.append((len(data), whole, control, flags & socket.MSG_TRUNC))
        on(server, _GRO, 0, socket.IPPROTO_UDP)
        c.sendto(_TEXT[:2500], server.getsockname())
        return found, [len(data) for data in _end(kind, server)]


@check(*UDP, rows="udp-pieces")
def gathered(kind: Kind) -> Any:
    """UDP_CORK: nothing leaves before it is pulled; then one datagram."""
    with kind.bound() as server, kind.socket() as c:
        on(c, _CORK, 1, socket.IPPROTO_UDP)
        codes = [c.sendto(data, server.getsockname()) for data in (b"one", b"", b"two")]
        early = _end(kind, server)
        on(c, _CORK, 0, socket.IPPROTO_UDP)
        on(c, _CORK, 0, socket.IPPROTO_UDP)
        c.sendto(b"alone", server.getsockname())
        return codes, early, _end(kind, server)


@check(UDP4, UDP6, rows="udp-pieces cork")
def gathered_by_flag(kind: Kind) -> Any:
    """MSG_MORE: until a call without it, by whatever function."""
    c, server = kind.pair()
    codes = [c.send(data, socket.MSG_MORE) for data in (b"a", b"b")]
    codes.append(os.write(c.fileno(), b"c"))
    codes.append(c.sendmsg([b"d", b"e"], [], socket.MSG_MORE))
    on(c, _CORK, 0, socket.IPPROTO_UDP)
    codes += [c.send(b"", socket.MSG_MORE), c.send(b"")]
    c.send(b"end")
    return codes, _all(server)


@check(UDP4, UDP6, rows="udp-pieces")
def gathered_for_the_first(kind: Kind) -> Any:
    """The first piece says where it goes, whatever the others say or leave out."""
    with kind.bound() as server, kind.bound() as other, kind.socket() as c:
        found = [c.sendto(b"a", socket.MSG_MORE, server.getsockname())]
        found.append(answer(c.sendto, b"b", socket.MSG_MORE, other.getsockname()))
        found.append(answer(c.send, b"c"))
        found.append(answer(c.send, b"d"))
        return found, _end(kind, server), _end(kind, other)


@check(UDP4, rows="udp-pieces udp-size")
def gathered_too_much(kind: Kind) -> Any:
    """Beyond 64 KiB: EMSGSIZE, and all of it is gone."""
    c, server = kind.pair()
    on(server, socket.SO_RCVBUF, 1 << 20)
    on(c, _CORK, 1, socket.IPPROTO_UDP)
    found = [answer(c.send, bytes(n)) for n in (40000, 25507, 1, 40000, 40000, 5)]
    on(c, _CORK, 0, socket.IPPROTO_UDP)
    c.send(b"end")
    return found, [len(data) for data in _all(server)]


@check(UDP4, rows="udp-pieces udp-close")
def gathered_and_closed(kind: Kind) -> Any:
    """What is gathered when the socket is closed never leaves; a duplicate keeps it."""
    with kind.bound() as server, kind.socket() as c, kind.socket() as d:
        for s in (c, d):
            on(s, _CORK, 1, socket.IPPROTO_UDP)
            s.sendto(b"gathered", server.getsockname())
        c.close()
        with d.dup() as kept:
            d.close()
            early = _end(kind, server)
            on(kept, _CORK, 0, socket.IPPROTO_UDP)
            return early, _end(kind, server)


@check(UDP4, rows="udp-pieces")
def gathered_with_a_child(kind: Kind) -> Any:
    """A child goes on where its parent stopped."""
    with kind.bound() as server, kind.socket() as c:
        c.sendto(b"parent ", socket.MSG_MORE, server.getsockname())
        status = reap(in_child(lambda: c.send(b"child ", socket.MSG_MORE) and None))
        c.send(b"parent")
        return status, _end(kind, server)


@check(UDP4, rows="udp-pieces")
def gathered_and_cut(kind: Kind) -> Any:
    """Both: what was gathered is cut as the first piece was to be; too many are dropped."""
    c, server = kind.pair()
    on(c, _SEGMENT, 1000, socket.IPPROTO_UDP)
    found = [answer(c.send, _TEXT[:n], flag) for n, flag in ((700, socket.MSG_MORE), (1800, 0))]
    on(c, _SEGMENT, 1, socket.IPPROTO_UDP)
    found += [answer(c.send, _TEXT[:n], flag) for n, flag in ((700, socket.MSG_MORE), (700, 0))]
    on(c, _SEGMENT, 0, socket.IPPROTO_UDP)
    c.send(b"end")
    return found, _all(server)


@check(*UDP, rows="udp-pieces")
def gathered_over_connect(kind: Kind) -> Any:
    """connect in between takes it to the new peer, over IPv4."""
    c, server = kind.pair()
    with kind.bound() as other:
        c.send(b"a", socket.MSG_MORE)
        c.connect(other.getsockname())
        c.send(b"b")
        return _end_of_pair(kind, c, server), _end(kind, other)


def _end_of_pair(kind: Kind, c: socket.socket, server: socket.socket) -> list[bytes]:
    """`server` hears `c` alone."""
    c.connect(server.getsockname())
    c.send(b"end")
    return _all(server)


@check(*UDP, rows="udp-refused")
def refused(kind: Kind) -> Any:
    """A connected socket learns on its next call that nobody is there, once."""
    with kind.bound() as gone:
        address = gone.getsockname()
    with kind.socket() as c:
        c.connect(address)
        first = answer(c.send, b"x")
        _refusal(c)
        second = answer(c.send, b"x")
        _refusal(c)
        return first, second, so_error(c), so_error(c)


@check(UDP4, UDP6, rows="udp-refused")
def refused_told_by_recv(kind: Kind) -> Any:
    """recv tells it as well."""
    with kind.bound() as gone:
        address = gone.getsockname()
    with kind.socket() as c:
        c.connect(address)
        c.send(b"x")
        _refusal(c)
        polled = mask(c)
        c.setblocking(False)
        return polled, answer(c.recv, 1), answer(c.recv, 1)


@check(UDP4, UDP6, rows="udp-refused")
def refused_after_a_datagram(kind: Kind) -> Any:
    """An error, and a datagram that came before it."""
    c, server = kind.pair()
    c.setblocking(False)
    with select.epoll() as edges:
        edges.register(c, select.EPOLLET | select.EPOLLIN)
        server.send(b"early")
        edges.poll(PATIENCE_S)
        server.close()
        c.send(b"x")
        edges.poll(PATIENCE_S)
    return [answer(c.recv, 10) for _ in range(3)]


@check(UDP4, UDP6, rows="udp-refused")
def refused_unconnected(kind: Kind) -> Any:
    """An unconnected one does not."""
    with kind.bound() as gone:
        address = gone.getsockname()
    with kind.bound() as c:
        codes = [answer(c.sendto, b"x", address) for _ in range(3)]
        return codes, so_error(c)


@check(UDP4, UDP6, rows="udp-refused")
def served_again(kind: Kind) -> Any:
    """A server that comes back is reached."""
    with kind.bound() as gone:
        address = gone.getsockname()
    with kind.socket() as c:
        c.connect(address)
        c.send(b"x")
        _refusal(c)
        so_error(c)
        with kind.socket() as server:
            server.bind(address)
            code = answer(c.send, b"again")
            server.settimeout(PATIENCE_S)
            return code, server.recv(10)


@check(UDP4, UDP6, rows="udp-send")
def never_blocks(kind: Kind) -> Any:
    """Sending to somebody who does not read loses datagrams and never waits."""
    c, server = kind.pair()
    codes = {answer(c.send, bytes(1400)) for _ in range(2000)}
    _waiting(server)
    server.setblocking(False)
    got = 0
    while answer(server.recv, 2000) != "EAGAIN":
        got += 1
    return codes, 0 < got <= 2000


@check(UDP4, UDP6, rows="udp-close")
def closed(kind: Kind) -> Any:
    """A port is free at once when its socket is closed, and the peer is not told."""
    c, server = kind.pair()
    address = server.getsockname()
    server.close()
    before = mask(c)
    with kind.socket() as again:
        return before, answer(again.bind, address)


@check(UDP4, UDP6, rows="udp-close")
def bound_again_at_once(kind: Kind) -> Any:
    """The same, however often."""
    with kind.bound() as first:
        address = first.getsockname()
    found = set()
    for _ in range(20):
        with kind.socket() as s:
            found.add(answer(s.bind, address))
    return found


@check(*UDP, rows="free")
def polled(kind: Kind) -> Any:
    """Idle, a datagram waiting, none left."""
    c, server = kind.pair()
    idle = mask(server)
    c.send(b"x")
    _waiting(server)
    waiting = mask(server)
    server.recv(10)
    return idle, waiting, mask(server)


@check(UDP4, UDP6, rows="free")
def edges(kind: Kind) -> Any:
    """One edge for each datagram."""
    c, server = kind.pair()
    found = []
    with select.epoll() as e:
        e.register(server, select.EPOLLIN | select.EPOLLET)
        e.poll(0)
        for _ in range(3):
            c.send(b"x")
            found.append((len(e.poll(PATIENCE_S)), len(e.poll(0))))
    return found


@check(UDP4, rows="free")
def registered_early(kind: Kind) -> Any:
    """A registration made before bind is told of datagrams."""
    with kind.socket() as s, kind.socket() as c, select.epoll() as e:
        e.register(s, select.EPOLLIN)
        e.poll(0)
        s.bind((kind.host, 0))
        c.sendto(b"x", s.getsockname())
        return len(e.poll(PATIENCE_S)), s.recv(10)


@check(UDP4, UDP6, rows="free")
def shut_down(kind: Kind) -> Any:
    """shutdown of a connected socket wakes and ends its reader; of others it is ENOTCONN."""
    c, _server = kind.pair()
    code = answer(c.shutdown, socket.SHUT_RD)
    with kind.bound() as b:
        return code, answer(c.recv, 1), mask(c), answer(b.shutdown, socket.SHUT_RD)


@check(UDP4, rows="free")
def vectors(kind: Kind) -> Any:
    """sendmsg gathers one datagram, recvmsg spreads it."""
    c, server = kind.pair()
    sent = c.sendmsg([b"ab", b"", b"cd"])
    _waiting(server)
    a, b = bytearray(1), bytearray(10)
    count, _, _, peer = server.recvmsg_into([a, b])
    return sent, count, bytes(a), bytes(b[:3]), peer == c.getsockname()


@check(UDP4, UDP6, rows="free")
def read_and_write(kind: Kind) -> Any:
    """read(2) and write(2) on a connected socket are datagrams."""
    c, server = kind.pair()
    sent = os.write(c.fileno(), b"abc"), os.write(c.fileno(), b"de")
    _waiting(server)
    return sent, os.read(server.fileno(), 2), os.read(server.fileno(), 10)


@check(UDP4, rows="udp-addresses")
def many_at_once(kind: Kind) -> Any:
    """sendmmsg and recvmmsg."""

    class Vector(ctypes.Structure):
        """struct iovec."""

        _fields_ = [("base", ctypes.c_char_p), ("len", ctypes.c_size_t)]

    class Header(ctypes.Structure):
        """struct mmsghdr."""

        _fields_ = [
            ("name", ctypes.c_void_p),
            ("namelen", ctypes.c_uint),
            ("iov", ctypes.POINTER(Vector)),
            ("iovlen", ctypes.c_size_t),
            ("control", ctypes.c_void_p),
            ("controllen", ctypes.c_size_t),
            ("flags", ctypes.c_int),
            ("pad", ctypes.c_int),
            ("len", ctypes.c_uint),
        ]

    c, server = kind.pair()
    texts = [b"one", b"three", b""]
    vectors = [Vector(text, len(text)) for text in texts]
    messages = (Header * 3)()
    for header, vector in zip(messages, vectors, strict=True):
        header.iov, header.iovlen = ctypes.pointer(vector), 1
    sent = libc.sendmmsg(c.fileno(), messages, 3, 0)
    arrived(server, 3)
    rooms = [ctypes.create_string_buffer(16) for _ in range(4)]
    names = [ctypes.create_string_buffer(28) for _ in range(4)]
    back = (Header * 4)()
    for header, room, name in zip(back, rooms, names, strict=True):
        vector = Vector(ctypes.cast(room, ctypes.c_char_p), 16)
        header.iov, header.iovlen = ctypes.pointer(vector), 1
        header.name, header.namelen = ctypes.cast(name, ctypes.c_void_p), 28
    got = 0
    lengths = []
    while got < 3:
        _waiting(server)
        n = libc.recvmmsg(server.fileno(), back, 4, _WAITFORONE, None)
        if n <= 0:
            break
        lengths += [(back[i].len, back[i].namelen) for i in range(n)]
        got += n
    return sent, [header.len for header in messages], lengths


@check(UDP4, UDP6, UDP_MAPPED, rows="udp-control")
def destination_told(kind: Kind) -> Any:
    """PKTINFO says which address a datagram came to."""
    v4 = kind is UDP4
    with kind.socket() as server, kind.bound() as c:
        if v4:
            on(server, 8, 1, socket.IPPROTO_IP)
        else:
            on(server, socket.IPV6_RECVPKTINFO, 1, socket.IPPROTO_IPV6)
        server.bind((kind.any, 0))
        c.sendto(b"x", (kind.host, server.getsockname()[1]))
        server.settimeout(PATIENCE_S)
        data, control, _, _ = server.recvmsg(10, 256)
        found = [(level, type_) for level, type_, _ in control]
        address = control[0][2][8:12] if v4 else control[0][2][:16]
        return data, found, address


@check(UDP4, rows="udp-control udp-reply")
def answered_from_the_address_asked(kind: Kind) -> Any:
    """A server that binds the address learnt from PKTINFO answers from it (in.tftpd)."""
    with kind.socket() as server, kind.bound() as c:
        on(server, 8, 1, socket.IPPROTO_IP)
        server.bind((kind.any, 0))
        c.sendto(b"x", (kind.host, server.getsockname()[1]))
        server.settimeout(PATIENCE_S)
        _, control, _, peer = server.recvmsg(10, 256)
        address = socket.inet_ntop(socket.AF_INET, control[0][2][8:12])
        with kind.socket() as reply:
            reply.bind((address, 0))
            reply.connect(peer)
            reply.send(b"answer")
            c.settimeout(PATIENCE_S)
            data, source = c.recvfrom(10)
            return data, source == reply.getsockname(), source[1] != server.getsockname()[1]


@check(UDP4, rows="udp-reply")
def connected_and_bound_again(kind: Kind) -> Any:
    """A server connects its socket to a client and binds the port anew (iperf)."""
    with kind.socket() as first, kind.socket() as second, kind.socket() as c:
        on(first, socket.SO_REUSEADDR)
        first.bind((kind.any, 0))
        port = first.getsockname()[1]
        c.connect((kind.host, port))
        c.send(b"hello")
        first.settimeout(PATIENCE_S)
        _, peer = first.recvfrom(10)
        first.connect(peer)
        on(second, socket.SO_REUSEADDR)
        code = answer(second.bind, (kind.any, port))
        c.send(b"to the first")
        with kind.socket() as other:
            other.sendto(b"to the second", (kind.host, port))
            second.settimeout(PATIENCE_S)
            return code, first.recv(100), second.recv(100)


@check(UDP4, rows="udp-control")
def type_of_service(kind: Kind) -> Any:
    """IP_RECVTOS and IP_RECVTTL bring both with each datagram."""
    c, server = kind.pair()
    on(server, 13, 1, socket.IPPROTO_IP)
    on(server, 12, 1, socket.IPPROTO_IP)
    on(c, socket.IP_TOS, 16, socket.IPPROTO_IP)
    on(c, socket.IP_TTL, 33, socket.IPPROTO_IP)
    c.send(b"x")
    _waiting(server)
    return sorted((level, type_, data[:1]) for level, type_, data in server.recvmsg(10, 256)[1])


@check(UDP4, rows="udp-control")
def error_queue(kind: Kind) -> Any:
    """IP_RECVERR keeps a refusal with its address."""
    with kind.bound() as gone:
        address = gone.getsockname()
    with kind.socket() as c:
        on(c, 11, 1, socket.IPPROTO_IP)
        c.connect(address)
        c.send(b"x")
        _refusal(c)
        message = c.recvmsg(10, 256, socket.MSG_ERRQUEUE)
        error = struct.unpack_from("IBBBB", message[1][0][2])
        return message[0], [m[:2] for m in message[1]], error, message[3] == address


@check(UDP4, rows="udp-control")
def time_stamps(kind: Kind) -> Any:
    """SO_TIMESTAMP."""
    c, server = kind.pair()
    on(server, 29)
    c.send(b"x")
    _waiting(server)
    return [(level, type_) for level, type_, _ in server.recvmsg(10, 256)[1]]


@check(UDP4, rows="udp-control")
def broadcast(kind: Kind) -> Any:
    """EACCES without SO_BROADCAST."""
    with kind.socket() as c:
        return answer(c.sendto, b"x", ("255.255.255.255", 9))


@check(UDP4, rows="udp-control")
def multicast(kind: Kind) -> Any:
    """A group on the loopback interface."""
    request = socket.inet_aton("239.255.77.77") + socket.inet_aton("127.0.0.1")
    with kind.socket() as server, kind.socket() as c:
        server.bind(("", 0))
        joined = answer(server.setsockopt, socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
        on(c, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"), socket.IPPROTO_IP)
        code = answer(c.sendto, b"x", ("239.255.77.77", server.getsockname()[1]))
        server.settimeout(0.5)
        return joined, code, answer(server.recv, 10)


@check(UDP4, UDP6, rows="reuseport")
def shared_port(kind: Kind) -> Any:
    """SO_REUSEPORT spreads datagrams of different senders over both."""
    with kind.socket() as a, kind.socket() as b:
        for s in (a, b):
            on(s, socket.SO_REUSEPORT)
            s.settimeout(0)
        a.bind((kind.host, 0))
        code = answer(b.bind, a.getsockname())
        senders = [kind.socket() for _ in range(16)]
        for s in senders:
            s.sendto(b"x", a.getsockname())
        poll = select.poll()
        for s in (a, b):
            poll.register(s, select.POLLIN)
        got = 0
        while got < 16 and (ready := poll.poll(2000)):
            for fd, _ in ready:
                got += answer((a if fd == a.fileno() else b).recv, 10) == b"x"
        return code, got


@check(UDP_MAPPED, rows="udp-addresses dual-stack")
def both_families(kind: Kind) -> Any:
    """A socket of [::] hears IPv4 and IPv6, and answers each."""
    from ..kinds import UDP4 as V4
    from ..kinds import UDP6 as V6

    found = []
    with kind.socket() as server:
        server.bind((kind.any, 0))
        server.settimeout(PATIENCE_S)
        for other in (V4, V6):
            with other.socket() as c:
                c.settimeout(PATIENCE_S)
                c.sendto(b"x", (other.host, server.getsockname()[1]))
                _, peer = server.recvfrom(10)
                server.sendto(b"y", peer)
                data, source = c.recvfrom(10)
                found.append((peer[0], data, source[0], source[1] == server.getsockname()[1]))
    return found


@check(UDP6, UDP_MAPPED, rows="udp-addresses dual-stack")
def v6_only(kind: Kind) -> Any:
    """IPV6_V6ONLY: whether [::] hears IPv4."""
    with kind.socket() as server, UDP4.socket() as c:
        server.bind((kind.any, 0))
        c.connect((UDP4.host, server.getsockname()[1]))
        c.send(b"v4")
        if kind is UDP6:
            _refusal(c)
            return so_error(c)
        server.settimeout(PATIENCE_S)
        return server.recv(10)


@check(UDP6, UDP_MAPPED, rows="dual-stack address-in-use")
def v6_only_in_the_way(kind: Kind) -> Any:
    """Whether [::] may be bound to the port of an IPv4 socket, and the other way round."""

    def once() -> Any:
        with UDP4.bound() as first, kind.socket() as second, kind.socket() as third:
            code = answer(second.bind, (kind.any, first.getsockname()[1]))
            third.bind((kind.any, 0))
            with UDP4.socket() as last:
                return code, answer(last.bind, (UDP4.host, third.getsockname()[1]))

    return of_a_few_ports(once) if kind is UDP6 else once()


@check(UDP4, rows="own-addresses")
def at_own_address(kind: Kind) -> Any:
    """Who is bound to 0.0.0.0 is reached at the host's other addresses, and answers from there."""
    if (host := own_address()) is None:
        return None
    found = []
    with kind.socket() as server:
        server.bind(("", 0))
        server.settimeout(PATIENCE_S)
        for connects in (False, True):
            with kind.socket() as c:
                c.settimeout(PATIENCE_S)
                there = host, server.getsockname()[1]
                if connects:
                    c.connect(there)
                    c.send(b"x")
                else:
                    c.sendto(b"x", there)
                data, peer = server.recvfrom(10)
                server.sendto(b"y", peer)
                found.append((peer[0] == host, data, c.recvfrom(10)[1] == there))
    return found


@check(UDP4, rows="own-addresses")
def bound_to_own_address(kind: Kind) -> Any:
    """Who is bound to such an address hears sockets that were bound to 0.0.0.0, and fresh ones."""
    if (host := own_address()) is None:
        return None
    with kind.socket() as server, kind.socket() as bound, kind.socket() as fresh:
        server.bind((host, 0))
        bound.bind(("", 0))
        server.settimeout(PATIENCE_S)
        found = []
        for c in (bound, fresh):
            c.sendto(b"x", server.getsockname())
            data, peer = server.recvfrom(10)
            server.sendto(b"y", peer)
            c.settimeout(PATIENCE_S)
            found.append((data, peer[0] == host, c.recvfrom(10)[1] == server.getsockname()))
        return found


@check(UDP4, UDP6, rows="udp-addresses")
def room_for_the_address(kind: Kind) -> Any:
    """Never more of the sender's address than there is room for."""
    c, server = kind.pair()
    found = []
    for size in (0, 2, 8, 16, 28, 100):
        c.send(b"x")
        _waiting(server)
        buffer = ctypes.create_string_buffer(b"\xee" * 128, 128)
        room = ctypes.create_string_buffer(10)
        length = ctypes.c_uint(size)
        got = libc.recvfrom(server.fileno(), room, 10, 0, buffer, ctypes.byref(length))
        found.append((got, length.value, buffer.raw[size:] == b"\xee" * (128 - size)))
    return found


@check(UDP4, UDP6, rows="udp-addresses")
def received_timeout(kind: Kind) -> Any:
    """SO_RCVTIMEO, MSG_DONTWAIT, and nothing to read."""
    with kind.bound() as s:
        on(s, socket.SO_RCVTIMEO, struct.pack("ll", 0, 20_000))
        return answer(s.recv, 1), answer(s.recv, 1, socket.MSG_DONTWAIT)


@check(UDP4, rows="udp-addresses")
def by_a_child(kind: Kind) -> Any:
    """A child answers on the socket that it has inherited."""
    with kind.bound() as server, kind.socket() as c:
        pid = in_child(lambda: server.sendto(b"y", server.recvfrom(10)[1]))
        c.sendto(b"x", server.getsockname())
        c.settimeout(PATIENCE_S)
        data, source = c.recvfrom(10)
        return data, source == server.getsockname(), reap(pid)


@check(UDP4, rows="udp-addresses")
def passed_on(kind: Kind) -> Any:
    """A bound socket that is sent to another process keeps its name."""
    ours, theirs = socket.socketpair()
    with kind.bound() as server, kind.socket() as c:
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [server.fileno()]))
        ours.sendmsg([b"x"], [rights])
        address = server.getsockname()

        def work() -> None:
            _, control, _, _ = theirs.recvmsg(1, 64)
            numbers = array.array("i")
            numbers.frombytes(control[0][2][:4])
            with socket.socket(fileno=numbers[0]) as got:
                assert got.getsockname() == address
                got.sendto(b"y", got.recvfrom(10)[1])

        pid = in_child(work)
        c.sendto(b"x", address)
        c.settimeout(PATIENCE_S)
        return c.recv(10), reap(pid)


@check(UDP4, UDP6, rows="udp-addresses")
def to_itself(kind: Kind) -> Any:
    """A socket may send to itself."""
    with kind.bound() as s:
        s.sendto(b"x", s.getsockname())
        s.settimeout(PATIENCE_S)
        return s.recvfrom(10)[1] == s.getsockname()


@check(UDP4, UDP6, rows="udp-addresses")
def to_port_zero(kind: Kind) -> Any:
    """Nobody is at port 0."""
    with kind.socket() as s:
        return answer(s.sendto, b"x", (kind.host, 0))


@check(UDP4, rows="free")
def urgent(kind: Kind) -> Any:
    """Datagrams are never urgent."""
    c, server = kind.pair()
    return answer(c.send, b"x", socket.MSG_OOB), answer(
        server.recv, 1, socket.MSG_OOB | socket.MSG_DONTWAIT
    )


@check(UDP4, rows="free")
def no_listening(kind: Kind) -> Any:
    """listen and accept are not for datagrams."""
    with kind.bound() as s:
        return answer(s.listen), answer(s.accept)
