"""The control protocol and the words of datagrams, written byte by byte as local/ctl.h and
local/datagram.h have them: for tests of scaffoldd that do without libscaffold."""

import array
import contextlib
import fcntl
import os
import socket
import struct
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from scaffold.lab import Host

MAGIC, VERSION = 0x53434631, 5
HELLO, RESOLVE, PREPARE, BIND, LISTEN, FLOW_SET = 1, 2, 4, 6, 7, 10
FLOW_GET, STATUS, STOP = 11, 12, 13
INFO, RECVERR = 5, 6
REQUEST, REPLY = 336, 656
DATA, CONNECT, DISCONNECT, ERROR, MORE, PUSH, DROP = 1, 2, 3, 4, 5, 6, 7
HEAD = struct.Struct("=BBBBi16sH16sH8x")
Address = tuple[str, int]
NOBODY: Address = ("::", 0)


def call(host: Host) -> socket.socket:
    """A connection for one request."""
    control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    control.settimeout(10)
    control.connect(str(host.runtime_dir / "ctl"))
    return control


def request(op: int, body: bytes = b"") -> bytes:
    return (struct.pack("=IHHQ", MAGIC, VERSION, op, 0) + body).ljust(REQUEST, b"\0")


def send(control: socket.socket, op: int, body: bytes, *fds: int) -> None:
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    control.sendmsg([request(op, body)], rights)


@dataclass
class Reply:
    error: int
    serial: int
    address: Address
    connected: bool
    tx_bytes: int
    rx_bytes: int


def receive_with(control: socket.socket) -> tuple[Reply, list[int]]:
    """The reply, and the descriptors that came with it."""
    reply, fds, _, _ = socket.recv_fds(control, REPLY, 4)
    assert len(reply) == REPLY
    error, _, serial = struct.unpack_from("=iIQ", reply, 8)
    address = struct.unpack_from("=16sH", reply, 24)
    tx, rx = struct.unpack_from("=QQ", reply, 376)
    return Reply(error, serial, unpack(*address), reply[93] != 0, tx, rx), fds


def receive(control: socket.socket) -> Reply:
    """The reply alone."""
    reply, fds = receive_with(control)
    for fd in fds:
        os.close(fd)
    return reply


def receive_socket(control: socket.socket) -> tuple[Reply, socket.socket]:
    """The socket that comes with a reply. Raises OSError when scaffoldd gives none."""
    reply, fds = receive_with(control)
    if reply.error:
        raise OSError(reply.error, "refused by scaffoldd")
    (fd,) = fds
    one = socket.socket(fileno=fd)
    one.settimeout(10)
    return reply, one


def ask_for_flow(
    control: socket.socket, target: Address, *fds: int, port: int = 0, waits: bool = True
) -> None:
    """PREPARE of a stream. `waits`: the outcome of the opening is wanted."""
    body = struct.pack("=BBHBx16sH", 0, ord("4"), port, 0, *pack(target))
    send(control, PREPARE, body.ljust(59, b"\0") + bytes([waits]), *fds)


def outcome(control: socket.socket, reply: Reply) -> int:
    """The errno of an opening, of which this came first; 0: the flow is open."""
    return 0 if reply.connected else receive(control).error


def receive_flow(control: socket.socket) -> socket.socket:
    """The socket of a flow that is open. Raises OSError when there is none."""
    reply, flow = receive_socket(control)
    if error := outcome(control, reply):
        flow.close()
        raise OSError(error, "not opened")
    return flow


def connect(control: socket.socket, target: Address, *fds: int) -> socket.socket:
    """As receive_flow, of a flow to this target."""
    ask_for_flow(control, target, *fds)
    return receive_flow(control)


def resolve6(host: Host, service: str) -> str:
    """The service's IPv6 address."""
    with call(host) as control:
        send(control, RESOLVE, service.encode())
        reply = control.recv(REPLY)
        return unpack(*struct.unpack_from("=16sH", reply, 42))[0]


def pack(address: Address) -> tuple[bytes, int]:
    """The IP address as 16 bytes, and the port."""
    ip, port = address
    if ":" in ip:
        return socket.inet_pton(socket.AF_INET6, ip), port
    return bytes(10) + b"\xff\xff" + socket.inet_aton(ip), port


