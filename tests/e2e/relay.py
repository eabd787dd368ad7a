"""A link that reorders and duplicates: TUN devices in two namespaces, and a relay between them."""

import fcntl
import heapq
import os
import random
import select
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from scaffold import namespaces
from scaffold.lab import Lab

_TUNSETIFF = 0x400454CA
_IFF_TUN_NO_PI = 0x1001
_LATE_S = 0.004


@dataclass
class Harm:
    """How many of 1,000 packets: a late one is overtaken by 4 ms of others."""

    drop: int = 0
    late: int = 0
    double: int = 0


def open_tun(namespace: str) -> int:
    def work() -> int:
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        request = struct.pack("16sH", namespaces.INTERFACE.encode(), _IFF_TUN_NO_PI)
        fcntl.ioctl(fd, _TUNSETIFF, request + bytes(22))
        return fd

    return namespaces.enter(namespace, work)


class Relay:
    """Carries packets both ways until it is told to stop; one thread."""

    def __init__(self, fds: tuple[int, int], harm: Harm, seed: int) -> None:
        self._other = {fds[0]: fds[1], fds[1]: fds[0]}
        self._harm = harm
        self._random = random.Random(seed)
        self._late: list[tuple[float, int, int, bytes]] = []
        self._stop = threading.Event()
        self.counts = {"passed": 0, "dropped": 0, "late": 0, "doubled": 0}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        poll = select.poll()
        for fd in self._other:
            poll.register(fd, select.POLLIN)
        while not self._stop.is_set():
            for fd, _ in poll.poll(1 if self._late else 50):
                self._drain(fd)
            while self._late and self._late[0][0] <= time.monotonic():
                self._send(*heapq.heappop(self._late)[2:])

    def _drain(self, fd: int) -> None:
        for _ in range(64):
            try:
                packet = os.read(fd, 65536)
            except BlockingIOError:
                return
            self._relay(self._other[fd], packet)

    def _relay(self, to: int, packet: bytes) -> None:
        dice = self._random.randrange(1000)
        harm = self._harm
        if dice < harm.drop:
            self.counts["dropped"] += 1
        elif dice < harm.drop + harm.late:
            self.counts["late"] += 1
            entry = (time.monotonic() + _LATE_S, self.counts["late"], to, packet)
            heapq.heappush(self._late, entry)
        else:
            self._send(to, packet)
            if dice < harm.drop + harm.late + harm.double:
                self.counts["doubled"] += 1
                self._send(to, packet)

    def _send(self, to: int, packet: bytes) -> None:
        self.counts["passed"] += 1
        try:
            os.write(to, packet)
        except BlockingIOError:
            self.counts["dropped"] += 1


@contextmanager
def harmed_lab(harm: Harm, seed: int) -> Iterator[tuple[Lab, Relay]]:
    """Hosts a and b (b is the router), their scaffoldds answering, on such a link."""
    with Lab(["a", "b"], router="b", kind="namespaces", link=False) as lab:
        names = [host.namespace or "" for host in lab.hosts.values()]
        fds = [open_tun(name) for name in names]
        relay = None
        try:
            for host, name in zip(lab.hosts.values(), names, strict=True):
                namespaces.configure(name, host.address, 1500)
            relay = Relay((fds[0], fds[1]), harm, seed)
            lab.start()
            yield lab, relay
        finally:
            if relay is not None:
                relay.stop()
            for fd in fds:
                os.close(fd)
