"""The figures that must hold, beside TCP in the same run."""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scaffold import bench, paths
from scaffold.lab import Host, Lab

pytestmark = [pytest.mark.full, pytest.mark.hosts]

PAIRS = 10
IDLE_FLOWS = 10_000


def ratio(document: dict[str, object], figures: dict[str, float]) -> float:
    """The median of the pairs' ratios, user plane to TCP."""
    rows = {row["stack"]: row for row in document["rows"]}  # type: ignore[attr-defined]
    for stack, row in rows.items():
        figures[f"{stack}_median"] = row["median"]
    pairs = zip(rows["user"]["values"], rows["tcp"]["values"], strict=True)
    figures["ratio"] = round(statistics.median(user / tcp for user, tcp in pairs), 4)
    return figures["ratio"]


@pytest.mark.timeout(600)
def test_throughput_unshaped(root_only: None, figures: dict[str, float]) -> None:
    plan = bench.Plan(seconds=3, runs=PAIRS, kind="namespaces")
    assert ratio(bench.throughput(plan), figures) >= 0.3


@pytest.mark.timeout(600)
def test_throughput_on_one_gbit(root_only: None, figures: dict[str, float]) -> None:
    plan = bench.Plan(seconds=5, runs=PAIRS, kind="namespaces", rate="1gbit")
    assert ratio(bench.throughput(plan), figures) >= 0.97


@pytest.mark.timeout(600)
def test_round_trip(root_only: None, figures: dict[str, float]) -> None:
    plan = bench.Plan(seconds=2, runs=PAIRS, kind="namespaces")
    assert ratio(bench.latency(plan), figures) <= 5


@pytest.mark.timeout(900)
def test_overhead(figures: dict[str, float]) -> None:
    """What a program that touches no service pays: at most 2 % of its connections per second, and
    of its throughput nothing that could be told from none."""
    document = bench.overhead(bench.Plan(seconds=3, runs=20))
    connections, throughput = document["ratios"]
    for name, ratio in (("connections", connections), ("throughput", throughput)):
        figures.update({f"{name}_{key}": ratio[key] for key in ("median", "low", "high")})
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


def resident(host: Host) -> int:
    """scaffoldd's resident memory in bytes."""
    assert host.daemon is not None
    pages = Path(f"/proc/{host.daemon.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def slab() -> int:
    """The kernel's own memory for sockets and the like, in bytes."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("Slab:"):
            return int(line.split()[1]) * 1024
    return 0


@pytest.mark.timeout(600)
def test_idle_flows(kind: str, figures: dict[str, float]) -> None:
    """10,000 idle flows held by each of two daemons, at most 32 KiB of memory each."""
    with Lab(["a", "b"], router="b", kind=kind) as lab:
        lab.start()
        with bench.servers(lab):
            before = {host: resident(lab[host]) for host in ("a", "b")}
            kernel = slab()
            peer = paths.part(paths.BENCH_PEER)
            command = [peer, "hold", bench.SERVICE, str(bench.PORT), str(IDLE_FLOWS)]
            holder = lab["a"].popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"ready\n"
            for host, rss in before.items():
                figures[f"{host}_bytes_per_flow"] = (resident(lab[host]) - rss) / IDLE_FLOWS
                figures[f"{host}_flows"] = len(lab[host].status()["flows"])
            figures["kernel_bytes_per_flow"] = (slab() - kernel) / IDLE_FLOWS
    for host in ("a", "b"):
        assert figures[f"{host}_flows"] >= IDLE_FLOWS
        assert figures[f"{host}_bytes_per_flow"] <= 32 * 1024


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
