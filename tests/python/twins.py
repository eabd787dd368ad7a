"""What `scaffold.inet` and Python's own `socket` answer, in every state of a socket and to every
kind of argument. `test_twins.py` compares; as a program, this compares services with plain IP."""

import array
import copy
import io
import os
import pickle
import re
import select
import socket
import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any, ClassVar

from scaffold import inet

SHORT_S = 0.01  # for what waits in vain
LONG_S = 5.0  # for what comes
NAME = "twins.test.scaffold"
_ARITY = re.compile(r"\) (takes|missing|got an unexpected keyword)")
"""A wrong number of arguments: C and Python say it in different words."""


class Index:
    """An integer as other libraries have them."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


@dataclass
class World:
    """Where sockets are made, and what they are bound to."""

    module: Any
    host: str = "127.0.0.1"
    family: int = socket.AF_INET
    stack: ExitStack = field(default_factory=ExitStack)
    ports: ClassVar[Iterator[int]] = count(5000)
    """Each once: whoever passes a socket on may hold it for a moment longer."""

    def keep(self, one: Any) -> Any:
        """To be closed with the question."""
        return self.stack.enter_context(one)

    def new(self, type: int = socket.SOCK_STREAM) -> Any:
        """A socket that waits for a moment only."""
        made = self.keep(self.module.socket(self.family, type))
        made.settimeout(SHORT_S)
        return made

    def bound(self, type: int = socket.SOCK_STREAM) -> Any:
        """One that is bound to the host."""
        made = self.new(type)
        made.bind((self.host, next(self.ports) if self.host == NAME else 0))
        return made

    def listening(self) -> Any:
        """One that listens there."""
        made = self.bound()
        made.listen()
        return made

    def pair(self) -> tuple[Any, Any]:
        """Both ends of a connection."""
        listener, client = self.listening(), self.new()
        client.settimeout(LONG_S)
        client.connect(listener.getsockname())
        client.settimeout(SHORT_S)
        listener.settimeout(LONG_S)
        accepted = self.keep(listener.accept()[0])
        accepted.settimeout(SHORT_S)
        return client, accepted

    def with_data(self) -> Any:
        """An end to which five bytes have come."""
        client, accepted = self.pair()
        accepted.sendall(b"hello")
        _await(client)
        return client

    def ended(self) -> Any:
        """An end whose peer has gone."""
        client, accepted = self.pair()
        accepted.close()
        _await(client)
        return client

    def reset(self) -> Any:
        """An end whose peer has gone and left what it had not read."""
        client, accepted = self.pair()
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        accepted.close()
        _await(client)
        return client

    def reset_after_its_end(self) -> Any:
        """The same, but what the peer sent has been read to its end."""
        client, accepted = self.pair()
        accepted.shutdown(socket.SHUT_WR)
        _await(client)
        assert client.recv(1) == b""
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        accepted.close()
        poll = select.poll()
        poll.register(client, 0)  # the end alone
        assert poll.poll(LONG_S * 1000)
        return client

    def refused(self) -> Any:
        """A socket that nobody answered, and that has not told it."""
        made = self.new()
        made.setblocking(False)
        made.connect_ex((self.host, 1))
        assert select.select([], [made], [], LONG_S)[1]
        made.settimeout(SHORT_S)
        return made

    def shut(self) -> Any:
        """An end that has said that it sends no more."""
        client, _ = self.pair()
        client.shutdown(socket.SHUT_WR)
        return client

    def closed(self, type: int = socket.SOCK_STREAM) -> Any:
        """A socket that was closed."""
        made = self.new(type)
        made.close()
        return made

    def datagrams(self) -> tuple[Any, Any]:
        """A socket that is connected to another, which is bound."""
        server, client = self.bound(socket.SOCK_DGRAM), self.new(socket.SOCK_DGRAM)
        client.connect(server.getsockname())
        client.send(b"first")
        _await(server)
        return client, server

    def asked(self) -> Any:
        """A bound socket to which a datagram has come."""
        return self.datagrams()[1]


def _await(one: Any) -> None:
    assert select.select([one], [], [], LONG_S)[0]


STREAMS: dict[str, Callable[[World], Any]] = {
    "fresh": World.new,
    "bound": World.bound,
    "listening": World.listening,
    "open": lambda world: world.pair()[0],
    "accepted": lambda world: world.pair()[1],
    "with data": World.with_data,
    "ended": World.ended,
    "reset": World.reset,
    "reset after its end": World.reset_after_its_end,
    "refused": World.refused,
    "shut": World.shut,
    "closed": World.closed,
}
DATAGRAMS: dict[str, Callable[[World], Any]] = {
    "fresh": lambda world: world.new(socket.SOCK_DGRAM),
    "bound": lambda world: world.bound(socket.SOCK_DGRAM),
    "connected": lambda world: world.datagrams()[0],
    "asked": World.asked,
    "closed": lambda world: world.closed(socket.SOCK_DGRAM),
}


def shape(value: Any) -> Any:
    """What can be compared: an address by its types, a socket by what it is."""
    if isinstance(value, socket.socket):
        with value:
            return value.family, value.type, value.proto, value.gettimeout()
    if isinstance(value, tuple) and len(value) in (2, 4) and isinstance(value[0], str):
        return "address", type(value[1]), value[2:]
    if isinstance(value, tuple | list):
        return [shape(part) for part in value]
    return value


def filled(size: int, call: Callable[[Any], Any]) -> Any:
    """What a call returns that fills a buffer, and the buffer."""
    room = bytearray(size)
    return call(room), bytes(room)


def several(call: Callable[[Any], Any]) -> Any:
    """The same with two buffers."""
    rooms = [bytearray(2), bytearray(2)]
    return call(iter(rooms)), rooms


def sent_file(one: Any) -> Any:
    with tempfile.TemporaryFile() as file:
        file.write(b"file")
        file.seek(0)
        return one.sendfile(file)


def wrapped_again(one: Any, world: World, *about: int) -> Any:
    """A second object for the descriptor."""
    return world.module.socket(*about, fileno=os.dup(one.fileno()))


def refound(one: Any, world: World) -> Any:
    """The same by fromfd."""
    return world.keep(world.module.fromfd(one.fileno(), one.family, one.type))


def passed_on(one: Any) -> Any:
    """Through multiprocessing."""
    from multiprocessing.reduction import ForkingPickler

    return pickle.loads(ForkingPickler.dumps(one))


LEVEL, REUSE, LINGER = socket.SOL_SOCKET, socket.SO_REUSEADDR, socket.SO_LINGER
NOBODY = ("127.0.0.1", 1)
CUT = "127.0.0.1\0.acme.scaffold"
"""What C takes for the address in front, and who looks at its end for a service."""

Question = Callable[[Any, World], Any]
ADDRESSES: list[Any] = [
    ("127.0.0.1", 1),
    ("127.1", 1),
    ("localhost", 1),
    ("", 0),
    ("<broadcast>", 0),
    ("192.0.2.1", 0),
    (b"127.0.0.1", 1),
    (bytearray(b"127.0.0.1"), 1),
    ("127.0.0.1\0.example.org", 1),
    (b"127.0.0.1\0", 1),
    ("\0", 1),
    (CUT, 1),
    (CUT.encode(), 1),
    (b"\xff\xfe", 1),
    (bytearray(b"\xff\xfe"), 1),
    ("\udcff", 1),
    ("\udcff", "1"),
    ("\u00fc" * 70, 1),
    ("\u00fc" * 70, 65536),
    ("x" * 64 + ".example.org", 1),
    ("", Index(1)),
    ("127.0.0.1", Index(1)),
    ("127.0.0.1", True),
    ("127.0.0.1", 65536),
    ("127.0.0.1", -1),
    ("127.0.0.1", 1 << 40),
    ("127.0.0.1", "1"),
    ("127.0.0.1", None),
    ("127.0.0.1", 1.0),
    (None, 1),
    (1, 1),
    (memoryview(b"127.0.0.1"), 1),
    (),
    ("127.0.0.1",),
    ("127.0.0.1", 1, 0),
    ["127.0.0.1", 1],
    "127.0.0.1:1",
    b"127.0.0.1",
    None,
    1,
    ("::1", 1),
    ("::1", 1, 0),
    ("::1", 1, 0, 0),
    ("::1", 1, 0, 0, 0),
    ("::1", 1, Index(5), Index(0)),
    ("::1", 1, 1 << 20, 0),
    ("::1", 1, -1, 0),
    ("::1", 1, 0, -1),
    ("::1", 1, 0, 1 << 32),
    ("::1", 1, "0", 0),
    ("::1%lo", 1),
    ("::ffff:127.0.0.1", 1),
]
CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "bind": lambda s, address: s.bind(address) or s.getsockname()[0],
    "connect": lambda s, address: s.connect(address),
    "connect_ex": lambda s, address: s.connect_ex(address),
    "sendto": lambda s, address: s.sendto(b"x", address),
    "sendto flags": lambda s, address: s.sendto(b"x", Index(0), address),
    "sendmsg": lambda s, address: s.sendmsg([b"x"], [], 0, address),
}
FUNCTIONS: dict[str, list[tuple[Any, ...]]] = {
    "getaddrinfo": [
        ("127.0.0.1", "http"),
        (b"127.0.0.1", 80),
        (None, 80, 0, socket.SOCK_STREAM),
        (None, None),
        ("127.0.0.1", b"80", 0, 0, socket.IPPROTO_UDP),
        ("127.0.0.1", "no such port"),
        ("127.0.0.1", 80.0),
        (1, 80),
        ("localhost", 80, socket.AF_INET, 0, 0, socket.AI_NUMERICHOST),
        ("127.0.0.1", 80, socket.AF_UNIX),
    ],
    "gethostbyname": [
        ("127.0.0.1",),
        (b"127.0.0.1",),
        (None,),
        (1,),
        (),
        (CUT,),
        (CUT.encode(),),
        (b"\xff\xfe",),
        ("\udcff",),
    ],
    "inet_aton": [("1.2",), ("x",), (b"1.2.3.4",), (None,), (), (CUT,)],
    "inet_ntoa": [(b"1234",), (bytearray(b"1234"),), (memoryview(b"1234"),), ("1234",), (b"1",)],
    "inet_pton": [
        (socket.AF_INET, "1.2.3.4"),
        (socket.AF_INET6, "::1"),
        (socket.AF_INET, "x"),
        (socket.AF_INET, b"1.2.3.4"),
        (999, "1.2.3.4"),
        (socket.AF_INET,),
        (socket.AF_INET, CUT),
        (socket.AF_INET6, f"::ffff:{CUT}"),
    ],
    "inet_ntop": [
        (socket.AF_INET, b"1234"),
        (socket.AF_INET, array.array("I", [1])),
        (socket.AF_INET6, bytes(16)),
        (socket.AF_INET, b"123"),
        (socket.AF_INET, "1234"),
        (socket.AF_UNIX, b"1234"),
        (999, b"1234"),
    ],
    "create_connection": [(NOBODY,), (list(NOBODY),), (None,), (("127.0.0.1",),)],
    "create_server": [(("127.0.0.1", 0),), (("192.0.2.1", 0),)],
    "socket": [
        (),
        (socket.AF_INET6, socket.SOCK_DGRAM),
        (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP),
        (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_UDP),
        (socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK),
        (Index(2), Index(1), Index(0)),
        (socket.AF_UNIX, socket.SOCK_STREAM),
        (socket.AF_NETLINK, socket.SOCK_RAW),
        (9999,),
        (socket.AF_INET, 99),
        ("2",),
        (2.0,),
        (socket.AF_INET, socket.SOCK_STREAM, 0, -1),
        (socket.AF_INET, socket.SOCK_STREAM, 0, 9999),
        (socket.AF_INET, socket.SOCK_STREAM, 0, 1.0),
        (socket.AF_INET, socket.SOCK_STREAM, 0, "1"),
        (socket.AF_INET, socket.SOCK_STREAM, 0, 1 << 40),
    ],
}
QUESTIONS: dict[str, Question] = {
    # what it is
    "about": lambda s, w: (s.family, s.type, s.proto, s.gettimeout(), s.getblocking()),
    "is a socket": lambda s, w: (isinstance(s, socket.socket), isinstance(s, w.module.socket)),
    "inheritable": lambda s, w: (s.get_inheritable(), s.set_inheritable(True), s.get_inheritable()),
    "truth": lambda s, w: bool(s),
    "attribute": lambda s, w: setattr(s, "anything", 1),
    "fileno": lambda s, w: s.fileno() >= 0,
    "getsockname": lambda s, w: s.getsockname(),
    "getpeername": lambda s, w: s.getpeername(),
    "timeouts": lambda s, w: [(s.settimeout(t), s.gettimeout()) for t in (None, 0, 1.5)],
    "settimeout -1": lambda s, w: s.settimeout(-1),
    "settimeout text": lambda s, w: s.settimeout("1"),
    "setblocking": lambda s, w: [(s.setblocking(on), s.gettimeout()) for on in (True, False)],
    # calls that name somebody
    "bind again": lambda s, w: s.bind(("127.0.0.1", 0)),
    "listen": lambda s, w: s.listen(),
    "listen 0": lambda s, w: s.listen(0),
    "listen -1": lambda s, w: s.listen(-1),
    "listen index": lambda s, w: s.listen(Index(3)),
    "listen text": lambda s, w: s.listen("3"),
    "listen float": lambda s, w: s.listen(3.0),
    "listen big": lambda s, w: s.listen(1 << 40),
    "listen 2": lambda s, w: s.listen(1, 2),
    "accept": lambda s, w: s.accept(),
    "accept at once": lambda s, w: (s.setblocking(False), s.accept()),
    "accept 1": lambda s, w: s.accept(1),
    "connect": lambda s, w: s.connect(NOBODY),
    "connect_ex": lambda s, w: s.connect_ex(NOBODY),
    # receiving
    "recv": lambda s, w: s.recv(3),
    "recv 0": lambda s, w: s.recv(0),
    "recv -1": lambda s, w: s.recv(-1),
    "recv index": lambda s, w: s.recv(Index(3)),
    "recv at all": lambda s, w: s.recv(Index(3), Index(0)),
    "recv text": lambda s, w: s.recv("3"),
    "recv peek": lambda s, w: (s.recv(3, socket.MSG_PEEK), s.recv(3)),
    "recv at once": lambda s, w: (s.setblocking(False), s.recv(9)),
    "recv urgent": lambda s, w: (s.setblocking(False), s.recv(1, socket.MSG_OOB)),
    "recv keyword": lambda s, w: s.recv(bufsize=3),
    "recvfrom": lambda s, w: s.recvfrom(3),
    "recvfrom 0": lambda s, w: s.recvfrom(0),
    "recvfrom index": lambda s, w: s.recvfrom(Index(3), Index(0)),
    "recvfrom -1": lambda s, w: s.recvfrom(-1),
    "recvfrom peek": lambda s, w: s.recvfrom(3, socket.MSG_PEEK),
    "recv_into": lambda s, w: filled(3, s.recv_into),
    "recv_into 2": lambda s, w: filled(3, lambda room: s.recv_into(room, 2)),
    "recv_into more": lambda s, w: filled(3, lambda room: s.recv_into(room, 9)),
    "recv_into -1": lambda s, w: filled(3, lambda room: s.recv_into(room, -1)),
    "recv_into keywords": lambda s, w: filled(3, lambda r: s.recv_into(r, nbytes=2, flags=0)),
    "recv_into index": lambda s, w: filled(3, lambda r: s.recv_into(r, Index(2), Index(0))),
    "recv_into nothing": lambda s, w: s.recv_into(bytearray()),
    "recv_into array": lambda s, w: s.recv_into(array.array("H", [0, 0])),
    "recv_into bytes": lambda s, w: s.recv_into(b"123"),
    "recv_into text": lambda s, w: s.recv_into("123"),
    "recvfrom_into": lambda s, w: filled(3, s.recvfrom_into),
    "recvfrom_into 2": lambda s, w: filled(3, lambda room: s.recvfrom_into(room, 2)),
    "recvfrom_into more": lambda s, w: filled(3, lambda room: s.recvfrom_into(room, 9)),
    "recvfrom_into keywords": lambda s, w: filled(3, lambda r: s.recvfrom_into(buffer=r, nbytes=1)),
    "recvmsg": lambda s, w: s.recvmsg(3),
    "recvmsg index": lambda s, w: s.recvmsg(Index(3), Index(0), Index(0)),
    "recvmsg room": lambda s, w: s.recvmsg(9, 100),
    "recvmsg -1": lambda s, w: s.recvmsg(-1),
    "recvmsg ancillary -1": lambda s, w: s.recvmsg(1, -1),
    "recvmsg text": lambda s, w: s.recvmsg("3"),
    "recvmsg_into": lambda s, w: several(s.recvmsg_into),
    "recvmsg_into 1": lambda s, w: s.recvmsg_into(bytearray(3)),
    "recvmsg_into bytes": lambda s, w: s.recvmsg_into([b"123"]),
    "recvmsg_into room": lambda s, w: several(lambda rooms: s.recvmsg_into(rooms, 100, 0)),
    "recv_into truncated": lambda s, w: filled(1, lambda r: s.recv_into(r, 0, socket.MSG_TRUNC)),
    "recvfrom_into truncated": lambda s, w: filled(
        1, lambda room: s.recvfrom_into(room, 0, socket.MSG_TRUNC)
    ),
    "recvmsg_into truncated": lambda s, w: filled(
        1, lambda room: s.recvmsg_into([room], 0, socket.MSG_TRUNC)
    ),
    "recvmsg_into none": lambda s, w: s.recvmsg_into([]),
    "recvmsg_into empty": lambda s, w: several(lambda r: s.recvmsg_into([bytearray(), *r])),
    "recvmsg_into many": lambda s, w: s.recvmsg_into([bytearray(1)] * 2000),
    "recvmsg_into most": lambda s, w: s.recvmsg_into([bytearray(1)] * 1024),
    # sending
    "send": lambda s, w: s.send(b"123"),
    "send flags": lambda s, w: s.send(b"123", socket.MSG_DONTWAIT),
    "send bytearray": lambda s, w: s.send(bytearray(b"123")),
    "send view": lambda s, w: s.send(memoryview(b"123456")[::1][:3]),
    "send strided": lambda s, w: s.send(memoryview(b"123456")[::2]),
    "send array": lambda s, w: s.send(array.array("H", [1, 2])),
    "send index": lambda s, w: s.send(b"123", Index(0)),
    "send text": lambda s, w: s.send("123"),
    "send None": lambda s, w: s.send(None),
    "send number": lambda s, w: s.send(3),
    "sendall": lambda s, w: s.sendall(b"123"),
    "sendall text": lambda s, w: s.sendall("123"),
    "sendto nobody": lambda s, w: s.sendto(b"123"),
    "sendto None": lambda s, w: s.sendto(b"123", None),
    "sendto text": lambda s, w: s.sendto("123", NOBODY),
    "sendto text address": lambda s, w: s.sendto(b"123", "127.0.0.1:1"),
    "sendto 4": lambda s, w: s.sendto(b"123", 0, NOBODY, 1),
    "sendto flags text": lambda s, w: s.sendto(b"123", "0", NOBODY),
    "sendmsg": lambda s, w: s.sendmsg([b"12", bytearray(b"3")]),
    "sendmsg iterator": lambda s, w: s.sendmsg(iter([b"12", b"3"])),
    "sendmsg index": lambda s, w: s.sendmsg([b"12"], [], Index(0)),
    "sendmsg bytes": lambda s, w: s.sendmsg(b"123"),
    "sendmsg None": lambda s, w: s.sendmsg(None),
    "sendmsg ancillary text": lambda s, w: s.sendmsg([b"1"], "text"),
    "sendmsg ancillary pair": lambda s, w: s.sendmsg([b"1"], [(1, 2)]),
    "sendmsg address text": lambda s, w: s.sendmsg([b"1"], [], 0, "127.0.0.1:1"),
    "sendmsg none": lambda s, w: s.sendmsg([]),
    "sendmsg empty": lambda s, w: s.sendmsg([b"", b"12", b""]),
    "sendmsg many": lambda s, w: s.sendmsg([b"x"] * 2000),
    "sendmsg most": lambda s, w: s.sendmsg([b"x"] * 1024),
    "sendmsg array": lambda s, w: s.sendmsg([array.array("H", [1, 2])]),
    "sendmsg strided": lambda s, w: s.sendmsg([memoryview(b"123456")[::2]]),
    "sendfile": lambda s, w: sent_file(s),
    "sendfile text": lambda s, w: s.sendfile(io.StringIO("text")),
    # options
    "getsockopt": lambda s, w: s.getsockopt(LEVEL, socket.SO_TYPE),
    "getsockopt 0": lambda s, w: s.getsockopt(LEVEL, socket.SO_TYPE, 0),
    "getsockopt bytes": lambda s, w: s.getsockopt(LEVEL, LINGER, 8),
    "getsockopt index": lambda s, w: s.getsockopt(Index(LEVEL), Index(LINGER), Index(8)),
    "getsockopt fewer": lambda s, w: s.getsockopt(LEVEL, LINGER, 4),
    "getsockopt -1": lambda s, w: s.getsockopt(LEVEL, LINGER, -1),
    "getsockopt 1025": lambda s, w: s.getsockopt(LEVEL, LINGER, 1025),
    "getsockopt text": lambda s, w: s.getsockopt(LEVEL, "2"),
    "getsockopt unknown": lambda s, w: s.getsockopt(LEVEL, 9999),
    "SO_ERROR": lambda s, w: s.getsockopt(LEVEL, socket.SO_ERROR),
    "SO_DOMAIN": lambda s, w: s.getsockopt(LEVEL, socket.SO_DOMAIN),
    "SO_PROTOCOL": lambda s, w: s.getsockopt(LEVEL, socket.SO_PROTOCOL),
    "SO_ACCEPTCONN": lambda s, w: s.getsockopt(LEVEL, socket.SO_ACCEPTCONN),
    "setsockopt": lambda s, w: (s.setsockopt(LEVEL, REUSE, 1), s.getsockopt(LEVEL, REUSE)),
    "setsockopt index": lambda s, w: (
        s.setsockopt(LEVEL, socket.SO_RCVBUF, Index(65536)),
        s.getsockopt(LEVEL, socket.SO_RCVBUF),
    ),
    "setsockopt bytes": lambda s, w: (
        s.setsockopt(LEVEL, LINGER, struct.pack("ii", 1, 2)),
        s.getsockopt(LEVEL, LINGER, 8),
    ),
    "setsockopt array": lambda s, w: s.setsockopt(LEVEL, LINGER, array.array("i", [1, 2])),
    "setsockopt None": lambda s, w: s.setsockopt(LEVEL, socket.SO_ATTACH_FILTER, None, 0),
    "setsockopt None alone": lambda s, w: s.setsockopt(LEVEL, LINGER, None),
    "setsockopt None below": lambda s, w: s.setsockopt(LEVEL, REUSE, None, -4),
    "setsockopt None beyond": lambda s, w: s.setsockopt(LEVEL, REUSE, None, (1 << 32) + 4),
    "setsockopt None 4": lambda s, w: s.setsockopt(LEVEL, socket.SO_RCVBUF, None, 4),
    "setsockopt None 3": lambda s, w: s.setsockopt(LEVEL, socket.SO_RCVBUF, None, 3),
    "setsockopt None -4": lambda s, w: s.setsockopt(LEVEL, socket.SO_RCVBUF, None, -4),
    "setsockopt text": lambda s, w: s.setsockopt(LEVEL, REUSE, "1"),
    "setsockopt float": lambda s, w: s.setsockopt(LEVEL, REUSE, 1.0),
    "setsockopt big": lambda s, w: s.setsockopt(LEVEL, REUSE, 1 << 31),
    "setsockopt short": lambda s, w: s.setsockopt(LEVEL, LINGER, b"1"),
    "setsockopt unknown": lambda s, w: s.setsockopt(LEVEL, 9999, 1),
    "setsockopt 2": lambda s, w: s.setsockopt(LEVEL, REUSE),
    "setsockopt level text": lambda s, w: s.setsockopt("1", REUSE, 1),
    # the end, and second objects
    "shutdown": lambda s, w: s.shutdown(socket.SHUT_RDWR),
    "shutdown 9": lambda s, w: s.shutdown(9),
    "shutdown text": lambda s, w: s.shutdown("1"),
    "shutdown index": lambda s, w: s.shutdown(Index(socket.SHUT_WR)),
    "close twice": lambda s, w: (s.close(), s.close(), s.fileno()),
    "detach": lambda s, w: (os.close(s.detach()), s.fileno()),
    "with": lambda s, w: (s.__enter__() is s, s.__exit__(None, None, None), s.fileno()),
    "dup": lambda s, w: s.dup(),
    "makefile": lambda s, w: (s.makefile("rwb", 0).writable(), s.close(), s.fileno() >= 0),
    "makefile mode": lambda s, w: s.makefile("x"),
    "again": lambda s, w: wrapped_again(s, w),
    "again named": lambda s, w: w.keep(wrapped_again(s, w, s.family, s.type)).getsockname(),
    "fromfd": lambda s, w: refound(s, w).getsockname(),
    "fromfd peer": lambda s, w: refound(s, w).getpeername(),
    "copy": lambda s, w: copy.copy(s),
    "pickle": lambda s, w: pickle.dumps(s),
    "multiprocessing": lambda s, w: passed_on(s),
    "fileno -1": lambda s, w: w.module.socket(fileno=-1),
    "fileno closed": lambda s, w: w.module.socket(socket.AF_INET, s.type, 0, 9999),
    "fileno float": lambda s, w: w.module.socket(fileno=1.0),
}


def answer(world: World, question: Callable[[World], Any]) -> Any:
    """What comes of it: a value, or an exception by its built-in class, errno and arguments."""
    with world.stack:
        try:
            return shape(question(world))
        except Exception as error:
            about: Any = getattr(error, "errno", None)
            kinds = type(error).__mro__
            kind = next(one for one in kinds if one.__module__ in ("builtins", "socket", "io"))
            text = "" if _ARITY.search(str(error)) else str(error)
            return kind.__name__, about, text


def differences(
    states: dict[str, Callable[[World], Any]], one: Callable[[], World], other: Callable[[], World]
) -> Iterator[str]:
    """STATE/QUESTION and both answers, where they differ.

    Texts are left out on a service: they say what is the matter with it.
    """
    for name, state in states.items():
        for about, question in QUESTIONS.items():

            def ask(world: World, state: Any = state, question: Any = question) -> Any:
                return question(state(world), world)

            here, there = answer(one(), ask), answer(other(), ask)
            if other().host == NAME and isinstance(here, tuple) and isinstance(there, tuple):
                here, there = here[:2], there[:2]
            if here != there:
                yield f"{name}/{about}: {here} {there}"


def main() -> None:
    """Sockets of a service against plain ones."""
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        for states in (STREAMS, DATAGRAMS):
            plain = partial(World, socket, host, family)
            for line in differences(states, plain, partial(World, inet, NAME, family)):
                print(line)


if __name__ == "__main__":
    main()
