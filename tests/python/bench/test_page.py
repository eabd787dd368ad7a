"""docs/benchmarks.md and its plots."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import jsonschema
import pytest

from scaffold.bench import page, plot
from scaffold.bench.document import Document

DOCS = Path(__file__).parents[3] / "docs"
SCHEMA = json.loads((DOCS / "schemas/bench.schema.json").read_text())
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def documents() -> dict[str, Document]:
    return {name: json.loads((DOCS / f"benchmarks/{name}.json").read_text()) for name in page.NAMES}


def texts(picture: str) -> list[str]:
    return [one.text or "" for one in ET.fromstring(picture).iter(f"{SVG}text")]


def test_the_page_is_what_its_documents_make_of_it(documents: dict[str, Document]) -> None:
    """Whoever changes either runs `python -m scaffold.bench.page docs/benchmarks.md`."""
    for document in documents.values():
        jsonschema.validate(document, SCHEMA)
    assert (DOCS / "benchmarks.md").read_text() == page.text(documents)
    for name, picture in page.plots(documents).items():
        assert (DOCS / f"benchmarks/{name}.svg").read_text() == picture


def test_the_plots_show_every_row(documents: dict[str, Document]) -> None:
    pictures = page.plots(documents)
    speed, work = texts(pictures["speed"]), texts(pictures["cpu"])
    for row in documents["free"]["rows"]:
        name = f"{row['bench']}: {row['case']}"
        assert (name in speed) is (row["unit"] != "B")
        assert (f"{name}, {row['stack']}" in work) is ("cpu_us" in row)


def test_it_is_measured_on_what_the_page_says(documents: dict[str, Document]) -> None:
    assert [documents[name]["link"]["pinned"] for name in page.NAMES] == [False, True, False]
    assert documents["shaped"]["link"]["rate_mbit"] == 1000


def test_the_page_says_when_the_machine_was_busy(documents: dict[str, Document]) -> None:
    for load, is_said in ((0.4, False), (7.0, True)):
        rows = [{**row, "loads": [load]} for row in documents["free"]["rows"]]
        text = page.text({**documents, "free": {**documents["free"], "rows": rows}})
        assert ("Other programs ran meanwhile" in text) is is_said


def test_what_takes_longer_is_slower() -> None:
    ratio = {"bench": "latency", "case": "1 B", "stack": "user", "unit": "us"}
    mark = page._mark({**ratio, "median": 2.0, "low": 1.0, "high": 4.0})
    assert (mark.low, mark.value, mark.high) == (0.25, 0.5, 1.0)


def test_marks_stand_where_their_values_are() -> None:
    entries = [plot.Mark("a < b", "user", 0.5, 0.25, 1.0), plot.Mark("c", "user", 1.0, 1.0, 1.0)]
    root = ET.fromstring(plot.marks("Title", entries))
    first, second = (float(one.attrib["cx"]) for one in root.iter(f"{SVG}circle"))
    whisker = next(one for one in root.iter(f"{SVG}line") if one.get("class") == "whisker")
    assert float(whisker.attrib["x2"]) == second
    assert first - float(whisker.attrib["x1"]) == pytest.approx((second - first) / 2, abs=0.2)
    assert "a < b" in texts(plot.marks("Title", entries))


def test_bars_are_as_long_as_their_parts() -> None:
    entries = [
        plot.Bar("tcp", {"client": 0.5, "server": 0.5}, "10 us"),
        plot.Bar("user", {"client": 0.5, "scaffoldd": 1.0, "server": 0.5}, "20 us"),
    ]
    root = ET.fromstring(plot.bars("Title", entries))
    widths = [
        float(one.attrib["width"])
        for one in root.iter(f"{SVG}rect")
        if one.attrib["height"] == "14"
    ]
    assert sum(widths[2:]) == pytest.approx(2 * sum(widths[:2]), abs=0.5)
    colours = [one.attrib["fill"] for one in root.iter(f"{SVG}rect")]
    legend, drawn = colours[:3], colours[3:]
    assert drawn == [legend[0], legend[2], *legend], "a part has one colour in all bars"


@pytest.mark.parametrize(("least", "step"), [(0.2, 0.2), (0.21, 0.5), (7, 10), (0.004, 0.01)])
def test_ticks_are_round(least: float, step: float) -> None:
    assert plot._round_step(least) == pytest.approx(step)
