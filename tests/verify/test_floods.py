"""Floods of each kind of packet, 50,000 in a second, beside a bulk flow and new connections.

Three hosts on a bridge: `a` sends to `b` over a link of 1 Gbit/s; `b` is the service router, too,
so that it has something to do for every kind. The flooder has a link of its own. Quiet and flooded
runs take turns, and what counts is the median of their ratios.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scaffold import bench, namespaces
from scaffold.lab import Host, Lab

pytestmark = [pytest.mark.full, pytest.mark.hosts]

ROOT = Path(__file__).parents[2]
FLOODER = ROOT / "build" / "dev" / "flooder"
PROBER = ROOT / "tests" / "flood" / "prober.py"
SINK = "import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(('0.0.0.0', 5400))\n"
SINK += "print('ready', flush=True)\nwhile True: s.recv(65536)\n"
DATAGRAMS = "sink.lab.scaffold"
RATE = 50_000
RUN_S = 2.0
PAIRS = 3
LONGEST_S = 1.0


@dataclass(frozen=True)
class Flood:
    """One way to flood a host."""

    kind: str
    to: str = "b"
    options: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """For people."""
        return " ".join((self.kind, *self.options, f"to {self.to}"))


STRANGER = [
    "open-served", "open-unserved", "open-forwarded", "answer", "confirm", "refuse", "retry",
    "data", "reset", "join-fresh", "join-again", "greet", "register", "refresh", "lookup-fresh",
    "lookup-pool", "lookup-service", "where", "probe", "alive", "mapping", "refreshed",
    "datagram-served", "datagram-unserved", "datagram-pieces", "datagram-forwarded", "malformed",
    "version", "tiny",
]  # fmt: skip
MEMBER = [
    "open-served", "open-unserved", "open-forwarded", "register", "refresh", "lookup-fresh",
    "lookup-service", "probe", "datagram-forwarded",
]  # fmt: skip
MANY = ["open-served", "open-unserved", "data", "join-fresh", "refresh", "probe"]
SENDER = ["open-served", "data", "probe", "datagram-unserved"]
FLOODS = [
    *(Flood(kind) for kind in STRANGER),
    *(Flood(kind, options=("--member", "flooder")) for kind in MEMBER),
    *(Flood(kind, options=("--sources", "20000")) for kind in MANY),
    *(Flood(kind, options=("--sources", "16")) for kind in ("open-served", "probe")),
    *(Flood(kind, to="a") for kind in SENDER),
]


@dataclass
class Run:
    """What one run has shown."""

    rate: float
    """Bytes per second of the bulk flow."""
    longest: float
    errors: list[str]
    sent: float = 0.0
    """Packets per second of the flood."""


@contextmanager
def arena() -> Iterator[Lab]:
    """The hosts, with what they serve."""
    with Lab(["a", "b", "x"], kind="namespaces", router="b") as lab:
        namespaces.shape(lab["a"].namespace or "", "1gbit")
        lab["b"].scaffoldd()
        lab["a"].scaffoldd()
        with bench.servers(lab):
            sink = lab["b"].popen(
                [sys.executable, "-c", SINK], service=DATAGRAMS, stdout=subprocess.PIPE
            )
            lab.await_service(f"{DATAGRAMS}:5400/udp", process=sink)
            yield lab


def flooder(lab: Lab, flood: Flood) -> subprocess.Popen[str]:
    """A flood that goes on until it is told to end."""
    target = lab[flood.to]
    ids = {service["name"]: service["id"] for service in lab["b"].status()["services"]}
    command: list[Any] = [
        FLOODER, "--rate", RATE, "--seconds", 120, "--service",
        ids[f"{bench.SERVICE}:{bench.PORT}"],
        "--datagrams", ids[f"{DATAGRAMS}:5400/udp"], *flood.options,
    ]  # fmt: skip
    if flood.to == "b":  # a router, that can be asked to forward
        hosts = {host["name"]: host["address"] for host in target.status()["hosts"]}
        command += ["--other", hosts["a"].replace(":", "")]
    command += [flood.kind, target.address, target.port]
    words = [str(word) for word in command]
    return lab["x"].popen(words, shim=False, text=True, stdout=subprocess.PIPE)


def flooded(lab: Lab, flood: Flood) -> Run:
    """A run beside a flood."""
    process = flooder(lab, flood)
    try:
        run = measure(lab["a"])
        process.terminate()
        said = json.loads(process.communicate(timeout=30)[0])
    finally:
        lab["x"].end(process)
    run.sent = said["sent"] / said["seconds"]
    return run


def measure(client: Host) -> Run:
    """One bulk flow, with new connections beside it."""
    prober = client.popen(
        [sys.executable, PROBER, bench.SERVICE, str(bench.PORT)],
        text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        bulk = bench.traffic(client, bench.AS_SERVICE, "throughput", RUN_S)
        assert prober.stdin is not None
        said: dict[str, Any] = json.loads(prober.communicate(timeout=30)[0])
    finally:
        client.end(prober)
    return Run(bulk["bytes"] / bulk["seconds"], said["longest"], said["errors"])


@pytest.mark.timeout(300)
@pytest.mark.parametrize("flood", FLOODS, ids=lambda flood: flood.name.replace(" ", "-"))
def test_flood(flood: Flood, root_only: None, figures: dict[str, float]) -> None:
    """At least half of the throughput, and every new connection within a second."""
    quiet: list[Run] = []
    loud: list[Run] = []
    with arena() as lab:
        for _ in range(PAIRS):
            quiet.append(measure(lab["a"]))
            loud.append(flooded(lab, flood))
    ratios = [one.rate / other.rate for one, other in zip(loud, quiet, strict=True)]
    figures["quiet_mb_s"] = round(statistics.median(run.rate for run in quiet) / 1e6, 1)
    figures["ratio"] = round(statistics.median(ratios), 3)
    figures["longest_connection_s"] = round(statistics.median(run.longest for run in loud), 3)
    figures["flood_per_s"] = round(statistics.median(run.sent for run in loud))
    assert [run.errors for run in loud] == [[]] * PAIRS
    assert figures["flood_per_s"] >= RATE / 2, "the machine was too busy to flood anything"
    assert figures["ratio"] >= 0.5
    assert figures["longest_connection_s"] < LONGEST_S
