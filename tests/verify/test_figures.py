"""The figures that must hold, beside the kernel's TCP and UDP in the same run.

Rates are ratios of pairs of runs with all CPUs, medians of RUNS; what an operation takes of the CPU
is measured on one of them. A run waits until the machine is quiet, and fails if it does not become
so.
"""

import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from scaffold import bench
from scaffold.lab import Lab

pytestmark = [pytest.mark.full, pytest.mark.hosts, pytest.mark.timeout(3600)]

RUNS = 10
SCAFFOLDDS = ("scaffoldd_a", "scaffoldd_b")

Row = dict[str, Any]


class Measured:
    """A benchmark's document, and the same measured on one CPU."""

    def __init__(self, name: str, figures: dict[str, float], **plan: Any):
        settings = {"runs": RUNS, "seconds": 2, "kind": "namespaces", **plan}
        plans = [
            bench.Plan(**settings, most_load=bench.MOST_LOAD, pin=pin) for pin in (False, True)
        ]
        self.free, self.pinned = (bench.measure(name, one) for one in plans)
        for row in self.free["rows"]:
            figures[key(row, row["unit"])] = row["median"]
        for row in self.pinned["rows"]:
            for part, used in row.get("cpu_us", {}).items():
                figures[key(row, f"{part} pinned cpu us")] = used
        for one in self.free["ratios"]:
            for end in ("median", "low", "high"):
                figures[key(one, f"to {one['to']} {end}")] = one[end]

    def ratio(self, case: str, stack: str = "user", to: str = "tcp") -> float:
        """Of the figures of a case that begins like this."""
        [one] = [one for one in self.free["ratios"] if one["to"] == to and is_of(one, case, stack)]
        return float(one["median"])

    def row(self, case: str, stack: str = "user") -> Row:
        """Of the runs with all CPUs."""
        [row] = [row for row in self.free["rows"] if is_of(row, case, stack)]
        return row

    def cpu_us(self, case: str, *parts: str, stack: str = "user") -> float:
        """Of all parts or of some, per operation, on one CPU."""
        [row] = [row for row in self.pinned["rows"] if is_of(row, case, stack)]
        return sum(float(row["cpu_us"][part]) for part in parts or ["all"])


def is_of(row: Row, case: str, stack: str) -> bool:
    return row["stack"] == stack and row["case"].startswith(case)


def key(row: Row, what: str) -> str:
    """A name for verify.json."""
    return re.sub(r"[^a-z0-9]+", "_", f"{row['case']} {row['stack']} {what}".lower())


def test_bulk(root_only: None, figures: dict[str, float]) -> None:
    assert Measured("throughput", figures).ratio("one flow") >= 0.42


def test_bulk_on_one_gbit(root_only: None, figures: dict[str, float]) -> None:
    assert Measured("throughput", figures, rate="1gbit").ratio("one flow") >= 0.99


def test_round_trip(root_only: None, figures: dict[str, float]) -> None:
    assert Measured("latency", figures).ratio("1 B") <= 1.7


def test_opens(root_only: None, figures: dict[str, float]) -> None:
    found = Measured("opens", figures)
    assert found.ratio("open") >= 0.28
    assert found.cpu_us("open") <= 220


def test_requests(root_only: None, figures: dict[str, float]) -> None:
    assert Measured("requests", figures).ratio("64 flows, 64 B") >= 0.50


def test_datagrams(root_only: None, figures: dict[str, float]) -> None:
    assert Measured("datagrams", figures).ratio("64 B, 16 in flight", to="udp") >= 0.75


def test_parallel(root_only: None, figures: dict[str, float]) -> None:
    """64 flows take no more of both scaffoldds than one does. What more of them takes of the
    programs is theirs, and as much with TCP."""
    found = Measured("parallel", figures)
    assert found.row("64 flows")["jain"] >= 0.99
    work = [found.cpu_us(case, *SCAFFOLDDS) for case in ("64 flows", "1 flow")]
    figures["cpu_of_64_to_one"] = work[0] / work[1]
    assert figures["cpu_of_64_to_one"] <= 1.1


def test_programs(root_only: None, figures: dict[str, float]) -> None:
    found = Measured("programs", figures)
    assert not found.free["missing"]
    assert found.ratio("nginx, wrk, 64 connections kept alive") >= 0.65
    assert found.ratio("redis") >= 0.60
    assert found.ratio("nginx, wrk, 64 connections, closing") >= 0.28


def test_idle_flows(root_only: None, figures: dict[str, float]) -> None:
    """10,000 flows that do nothing slow 64 others by at most a tenth, and each takes at most 32 KiB
    of a scaffoldd."""
    found = Measured("idle", figures)
    for part in SCAFFOLDDS:
        assert found.row(f"memory of an idle flow, {part}")["median"] <= 32 * 1024
    assert found.ratio("64 flows, 64 B, beside", to="user, alone") >= 0.90


def test_same_host(root_only: None, figures: dict[str, float]) -> None:
    found = Measured("same-host", figures, stacks=("tcp", "local"))
    assert found.ratio("1 B", "local") <= 0.6
    assert found.ratio("open", "local") >= 0.7
    assert found.ratio("one flow", "local") >= 1.2


def test_overhead(figures: dict[str, float]) -> None:
    """What a program that touches no service pays: at most 2 % of its connections per second, and
    of its throughput nothing that could be told from none."""
    document = bench.measure("overhead", bench.Plan(seconds=3, runs=20))
    connections, throughput = document["ratios"]
    for name, ratio in (("connections", connections), ("throughput", throughput)):
        figures.update({f"{name}_{end}": ratio[end] for end in ("median", "low", "high")})
    assert connections["median"] >= 0.98
    assert throughput["high"] >= 1


def cpu_ms(command: list[str], environment: dict[str, str]) -> float:
    """User and system time of a program and of what it started and waited for."""
    process = subprocess.Popen(command, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return (usage.ru_utime + usage.ru_stime) * 1000


def test_what_a_start_costs(tmp_path: Path, figures: dict[str, float]) -> None:
    """In turn, the median of each; a scaffoldd answers already."""
    python = [sys.executable, "-c"]
    commands = {
        "python": [*python, "pass"],
        "import": [*python, "import scaffold; scaffold.socket"],
        "run": [str(Path(sys.executable).with_name("scaffold")), "run", "--", "true"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    with Lab(["a"], kind="loopback") as lab:
        lab.start()
        environment = {**os.environ, "SCAFFOLD_RUNTIME_DIR": str(lab["a"].runtime_dir)}
        for _ in range(41):
            for name, command in commands.items():
                times[name].append(cpu_ms(command, environment))
    medians = {name: statistics.median(values) for name, values in times.items()}
    figures.update({f"{name}_cpu_ms": round(value, 1) for name, value in medians.items()})
    assert medians["run"] - medians["python"] <= 50
    assert medians["import"] - medians["python"] <= 25


def test_idle_scaffoldd(figures: dict[str, float]) -> None:
    """No wake-ups without a timer due: a stand-alone one without services has no timer at all."""
    with Lab(["a"], kind="loopback") as lab:
        lab.start()
        assert lab["a"].daemon is not None
        status = Path(f"/proc/{lab['a'].daemon.pid}/status")

        def switches() -> int:
            lines = status.read_text().splitlines()
            return sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)

        time.sleep(1)
        before = switches()
        time.sleep(10)
        figures["wakeups_in_10_s"] = switches() - before
    assert figures["wakeups_in_10_s"] == 0