def unpack(ip: bytes, port: int) -> Address:
    if ip.startswith(bytes(10) + b"\xff\xff"):
        return socket.inet_ntoa(ip[12:]), port
    return socket.inet_ntop(socket.AF_INET6, ip), port


@dataclass
class Datagram:
    data: bytes
    peer: Address
    own: Address = NOBODY
    kind: int = DATA
    error: int = 0
    ttl: int = 0
    tos: int = 0


class Endpoint:
    """A program's datagram socket. Raises OSError when scaffoldd does not want it."""

    def __init__(self, host: Host, op: int, body: bytes):
        self.host = host
        with call(host) as control:
            send(control, op, body)
            reply, self.socket = receive_socket(control)
        self.own, self.serial = reply.address, reply.serial
        self.hear_errors(True)

    @property
    def name(self) -> bytes:
        """In the abstract namespace, less the zero in front."""
        name: bytes = self.socket.getsockname()
        return name[1:]

    def hear_errors(self, on: bool) -> None:
        """Of datagrams, also while it is not connected."""
        with call(self.host) as control:
            send(
                control,
                FLOW_SET,
                self.name.ljust(216, b"\0") + struct.pack("=II", RECVERR, on),
            )
            assert receive(control).error == 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.socket.close()

    def packet(
        self,
        kind: int,
        data: bytes,
        peer: Address,
        own: Address | None = None,
        ttl: int = 0,
        tos: int = 0,
        segment: int = 0,
    ) -> None:
        ends = *pack(peer), *pack(own or NOBODY)
        self.socket.send(HEAD.pack(kind, ttl, tos, own is not None, segment, *ends) + data)

    def send(
        self,
        data: bytes,
        peer: Address = NOBODY,
        own: Address | None = None,
        ttl: int = 0,
        tos: int = 0,
    ) -> None:
        self.packet(DATA, data, peer, own, ttl, tos)

    def connect(self, peer: Address) -> None:
        self.packet(CONNECT, b"", peer)

    def settle(self) -> None:
        """Until scaffoldd has taken all that was sent: what others send then is served later."""
        end = time.monotonic() + 10
        while fcntl.ioctl(self.socket, termios.TIOCOUTQ, bytes(4)) != bytes(4):
            assert time.monotonic() < end, "scaffoldd does not read"
            time.sleep(0.001)  # nothing tells a sender that its packet was taken

    def disconnect(self) -> None:
        self.packet(DISCONNECT, b"", NOBODY)

    def next(self) -> Datagram:
        packet = self.socket.recv(70000)
        kind, ttl, tos, _, error, ip, port, own_ip, own_port = HEAD.unpack_from(packet)
        return Datagram(
            packet[HEAD.size :], unpack(ip, port), unpack(own_ip, own_port), kind, error, ttl, tos
        )

    def next_error(self) -> tuple[int, Address]:
        answer = self.next()
        assert answer.kind == ERROR, answer
        return answer.error, answer.peer

    def is_quiet(self) -> bool:
        """Nothing more comes: all that could was sent before this was asked."""
        self.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            return not self.socket.recv(70000, socket.MSG_PEEK)
        self.socket.settimeout(10)
        return True


def client(
    host: Host, target: Address = ("127.0.0.1", 1), port: int = 0, family: str = "4"
) -> Endpoint:
    """As a socket that sends before it was bound."""
    body = struct.pack("=BBHBx16sH", 0, ord(family), port, 1, *pack(target))
    return Endpoint(host, PREPARE, body)


def server(
    host: Host,
    address: Address,
    service: str = "",
    *,
    wildcard: bool = False,
    reuseaddr: bool = False,
    reuseport: bool = False,
    family: str = "4",
    rcvbuf: int = 0,
) -> Endpoint:
    """As a socket that was bound."""
    body = struct.pack(
        "=256s16sHBBBBBB36xI",
        service.encode(),
        *pack(address),
        0,
        ord(family),
        wildcard,
        reuseport,
        1,
        reuseaddr,
        rcvbuf,
    )
    return Endpoint(host, BIND, body)


@contextlib.contextmanager
def pair(host: Host) -> Iterator[tuple[Endpoint, Endpoint]]:
    """A loopback server and a client of it."""
    with server(host, ("127.0.0.1", 0)) as one, client(host, one.own) as other:
        yield one, other
