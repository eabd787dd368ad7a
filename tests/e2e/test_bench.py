"""`scaffold bench` measures what its schema says, on every kind of hosts."""

import json
import sys

import jsonschema
import pytest

from e2e.common import ROOT
from scaffold.lab import Lab

pytestmark = [pytest.mark.hosts, pytest.mark.spread]


@pytest.mark.parametrize(("name", "unit"), [("throughput", "Mbit/s"), ("latency", "us")])
def test_bench(name: str, unit: str, kind: str) -> None:
    command = [sys.executable, "-m", "scaffold.cli", "bench", name, "--json", "--runs", "2"]
    with Lab(["here"], kind="loopback") as lab:
        done = lab["here"].run([*command, "--seconds", "0.5", "--hosts", kind], shim=False)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    jsonschema.validate(document, json.loads((ROOT / "docs/schemas/bench.schema.json").read_text()))
    assert [row["stack"] for row in document["rows"]] == ["tcp", "user"]
    assert all(row["unit"] == unit and row["mean"] > 0 for row in document["rows"])


def test_overhead() -> None:
    command = [sys.executable, "-m", "scaffold.cli", "bench", "overhead", "--json", "--runs", "2"]
    with Lab(["here"], kind="loopback") as lab:
        done = lab["here"].run([*command, "--seconds", "0.2"], shim=False)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    jsonschema.validate(document, json.loads((ROOT / "docs/schemas/bench.schema.json").read_text()))
    assert [row["stack"] for row in document["rows"]] == ["tcp", "shim"] * 2
    assert [ratio["unit"] for ratio in document["ratios"]] == ["1/s", "Mbit/s"]
    assert all(0 < ratio["low"] <= ratio["median"] <= ratio["high"] for ratio in document["ratios"])


def test_status_is_what_its_schema_says(lab: Lab) -> None:
    schema = json.loads((ROOT / "docs/schemas/status.schema.json").read_text())
    for host in lab.hosts.values():
        jsonschema.validate(host.status(), schema)
