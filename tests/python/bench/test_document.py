"""The document and the table, from measurements made up here."""

import io
import json
from pathlib import Path

import jsonschema
import pytest

from scaffold.bench import cases
from scaffold.bench.cases import Answer, Case, Sample
from scaffold.bench.cpu import Meter
from scaffold.bench.document import document, merged, ratio, row
from scaffold.bench.drawing import Progress, draw, heading
from scaffold.bench.plan import Plan
from scaffold.bench.runs import Run, Station, take_turns

SCHEMA = json.loads((Path(__file__).parents[3] / "docs/schemas/bench.schema.json").read_text())
LINK = {
    "kind": "veth", "rate_mbit": None, "mtu": 1500, "congestion": "cubic", "kernel": "6.1",
    "cpus": 2, "pinned": False,
}  # fmt: skip


def station(case: Case, stack: str, values: list[float], cpu: float = 10.0) -> Station:
    def measure(seconds: float) -> Answer:
        return {"count": 1000.0, "seconds": seconds}

    runs = [
        Run(Sample(one, one, one + 1), 0.5, {"client": cpu, "server": 2 * cpu}, None, 1)
        for one in values
    ]
    return Station(case, stack, measure, Meter({}), runs=runs)


def pair() -> list[Station]:
    [case] = cases.OPENS
    return [station(case, "user", [2.0, 6.0, 4.0], 30.0), station(case, "tcp", [10.0, 20.0, 30.0])]


def test_rows_state_the_runs() -> None:
    found = row(LINK, pair()[1])
    assert found["mean"] == found["median"] == 20.0
    assert found["stdev"] == 10.0
    assert found["p99"] == 31.0
    assert found["runs"] == 3
    assert found["loads"] == [0.5] * 3
    assert found["lost"] == 3
    assert found["cpu_us"] == {"client": 10.0, "server": 20.0, "all": 30.0}


def test_a_document_is_what_the_schema_says() -> None:
    found = document(LINK, pair())
    jsonschema.validate(found, SCHEMA)
    [one] = found["ratios"]
    assert (one["stack"], one["to"], one["median"]) == ("user", "tcp", 0.2)
    assert one["cpu"]["median"] == 3.0
    twice = merged([found, {**found, "missing": [{"program": "wrk"}]}])
    assert len(twice["rows"]) == 4
    assert twice["missing"] == [{"program": "wrk"}]


def test_a_ratio_to_something_else_says_so() -> None:
    one, other = pair()
    assert ratio(one, other, "tcp, alone")["to"] == "tcp, alone"


def test_stations_take_turns_and_every_other_round_goes_backwards() -> None:
    turns: list[str] = []

    def at(name: str) -> Station:
        def measure(seconds: float) -> Answer:
            turns.append(name)
            return {"count": 100, "seconds": seconds, "client_us": 700.0}

        return Station(cases.OPENS[0], name, measure, Meter({}), lambda: turns.append("renewed"))

    lines: list[str] = []
    both = [at("tcp"), at("user")]
    take_turns(both, Plan(seconds=0.5, runs=2, on_run=lines.append))
    warm, measured = turns[:4], turns[4:]
    assert warm == ["tcp", "renewed", "user", "renewed"]
    assert measured[::2] == ["tcp", "user", "user", "tcp"]
    assert len(lines) == 4
    assert lines[0].startswith("opens, open, 1 B there and back, reset: run 1 of 2, tcp: 200.0 1/s")
    assert both[0].runs[0].cpu_us == {"client": 7.0}


@pytest.mark.parametrize(
    ("case", "answer", "figure", "operations", "fairness"),
    [
        (cases.PARALLEL[1], {"bytes": 4e6, "seconds": 2, "flows": [3e6, 1e6]}, 16.0, 4.0, 0.8),
        (cases.THROUGHPUT[0], {"bytes": 4e6, "seconds": 2, "flows": [4e6]}, 16.0, 4.0, None),
        (cases.OPENS[0], {"count": 10, "seconds": 4}, 2.5, 10.0, None),
        (
            cases.LATENCY[0],
            {"count": 3, "seconds": 1, "mean_us": 5, "median_us": 4, "p99_us": 9},
            4, 3.0, None,
        ),
    ],
)  # fmt: skip
def test_what_an_answer_means(
    case: Case, answer: Answer, figure: float, operations: float, fairness: float | None
) -> None:
    assert case.sample(answer).median == figure
    assert case.operations(answer) == operations
    assert case.fairness(answer) == fairness


def test_the_table_has_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(LINK, pair())
    found["missing"] = [{"bench": "programs", "program": "wrk", "package": "wrk"}]
    draw(found)
    text = capsys.readouterr().out
    assert "TCP with cubic; 2 CPUs" in text
    assert "load 0.5 to 0.5 before runs" in text
    assert "0.20 of tcp (0.13 to 0.30)" in text
    assert "wrk is not installed (Debian: wrk)" in text
    assert "one of 2 CPUs" in heading({**found, "link": {**LINK, "pinned": True}})


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_for_terminals() -> None:
    for stream, shown in ((io.StringIO(), False), (Terminal(), True)):
        progress = Progress(stream)
        progress("opens: run 1 of 2")
        progress.end()
        assert ("run 1 of 2" in stream.getvalue()) is shown
        assert bool(stream.getvalue()) is shown
