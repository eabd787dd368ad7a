"""The benchmark's document, from measurements made up here."""

import json
from pathlib import Path

import jsonschema
import pytest

from scaffold import ServiceError, bench, status
from scaffold.lab import Lab

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schemas/bench.schema.json").read_text())


def test_rows_state_the_runs() -> None:
    rows = [bench._row("tcp", "us", [bench.Sample(m, m, m + 1) for m in (10.0, 20.0, 30.0)])]
    assert rows[0]["mean"] == rows[0]["median"] == 20.0
    assert rows[0]["stdev"] == 10.0
    assert rows[0]["p99"] == 31.0
    assert rows[0]["runs"] == 3
    link = {"kind": "veth", "rate_mbit": None, "mtu": 1500, "kernel": "6.1", "cpus": 2}
    jsonschema.validate({"schema": 1, "link": link, "rows": rows}, SCHEMA)


@pytest.mark.parametrize(
    ("count", "low", "high", "confidence"),
    # Conover's table of the binomial distribution with p = 1/2
    [(5, 1, 5, 0.9375), (6, 1, 6, 0.9688), (10, 2, 9, 0.9785), (20, 6, 15, 0.9586)],
)
def test_the_interval_of_a_median(count: int, low: int, high: int, confidence: float) -> None:
    interval = bench.median_interval([float(value) for value in range(count, 0, -1)])
    assert (interval["low"], interval["high"]) == (low, high)
    assert interval["confidence"] == confidence
    assert interval["median"] == (count + 1) / 2


@pytest.mark.parametrize(("rate", "mbit"), [("1gbit", 1000), ("2.5mbit", 2.5), ("500kbit", 0.5)])
def test_rates(rate: str, mbit: float) -> None:
    assert bench._mbit(rate) == mbit


@pytest.mark.parametrize("rate", ["", "1", "gbit", "1 mb", "fastbit"])
def test_bad_rates(rate: str) -> None:
    with pytest.raises(ServiceError, match="write for example"):
        bench.check_rate(rate)


def test_the_traffic_program_over_plain_tcp() -> None:
    """Both modes of the peer, without scaffoldd."""
    with Lab(["a", "b"], kind="loopback") as lab:
        _, target = bench.plain_server(lab["b"])
        rate = bench.traffic(lab["a"], target, "throughput", 0.2)
        assert rate["bytes"] > 1 << 20
        assert rate["seconds"] >= 0.2
        trip = bench.traffic(lab["a"], target, "latency", 0.2)
        assert 0 < trip["median_us"] <= trip["p99_us"]
        assert trip["count"] > 10


def test_sizes_for_people() -> None:
    assert [status.size(n) for n in (0, 1023, 1024, 5 << 20, 3 << 40)] == [
        "0 B",
        "1023 B",
        "1.0 KiB",
        "5.0 MiB",
        "3.0 TiB",
    ]
