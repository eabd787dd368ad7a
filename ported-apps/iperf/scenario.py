"""iperf measures TCP and UDP by service name: one way, the other way, and both at once.

UDP runs at 80 % of the rate that it was measured to reach. Short: 2 s each. Full: 60 s each; a
stall is 2 s without a byte.

Both at once are two clients, and each has a server of its own, since iperf 2.1.8 has two faults, on
plain IP as well. With --full-duplex, one thread waits in memory that the other frees (Launch.cpp,
fullduplex_startstop_barrier), and where a last datagram is lost, each of them frees it. Over UDP a
server's second client is counted in a report that was freed with the first (Reports.c,
IncrSumReportRefCounter). One flow both ways is in tests/e2e/test_both_ways.py.
"""

import itertools
import re
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from scaffold import scenario
from scaffold.lab import Host, Lab
from scaffold.scenario import Result, check_level, expect, program, verified

SERVICE = "iperf.demo.scaffold"


@dataclass(frozen=True)
class Way:
    """The port of its server, and what tells a client which end sends."""

    port: int
    options: tuple[str, ...]


OUT = Way(5001, ())
BACK = Way(5002, ("-R",))
DIRECTIONS = {"out": [OUT], "back": [BACK], "both": [OUT, BACK]}


@dataclass(frozen=True)
class Report:
    """What one client says."""

    rates: list[float]
    """Mbit/s of each second, and of all."""
    received: float
    """Mbit/s of all that arrived."""
    lost: int = 0
    datagrams: int = 0


def at_servers(
    lab: Lab, server: str, level: str, direction: str, ask: Callable[[Way], Report], *options: str
) -> list[Report]:
    """What `ask` is told in each way of a direction, at once, at an `iperf -s` of its own."""
    ways = DIRECTIONS[direction]
    with ExitStack() as servers, ThreadPoolExecutor() as clients:
        for way in ways:
            servers.enter_context(served(lab, server, level, way.port, *options))
        return list(clients.map(ask, ways))


@contextmanager
def served(lab: Lab, server: str, level: str, port: int, *options: str) -> Iterator[None]:
    """`iperf -s` while it is used; a native port takes the service's name, and logs it."""
    host, command = lab[server], [program("iperf"), "-s", "-p", str(port), *options]
    path = lab.folder / server / f"iperf-{port}.log"
    with path.open("wb") as log:
        if level == "native":
            listener = host.popen([*command, "-B", SERVICE], stdout=log, stderr=log)
        else:
            listener = host.popen(command, service=SERVICE, stdout=log, stderr=log)
    protocol = "udp" if "-u" in options else "tcp"
    lab.await_service(f"{SERVICE}:{port}/{protocol}", process=listener)
    try:
        yield
        ended = listener.poll()
    finally:
        host.end(listener)
    expect(ended is None, f"iperf -s ended with {ended}: {path.read_text()}")
    expect_name("local", port, path.read_text(), level)


def expect_name(end: str, port: int, output: str, level: str) -> None:
    """A native port shows the service's name where others show a number."""
    shown = f"{end} {SERVICE} port {port}" in output
    expect(shown == (level == "native"), f"iperf at level {level} says: {output}")


def stream(host: Host, target: str, seconds: int, way: Way, *, shim: bool = True) -> Report:
    """One `iperf -c`."""
    command = [program("iperf"), "-c", target, "-p", str(way.port), "-t", str(seconds)]
    command += ["-i", "1", "-y", "C", *way.options]
    done = host.run(command, shim=shim, timeout=seconds + 60)
    scenario.succeeded(done, f"iperf -c {target}")
    rows = [line.split(",") for line in done.stdout.splitlines() if line.count(",") >= 8]
    rows = [row for row in rows if _length(row) > 0]
    expect(rows, f"iperf -c {target} reported nothing: {done.stderr.strip()}")
    rates = [float(row[8]) / 1e6 for row in rows]
    return Report(rates, rates[-1])


def _length(row: list[str]) -> float:
    """Seconds that a row is about."""
    first, last = row[6].split("-")
    return float(last) - float(first)


_SHARE = 0.8  # of the measured rate that UDP is sent at
_SCALE = {"": 1e-6, "K": 1e-3, "M": 1.0, "G": 1e3}
_RATE = re.compile(r"([0-9.]+) ([KMG]?)bits/sec(?:\s+[0-9.]+ ms\s+([0-9]+)/\s*([0-9]+))?")


def datagrams(host: Host, rate: float, seconds: int, level: str, way: Way) -> Report:
    """One `iperf -u -c` at `rate` Mbit/s."""
    command = [program("iperf"), "-u", "-c", SERVICE, "-p", str(way.port), "-t", str(seconds)]
    command += ["-i", "1", "-b", f"{rate:.0f}M", *way.options]
    what = " ".join(["iperf -u", *way.options])
    done = host.run(command, timeout=seconds + 60)
    scenario.succeeded(done, what)
    expect_name("connected with", way.port, done.stdout, level)
    rows = [(float(m[1]) * _SCALE[m[2]], m) for m in _RATE.finditer(done.stdout)]
    expect(rows, f"{what} reported nothing: {done.stdout}{done.stderr}")
    reports = [(received, m) for received, m in rows if m[4] and int(m[4])]
    expect(reports, f"{what}: the receiver reported nothing: {done.stdout}")
    received, last = reports[-1]
    return Report([value for value, _ in rows], received, int(last[3]), int(last[4]))


def expect_progress(what: str, reports: list[Report]) -> None:
    """No client had two seconds in a row without a byte."""
    for rates in (report.rates for report in reports):
        stalled = any(one == 0 == after for one, after in itertools.pairwise(rates))
        expect(not stalled, f"{what}: 2 s without a byte: {rates}")


def run(
    lab: Lab,
    *,
    client: str = "a",
    server: str = "b",
    level: str = "shim",
    full: bool = False,
    seconds: int | None = None,
) -> Result:
    """TCP and UDP by name, each direction and both at once, without a stall."""
    check_level(level)
    seconds = seconds or (60 if full else 2)
    host = lab[client]
    result = Result()
    with verified(lab, client, "iperf", result):
        for direction in DIRECTIONS:
            tcp = partial(stream, host, SERVICE, seconds)
            reports = at_servers(lab, server, level, direction, tcp)
            expect_progress(f"TCP, {direction}", reports)
            result.figures[f"{direction}_mbit_s"] = sum(one.received for one in reports)
        most = partial(datagrams, host, 10_000, 2, level)
        reached = at_servers(lab, server, level, "back", most, "-u")[0].received
        for direction, ways in DIRECTIONS.items():
            udp = partial(datagrams, host, reached * _SHARE / len(ways), seconds, level)
            reports = at_servers(lab, server, level, direction, udp, "-u")
            expect_progress(f"UDP, {direction}", reports)
            lost, sent = sum(one.lost for one in reports), sum(one.datagrams for one in reports)
            result.figures[f"udp_{direction}_mbit_s"] = sum(one.received for one in reports)
            result.figures[f"udp_{direction}_lost"] = lost / sent
    return result


def plain(lab: Lab, *, client: str = "a", server: str = "b", seconds: int = 3) -> float:
    """The same programs over the kernel's TCP on the same link: Mbit/s."""
    address = lab[server].address
    command = [program("iperf"), "-s", "-p", str(OUT.port), "-B", address]
    listener = lab[server].popen(
        command, shim=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert listener.stdout is not None
    listener.stdout.readline()  # it prints a rule of dashes once it listens
    try:
        return stream(lab[client], address, seconds, OUT, shim=False).received
    finally:
        lab[server].end(listener)
