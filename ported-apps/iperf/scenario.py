"""iperf measures TCP and UDP by service name: one way, the other way, and both at once.

UDP runs at 80 % of the rate that it was measured to reach. Short: 2 s each. Full: 60 s each; a
stall is 2 s without a byte.
"""

import itertools
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TypeVar

from scaffold import scenario
from scaffold.lab import Host, Lab
from scaffold.scenario import Result, ScenarioError, check_level, expect, program, verified

SERVICE = "iperf.demo.scaffold"
PORT = 5001
Measured = TypeVar("Measured")


CRASHES_MAX = 8  # each time one in three, at most
_CRASHES = (-signal.SIGABRT, -signal.SIGSEGV)


class Crashed(Exception):
    """iperf 2.1.8 has faults of its own. On plain IP and a busy machine its UDP client aborted in
    22 of 59 short runs with --full-duplex (a socket is closed that the other thread reads), its TCP
    server crashed once in 279 short runs, and aborts at a second client over UDP."""


def at_server(
    lab: Lab, server: str, level: str, options: tuple[str, ...], use: Callable[[], Measured]
) -> Measured:
    """What `use` measures at an `iperf -s` of its own; again where iperf crashes by itself."""
    for _ in range(CRASHES_MAX):
        with suppress(Crashed), served(lab, server, level, *options):
            return use()
    raise ScenarioError(f"iperf crashed {CRASHES_MAX} times")


@contextmanager
def served(lab: Lab, server: str, level: str, *options: str) -> Iterator[None]:
    """`iperf -s` while it is used; a native port takes the service's name, and logs it."""
    host, command = lab[server], [program("iperf"), "-s", "-p", str(PORT), *options]
    path = lab.folder / server / "iperf.log"
    with path.open("wb") as log:
        if level == "native":
            listener = host.popen([*command, "-B", SERVICE], stdout=log, stderr=log)
        else:
            listener = host.popen(command, service=SERVICE, stdout=log, stderr=log)
    protocol = "udp" if "-u" in options else "tcp"
    lab.await_service(f"{SERVICE}:{PORT}/{protocol}", process=listener)
    try:
        yield
    except ScenarioError as error:
        if _crashed(listener):
            raise Crashed from error
        raise
    finally:
        host.end(listener)
    expect_name("local", path.read_text(), level)


def _crashed(listener: "subprocess.Popen[bytes]") -> bool:
    """Its flows are reset before it is seen to have ended."""
    with suppress(subprocess.TimeoutExpired):
        return listener.wait(2) in _CRASHES
    return False


def expect_name(end: str, output: str, level: str) -> None:
    """A native port shows the service's name where others show a number."""
    shown = f"{end} {SERVICE} port {PORT}" in output
    expect(shown == (level == "native"), f"iperf at level {level} says: {output}")


def measure(host: Host, target: str, seconds: int, *options: str, shim: bool = True) -> list[float]:
    """One `iperf -c`: Mbit/s of each second, and of the whole run at the end."""
    command = [program("iperf"), "-c", target, "-p", str(PORT), "-t", str(seconds)]
    command += ["-i", "1", "-y", "C", *options]
    done = host.run(command, shim=shim, timeout=seconds + 60)
    expect(done.returncode == 0, f"iperf -c {target}: {done.stderr.strip()}")
    rows = [line.split(",") for line in done.stdout.splitlines() if line.count(",") >= 8]
    rows = sorted((row for row in rows if _length(row) > 0), key=_length)
    expect(rows, f"iperf -c {target} reported nothing: {done.stderr.strip()}")
    return [float(row[8]) / 1e6 for row in rows]


def _length(row: list[str]) -> float:
    """Seconds that a row is about: with two threads the whole run need not be the last one."""
    first, last = row[6].split("-")
    return float(last) - float(first)


DIRECTIONS = {"out": (), "back": ("-R",), "both": ("--full-duplex",)}
_SHARE = 0.8  # of the measured rate that UDP is sent at
_SCALE = {"": 1e-6, "K": 1e-3, "M": 1.0, "G": 1e3}
_RATE = re.compile(r"([0-9.]+) ([KMG]?)bits/sec(?:\s+[0-9.]+ ms\s+([0-9]+)/\s*([0-9]+))?")


_OWN_ABORT = "recvmsg failed: Bad file descriptor"


def datagrams(
    host: Host, direction: str, seconds: int, rate: float, level: str
) -> tuple[list[float], float, float]:
    """One `iperf -u -c` at `rate` Mbit/s: Mbit/s of each second, of all, and the share that was
    lost."""
    command = [program("iperf"), "-u", "-c", SERVICE, "-p", str(PORT), "-t", str(seconds)]
    command += ["-i", "1", "-b", f"{rate:.0f}M", *DIRECTIONS[direction]]
    done = host.run(command, timeout=seconds + 60)
    if done.returncode == -signal.SIGABRT and _OWN_ABORT in done.stderr:
        raise Crashed
    scenario.succeeded(done, f"iperf -u, {direction}")
    expect_name("connected with", done.stdout, level)
    rows = [(float(m[1]) * _SCALE[m[2]], m) for m in _RATE.finditer(done.stdout)]
    expect(rows, f"iperf -u, {direction}, reported nothing: {done.stdout}{done.stderr}")
    reports = [m for _, m in rows if m[4] and int(m[4])]
    expect(reports, f"iperf -u, {direction}: the receiver reported nothing: {done.stdout}")
    lost, total = int(reports[-1][3]), int(reports[-1][4])
    received = float(reports[-1][1]) * _SCALE[reports[-1][2]]
    return [value for value, _ in rows], received, lost / total


def expect_progress(what: str, rates: list[float]) -> None:
    """No two seconds in a row without a byte."""
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
    result = Result()
    with verified(lab, client, "iperf", result):
        for direction, options in DIRECTIONS.items():
            tcp = partial(measure, lab[client], SERVICE, seconds, *options)
            rates = at_server(lab, server, level, (), tcp)
            expect_progress(f"TCP, {direction}", rates)
            result.figures[f"{direction}_mbit_s"] = rates[-1]
        udp = partial(datagrams, lab[client], level=level)
        most = partial(udp, direction="back", seconds=2, rate=10_000)
        _, reached, _ = at_server(lab, server, level, ("-u",), most)
        for direction in DIRECTIONS:
            rate = reached * _SHARE / (2 if direction == "both" else 1)
            one = partial(udp, direction=direction, seconds=seconds, rate=rate)
            rates, received, lost = at_server(lab, server, level, ("-u",), one)
            expect_progress(f"UDP, {direction}", rates)
            result.figures[f"udp_{direction}_mbit_s"] = received
            result.figures[f"udp_{direction}_lost"] = lost
    return result


def plain(lab: Lab, *, client: str = "a", server: str = "b", seconds: int = 3) -> float:
    """The same programs over the kernel's TCP on the same link: Mbit/s."""
    address = lab[server].address
    command = [program("iperf"), "-s", "-p", str(PORT), "-B", address]
    listener = lab[server].popen(
        command, shim=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert listener.stdout is not None
    listener.stdout.readline()  # it prints a rule of dashes once it listens
    try:
        return measure(lab[client], address, seconds, shim=False)[-1]
    finally:
        lab[server].end(listener)
