"""A long path between two hosts (long_path.c), bulk flows over it, and what the simulator says."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from e2e.relay import open_tun
from scaffold import namespaces
from scaffold.lab import Lab

BUILD = Path(__file__).parents[2] / "build/dev"
SERVICE, PORT = "long.lab.scaffold", 5301
SLACK = 30_000
"""Bytes of queue beyond a bandwidth-delay product, as the simulator's paths have."""

# How many bytes came in the first so many seconds of a connection.
_READER = """
import socket, sys, time
seconds, port = float(sys.argv[1]), int(sys.argv[2])
listener = socket.create_server(("0.0.0.0", port))
print("ready", flush=True)
flow, _ = listener.accept()
end, got, room = time.monotonic() + seconds, 0, bytearray(1 << 20)
while (left := end - time.monotonic()) > 0:
    flow.settimeout(left)
    try:
        got += flow.recv_into(room)
    except TimeoutError:
        break
print(got, flush=True)
"""
_WRITER = """
import socket, sys
host, port, control = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()
flow = socket.socket()
flow.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, control)
flow.connect((host, port))
assert flow.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\\0") == control
try:
    while True:
        flow.sendall(bytes(1 << 18))
except OSError:
    pass
"""


@dataclass(frozen=True)
class LongPath:
    """With a queue of one bandwidth-delay product; both ways alike."""

    loss: float
    mbit: int = 100
    rtt_ms: int = 50

    def relay(self, fds: list[int], seed: int) -> list[str]:
        """The command of its relay."""
        rate, delay_us = self.mbit * 1_000_000, self.rtt_ms * 500
        queue = rate // 8 * self.rtt_ms // 1000 + SLACK
        numbers = [*fds, delay_us, rate, queue, round(self.loss * 1e6), seed]
        return [str(BUILD / "long_path"), *map(str, numbers)]

    def predicted(self, control: str, seconds: float, seed: int) -> float:
        """Mbit/s, by the simulator."""
        numbers = [self.mbit, self.rtt_ms, 1, self.loss, seconds, seed]
        command = [str(BUILD / "predict"), control, *map(str, numbers)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return float(done.stdout.split("predicts")[1])


def undisturbed(process: "subprocess.Popen[object]") -> None:
    """What else runs on the machine must not count as the path's."""
    os.sched_setscheduler(process.pid, os.SCHED_FIFO, os.sched_param(10))


@contextmanager
def long_lab(path: LongPath, seed: int) -> Iterator[Lab]:
    """Hosts a and b (b is the router), their scaffoldds answering, on such a path."""
    with Lab(["a", "b"], router="b", kind="namespaces", link=False) as lab:
        names = [host.namespace or "" for host in lab.hosts.values()]
        fds = [open_tun(name) for name in names]
        relay = subprocess.Popen(
            path.relay(fds, seed),
            pass_fds=fds,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        undisturbed(relay)
        try:
            for host, name in zip(lab.hosts.values(), names, strict=True):
                namespaces.configure(name, host.address, 1500)
                namespaces.ip(
                    "link", "set", namespaces.INTERFACE, "txqueuelen", "10000", namespace=name
                )
            lab.start()
            for host in lab.hosts.values():
                assert host.daemon is not None
                undisturbed(host.daemon)
            yield lab
        finally:
            relay.communicate()  # it ends with its input
            for fd in fds:
                os.close(fd)


def _reader(lab: Lab, port: int, seconds: float, *, tcp: bool) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", _READER, str(seconds), str(port)]
    service = None if tcp else SERVICE
    reader = lab["b"].popen(command, shim=not tcp, service=service, stdout=subprocess.PIPE)
    assert reader.stdout is not None
    assert reader.stdout.readline() == b"ready\n"
    if not tcp:
        lab.await_service(f"{SERVICE}:{port}", process=reader)
    undisturbed(reader)
    return reader


def _writer(lab: Lab, port: int, control: str, *, tcp: bool) -> "subprocess.Popen[bytes]":
    target = lab["b"].address if tcp else SERVICE
    command = [sys.executable, "-c", _WRITER, target, str(port), control]
    writer = lab["a"].popen(command, shim=not tcp)
    undisturbed(writer)
    return writer


def bulk(lab: Lab, control: str, seconds: float, *, tcp: bool, flows: int = 1) -> float:
    """Mbit/s of a flow from a to b by this congestion control, from its opening on; the mean of as
    many at a time."""
    ports = range(PORT, PORT + flows)
    readers = [_reader(lab, port, seconds, tcp=tcp) for port in ports]
    writers = [_writer(lab, port, control, tcp=tcp) for port in ports]
    got = [int(reader.communicate(timeout=seconds + 60)[0]) for reader in readers]
    for writer in writers:
        lab["a"].end(writer)
    for reader in readers:
        lab["b"].end(reader)
    return sum(got) * 8 / seconds / 1e6 / flows
