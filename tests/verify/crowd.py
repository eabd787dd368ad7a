"""A crowd of hosts that are nothing but their packets: they join a router, register instances and
renew their leases, all from one socket (docs/protocol.md, CONTROL)."""

import hashlib
import multiprocessing
import os
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

JOIN, JOINED, REGISTER, REGISTERED, REFRESH, REFRESHED = 1, 2, 3, 5, 6, 7
REQUEST_LEN = 512
EPOCH = 0x5CAFF01D
BATCH = 64
"""Requests under way: fewer than a socket buffer holds."""
REFRESH_S = 1.5
"""Every lease is renewed this often; it lasts for 4 s."""


def service(label: str, port: int = 80) -> bytes:
    """The ServiceID of label.crowd.scaffold:port/tcp."""
    provider = hashlib.sha256(b"scaffold alias:crowd").digest()[:16]
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
    made.bind(("127.0.0.1", 0))
    made.settimeout(0.5)
    return made


def _exchange(
    sender: socket.socket, router: tuple[str, int], requests: list[bytes], message: int
) -> Iterator[bytes]:
    """Sends, and gives as many answers of this kind, or those that come within half a second."""
    for request in requests:
        sender.sendto(request, router)
    left = len(requests)
    while left:
        try:
            packet = sender.recv(2048)
        except TimeoutError:
            return
        if packet[22] == message:
            yield packet
            left -= 1


def _renew(router: tuple[str, int], renewals: list[bytes]) -> None:
    """Again and again. The router renews a lease whatever the REFRESH says of registrations."""
    if os.geteuid() == 0:  # late is too late: before anything else that runs on the machine
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(5))
    with _socket() as own:
        while True:
            time.sleep(REFRESH_S)
            for at in range(0, len(renewals), BATCH):
                for _ in _exchange(own, router, renewals[at : at + BATCH], REFRESHED):
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
        self._join()  # whose names the router writes down first: longer than a lease
        self._addresses = self._join()
        renewals = [_refresh(i, a, 0) for i, a in enumerate(self._addresses)]
        self._process = multiprocessing.get_context("fork").Process(
            target=_renew, args=(self._router, renewals), daemon=True
        )
        self._process.start()
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

    def _join(self) -> list[int]:
        names = [f"crowd-{i}".encode() for i in range(self.size)]
        bodies = [bytes([len(name)]) + name + struct.pack(">Q", EPOCH) for name in names]
        requests = {i: _request(JOIN, i, 0, body) for i, body in enumerate(bodies)}
        answers = self._ask(requests, JOINED)
        return [struct.unpack_from(">Q", answers[i], 31)[0] for i in range(self.size)]

    def _ask(self, requests: dict[int, bytes], message: int) -> dict[int, bytes]:
        """The answer to each request; repeats those that draw none."""
        answers: dict[int, bytes] = {}
        while missing := [i for i in requests if i not in answers]:
            for at in range(0, len(missing), BATCH):
                batch = [requests[i] for i in missing[at : at + BATCH]]
                for packet in _exchange(self._socket, self._router, batch, message):
                    answers[struct.unpack_from(">Q", packet, 14)[0]] = packet
        return answers
