"""`scaffold bench` measures what its schema says, on every kind of hosts."""

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from e2e.common import ROOT
from scaffold import ServiceError, paths
from scaffold.bench import BENCHES, Plan, measure
from scaffold.bench.cpu import PARTS
from scaffold.lab import Lab

pytestmark = [pytest.mark.hosts, pytest.mark.spread]

SCHEMA = json.loads((ROOT / "docs/schemas/bench.schema.json").read_text())
WIRE = {
    "throughput": ("Mbit/s", 1, ("tcp", "user")),
    "latency": ("us", 1, ("tcp", "user")),
    "opens": ("1/s", 1, ("tcp", "user")),
    "requests": ("1/s", 2, ("tcp", "user")),
    "parallel": ("Mbit/s", 3, ("tcp", "user")),
    "datagrams": ("1/s", 2, ("udp", "user")),
}


def bench(*words: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "scaffold.cli", "bench", *words, "--json", "--runs", "1"]
    with Lab(["here"], kind="loopback") as lab:
        done = lab["here"].run(command, shim=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, "there is no terminal to show progress on"
    document: dict[str, Any] = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    return document


@pytest.mark.parametrize("name", WIRE)
def test_from_host_to_host(name: str, kind: str) -> None:
    unit, cases, stacks = WIRE[name]
    document = bench(name, "--seconds", "0.2", "--hosts", kind)
    rows = document["rows"]
    assert [row["stack"] for row in rows] == [*stacks] * cases
    assert all(row["unit"] == unit and row["mean"] > 0 for row in rows)
    for row in rows:
        parts = PARTS if row["stack"] == "user" else ("client", "server")
        assert list(row["cpu_us"]) == [*parts, "all"]
        assert all(used > 0 for used in row["cpu_us"].values())
        assert ("jain" in row) == (name == "parallel" and row["case"] != "1 flow")
    assert [one["to"] for one in document["ratios"]] == [stacks[0]] * cases


def test_on_one_cpu() -> None:
    document = bench("latency", "--seconds", "0.2", "--pin", "--stack", "user")
    assert document["link"]["pinned"]
    assert [row["stack"] for row in document["rows"]] == ["user"]
    assert document["ratios"] == []


def test_another_build(tmp_path: Path) -> None:
    """The same one under another name: what is compared is what was built there."""
    for name in (paths.DAEMON, paths.SHIM, "libscaffold_shim_glibc.so"):
        with suppress(ServiceError):  # musl's shim is one file
            (tmp_path / name).symlink_to(paths.part(name))
    document = bench("opens", "--seconds", "0.2", "--base", str(tmp_path))
    assert [row["stack"] for row in document["rows"]] == ["tcp", "user", "base"]
    pairs = [(one["stack"], one["to"]) for one in document["ratios"]]
    assert pairs == [("user", "tcp"), ("user", "base"), ("base", "tcp")]


def test_a_folder_that_is_no_build(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="has no scaffoldd; name a build tree"):
        measure("opens", Plan(seconds=0.1, runs=1, kind="loopback", base=tmp_path))


def test_same_host(kind: str) -> None:
    document = bench("same-host", "--seconds", "0.2", "--hosts", kind)
    stacks = dict.fromkeys(row["stack"] for row in document["rows"])
    assert next(iter(stacks)) == "tcp"
    assert "user" in stacks
    assert [row["unit"] for row in document["rows"][:: len(stacks)]] == ["us", "Mbit/s", "1/s"]
    assert document["link"]["kind"] == "loopback"


def test_idle(kind: str) -> None:
    document = bench("idle", "--seconds", "0.2", "--flows", "300", "--hosts", kind)
    memory = [row for row in document["rows"] if row["unit"] == "B"]
    owners = [(row["case"].rpartition(" ")[2], row["stack"]) for row in memory]
    assert owners == [
        ("kernel", "tcp"), ("kernel", "user"), ("scaffoldd_a", "user"), ("scaffoldd_b", "user"),
    ]  # fmt: skip
    to = [(one["stack"], one["to"]) for one in document["ratios"]]
    assert to == [("user", "tcp")] * 2 + [("tcp", "tcp, alone"), ("user", "user, alone")]


def test_programs(kind: str) -> None:
    document = bench("programs", "--seconds", "0.2", "--hosts", kind)
    missing = {one["program"] for one in document["missing"]}
    expected = 4 * (not missing & {"nginx", "wrk"})
    expected += 2 * (not missing & {"redis-server", "redis-benchmark"})
    assert len(document["rows"]) == expected
    assert all(row["mean"] > 0 for row in document["rows"])
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


def test_overhead() -> None:
    document = bench("overhead", "--seconds", "0.2")
    assert [row["stack"] for row in document["rows"]] == ["tcp", "shim"] * 2
    assert [ratio["unit"] for ratio in document["ratios"]] == ["1/s", "Mbit/s"]
    assert all(0 < ratio["low"] <= ratio["median"] <= ratio["high"] for ratio in document["ratios"])


def test_every_benchmark_is_tested() -> None:
    assert set(BENCHES) == {*WIRE, "same-host", "idle", "programs", "overhead"}


def test_status_is_what_its_schema_says(lab: Lab) -> None:
    schema = json.loads((ROOT / "docs/schemas/status.schema.json").read_text())
    for host in lab.hosts.values():
        jsonschema.validate(host.status(), schema)
