"""A crowd of hosts that are nothing but their packets: they join a router, register instances and
renew their leases, all from one socket, each with an address of its own: what a router does for
one address has a rate (docs/protocol.md, CONTROL)."""

import hashlib
import multiprocessing
import os
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

JOIN, JOINED, REGISTER, REGISTERED, REFRESH, REFRESHED = 1, 2, 3, 5, 6, 7
REQUEST_LEN = 512
EPOCH = 0x5CAFF01D
BATCH = 64
"""Requests under way: fewer than a socket buffer holds."""
SLICE = 1024
"""Hosts that join before the next: new names have a rate, and leases end meanwhile."""
IP_PKTINFO = 8
REFRESH_S = 1.5
"""Every lease is renewed this often; it lasts for 4 s."""


def service(label: str, port: int = 80) -> bytes:
    """The ServiceID of this label at this port, of a provider whom no alias stands for."""
    provider = hashlib.sha256(b"crowd").digest()[:16]
    name = hashlib.sha256(label.encode()).digest()[:8]
    return provider + name + bytes(4) + struct.pack(">HBB", port, socket.IPPROTO_TCP, 1)


def _request(message: int, transaction: int, source: int, body: bytes) -> bytes:
    header = struct.pack(">BBQIQ", 1 << 5 | 8, 16, 0, 0, transaction)
    return (header + struct.pack(">BQ", message, source) + body).ljust(REQUEST_LEN, b"\0")


def _register(number: int, address: int, services: list[bytes]) -> bytes:
    head = struct.pack(">QIBB", EPOCH, 1, 0, len(services))
    return _request(REGISTER, number, address, head + b"".join(services))


def _refresh(number: int, address: int, count: int) -> bytes:
    return _request(REFRESH, number, address, struct.pack(">QIQ", EPOCH, count, 0))


def _socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("0.0.0.0", 0))
    made.settimeout(0.5)
    return made


def _send(sender: socket.socket, router: tuple[str, int], number: int, request: bytes) -> None:
    """As the host of this number."""
    own = bytes([127, 83, number >> 8, number & 255])
    info = struct.pack("I4s4s", 0, own, own)
    sender.sendmsg([request], [(socket.IPPROTO_IP, IP_PKTINFO, info)], 0, router)


def _exchange(
    sender: socket.socket, router: tuple[str, int], requests: dict[int, bytes], message: int
) -> Iterator[bytes]:
    """Sends, and gives as many answers of this kind, or those that come within half a second."""
    for number, request in requests.items():
        _send(sender, router, number, request)
    left = len(requests)
    while left:
        try:
            packet = sender.recv(2048)
        except TimeoutError:
            return
        if packet[22] == message:
            yield packet
            left -= 1


def _batches(requests: dict[int, bytes]) -> Iterator[dict[int, bytes]]:
    numbers = list(requests)
    for at in range(0, len(numbers), BATCH):
        yield {i: requests[i] for i in numbers[at : at + BATCH]}


def _renew(router: tuple[str, int], more: Connection) -> None:
    """Again and again. The router renews a lease whatever the REFRESH says of registrations."""
    if os.geteuid() == 0:  # late is too late: before anything else that runs on the machine
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(5))
    renewals: dict[int, bytes] = {}
    with _socket() as own:
        own.settimeout(0.02)  # one that is lost has its turn again; the others must not wait for it
        while True:
            due = time.monotonic() + REFRESH_S
            while more.poll(max(0.0, due - time.monotonic())):
                renewals |= more.recv()
            for batch in _batches(renewals):
                for _ in _exchange(own, router, batch, REFRESHED):
                    pass


class Crowd:
    """`size` hosts at the router on this UDP port of 127.0.0.1; a context manager."""

    def __init__(self, port: int, size: int) -> None:
        self.size = size
        self._router = ("127.0.0.1", port)
        self._socket = _socket()
        self._addresses: list[int] = []
        self._process: multiprocessing.process.BaseProcess | None = None

    def __enter__(self) -> Self:
        theirs, self._renewals = multiprocessing.Pipe(duplex=False)
        self._process = multiprocessing.get_context("fork").Process(
            target=_renew, args=(self._router, theirs), daemon=True
        )
        self._process.start()
        for first in range(0, self.size, SLICE):
            self._join(range(first, min(first + SLICE, self.size)))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self._process:
            self._process.kill()
            self._process.join()
        self._socket.close()

    def register(self, services: Iterable[list[bytes]]) -> int:
        """Each host's; returns how many instances that makes. Repeats what is not confirmed."""
        wanted = list(services)
        requests = {
            i: _register(i, self._addresses[i], mine) for i, mine in enumerate(wanted) if mine
        }
        self._ask(requests, REGISTERED)
        return sum(map(len, wanted))

    def _join(self, numbers: range) -> None:
        requests = {}
        for i in numbers:
            name = f"crowd-{i}".encode()
            body = bytes([len(name)]) + name + struct.pack(">Q", EPOCH)
            requests[i] = _request(JOIN, i, 0, body)
        answers = self._ask(requests, JOINED)
        own = {i: struct.unpack_from(">Q", answers[i], 31)[0] for i in numbers}
        self._addresses += own.values()
        self._renewals.send({i: _refresh(i, address, 0) for i, address in own.items()})

    def _ask(self, requests: dict[int, bytes], message: int) -> dict[int, bytes]:
        """The answer to each request; repeats those that draw none."""
        answers: dict[int, bytes] = {}
        while missing := [i for i in requests if i not in answers]:
            for batch in _batches({i: requests[i] for i in missing}):
                for packet in _exchange(self._socket, self._router, batch, message):
                    answers[struct.unpack_from(">Q", packet, 14)[0]] = packet
        return answers
