"""The traffic program: a server and a client of it, on any stack."""

import json
import select
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .. import paths
from ..errors import ServiceError
from ..lab import Host, Lab
from .cases import Answer

SERVICE = "bench.lab.scaffold"
PORT = 5301
_PATIENCE_S = 60.0
"""Beyond its own time, for a client that waits for flows which do not come, or do not go on."""
_KERNEL = ("tcp", "udp")
_EIO = 5


@dataclass(frozen=True)
class Target:
    """Where a traffic server is reached: on plain IP by its address, or as a service."""

    stack: str
    address: str
    port: int
    pid: int = 0
    """Of the server; 0 where nobody asks."""

    @property
    def shim(self) -> bool:
        """Whether its clients are under the shim."""
        return self.stack not in _KERNEL


AS_SERVICE = Target("user", SERVICE, PORT)


@contextmanager
def servers(lab: Lab, host: str = "b") -> Iterator[dict[str, Target]]:
    """The same server twice on a host, by stack: on plain TCP, and as SERVICE under the shim."""
    plain, target = plain_server(lab[host])
    user, as_service = service_server(lab, host)
    yield {"tcp": target, "user": as_service}
    for process in (plain, user):
        if process.poll() is not None:
            raise ServiceError(_EIO, "the traffic server ended during the measurement")


def plain_server(
    host: Host, address: str | None = None, datagrams: bool = False
) -> tuple[subprocess.Popen[Any], Target]:
    """A traffic server on plain IP, at a port that nobody else on the machine has."""
    at = address or host.address
    process, port = ready(host, [*server_command(datagrams), at, 0], shim=False)
    return process, Target("udp" if datagrams else "tcp", at, port, process.pid)


def service_server(
    lab: Lab, host: str, stack: str = "user", datagrams: bool = False
) -> tuple[subprocess.Popen[Any], Target]:
    """A traffic server of SERVICE, which the router of the lab knows."""
    command = [*server_command(datagrams), "0.0.0.0", PORT]
    process, _ = ready(lab[host], command, service=SERVICE)
    protocol = "/udp" if datagrams else ""
    lab.await_service(f"{SERVICE}:{PORT}{protocol}", process=process)
    return process, Target(stack, SERVICE, PORT, process.pid)


def server_command(datagrams: bool = False) -> list[Any]:
    """What an address and a port are added to."""
    return [_program(), "echo" if datagrams else "server"]


def _client(target: Target, mode: str, seconds: str, words: Sequence[int]) -> list[str]:
    address = [target.address, str(target.port)]
    return [_program(), mode, *address, seconds, *(str(word) for word in words)]


def _program() -> str:
    return str(paths.part(paths.BENCH_PEER))


def ready(host: Host, command: Sequence[Any], **options: Any) -> tuple[subprocess.Popen[Any], int]:
    """A traffic server that serves, and its port."""
    process = host.popen(command, stdout=subprocess.PIPE, bufsize=0, **options)
    word, _, port = _line(process).partition(b" ")
    if word != b"ready":
        raise ServiceError(_EIO, "the traffic server did not start")
    return process, int(port)


def _line(process: subprocess.Popen[Any], patience_s: float = _PATIENCE_S) -> bytes:
    """The next line of its output, which is not buffered here; empty at its end, and when there has
    been none for so long."""
    assert process.stdout is not None
    is_there, _, _ = select.select([process.stdout], [], [], patience_s)
    return bytes(process.stdout.readline()) if is_there else b""


class Client:
    """A client that measures whenever it is told to, between its flows' opening and their end."""

    def __init__(self, host: Host, target: Target, mode: str, words: Sequence[int] = ()):
        self._host = host
        self._what = f"{target.stack} {mode}"
        command = _client(target, mode, "turns", words)
        pipe = subprocess.PIPE
        self._process = host.popen(
            command, shim=target.shim, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0
        )
        self.renew()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def measure(self, seconds: float) -> Answer:
        """One run; its flows are open already. `renew` comes before the next one."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"%f\n" % seconds)
        answer: Answer = json.loads(self._line(seconds))
        return answer

    def renew(self) -> None:
        """Wait until the last run's flows are closed, and new ones open."""
        if self._line() != b"ready\n":
            raise ServiceError(_EIO, f"{self._what}: not ready")

    def close(self) -> None:
        """End it."""
        self._host.end(self._process)

    def _line(self, seconds: float = 0.0) -> bytes:
        line = _line(self._process, seconds + _PATIENCE_S)
        if line:
            return line
        self._process.kill()
        raise ServiceError(_EIO, f"{self._what}: {self._why()}")

    def _why(self) -> str:
        """What it has said; nothing, when it had to be killed."""
        assert self._process.stderr is not None
        said = self._process.stderr.read().decode().strip()
        return said or f"the traffic program has ended, or not gone on for {_PATIENCE_S:g} s"


@contextmanager
def holding(host: Host, target: Target, flows: int) -> Iterator[int]:
    """So many flows that do nothing, for as long as the block lasts; the pid of who has them."""
    pipe = subprocess.PIPE
    command = [_program(), "hold", target.address, str(target.port), str(flows)]
    process = host.popen(command, shim=target.shim, stdin=pipe, stdout=pipe, bufsize=0)
    if _line(process) != b"ready\n":
        raise ServiceError(_EIO, f"{target.stack}: {flows} flows cannot be held")
    try:
        yield process.pid
    finally:
        host.end(process)


def traffic(
    client: Host, target: Target, mode: str, seconds: float, *words: int, **options: Any
) -> Answer:
    """One run of a new client, its beginning and end included."""
    command = _client(target, mode, str(seconds), words)
    done = client.run(command, shim=target.shim, timeout=seconds + _PATIENCE_S, **options)
    if done.returncode != 0:
        trouble = done.stderr.strip() or done.returncode
        raise ServiceError(_EIO, f"{target.stack} {mode}: {trouble}")
    answer: Answer = json.loads(done.stdout)
    return answer
