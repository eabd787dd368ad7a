"""docs/benchmarks.md and its plots, written from what `scaffold bench` printed.

    python -m scaffold.bench.page docs/benchmarks.md

The documents are beside it, in a folder of the same name: `free.json` and `pinned.json` (`bench all
--json`, without and with `--pin`), and `shaped.json` (`bench throughput --shape 1gbit --json`).
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from . import plot
from .document import Document
from .drawing import number, ratio_text, ratios_of
from .plan import MOST_LOAD
from .plot import Bar, Mark

NAMES = ("free", "pinned", "shaped")
_PARTS = {
    "client": "client",
    "scaffoldd_a": "the client's scaffoldd",
    "scaffoldd_b": "the server's scaffoldd",
    "server": "server",
}
Row = dict[str, Any]

_BUSY = """
:::{warning}
Other programs ran meanwhile: rates and their ratios are worth little, as their intervals show.
:::
"""
_TEXT = """\
# Benchmarks

What SCAFFOLD costs and gives beside the kernel's own TCP and UDP, measured by `scaffold bench` with
the same programs over the same link, in turn. `make benchmarks` measures all of it again, in some
twenty minutes, and writes this page. {{doc}}`/howto/benchmark` says how to read the figures, and
how to get some that mean something.
{busy}
| | |
|---|---|
{facts}

Both hosts and all programs are on one machine: a link between two has its own limits, and each host
all of its processors. Medians are of {runs} runs of each stack, ratios are medians of the ratios of
pairs of runs, with an interval that holds the true median with a probability of {confidence:.0f} %
at least. All runs are in the documents: {{download}}`rates <benchmarks/free.json>`,
{{download}}`CPU time <benchmarks/pinned.json>`, {{download}}`1 Gbit/s <benchmarks/shaped.json>`;
{{doc}}`reference/json` has their schema.

## Beside the kernel

![Speed beside the kernel's](benchmarks/speed.svg)

Right of the line SCAFFOLD is faster. A round trip that takes twice as long stands at 0.5.

| benchmark | case | stack | median | | beside the kernel's |
|---|---|---|---|---|---|
{rates}
## CPU time per operation

![CPU time beside the kernel's](benchmarks/cpu.svg)

{pinned}: what is compared is work, and not where the
scheduler puts it. In microseconds:

| benchmark | case | stack | client | its scaffoldd | server's scaffoldd | server | all | per |
|---|---|---|---|---|---|---|---|---|
{work}
## Fairness

Jain's index of the bytes of flows that share the link: 1 when all have the same.

| case | stack | index |
|---|---|---|
{fairness}
## Memory

Of each of many flows that do nothing, in bytes.

| whose | stack | bytes |
|---|---|---|
{memory}
## On a link of 1 Gbit/s

| case | stack | median | | beside the kernel's |
|---|---|---|---|---|
{shaped}{missing}"""


def write(path: Path) -> None:
    """The page, and the plots in its folder."""
    folder = path.with_suffix("")
    documents = {name: json.loads((folder / f"{name}.json").read_text()) for name in NAMES}
    path.write_text(text(documents))
    for name, picture in plots(documents).items():
        (folder / f"{name}.svg").write_text(picture)


def text(documents: dict[str, Document]) -> str:
    """The whole page."""
    free, pinned, shaped = (documents[name] for name in NAMES)
    memory = [row for row in free["rows"] if row["unit"] == "B"]
    return _TEXT.format(
        facts="\n".join(f"| {name} | {value} |" for name, value in facts(free, pinned)),
        runs=max(row["runs"] for row in free["rows"]),
        confidence=100 * min(one["confidence"] for one in free["ratios"]),
        busy=_BUSY if max(_loads(free)) > MOST_LOAD else "",
        rates=_table(_rate(row, free) for row in free["rows"] if row not in memory),
        pinned=f"All processes on one CPU, load {_load(pinned)} before runs",
        work=_table(_work(row) for row in pinned["rows"] if "cpu_us" in row),
        fairness=_table(
            [row["case"], row["stack"], f"{row['jain']:.4f}"]
            for row in free["rows"]
            if "jain" in row
        ),
        memory=_table(
            [row["case"].rpartition(", ")[2], row["stack"], number(row["median"])] for row in memory
        ),
        shaped=_table(_rate(row, shaped)[1:] for row in shaped["rows"]),
        missing="".join(_missing(free)),
    )


def facts(free: Document, pinned: Document) -> Iterator[tuple[str, str]]:
    """What was measured on what."""
    link, machine = free["link"], free["machine"]
    yield "measured", machine["date"]
    yield "scaffold", machine["scaffold"]
    yield "kernel, libc", f"Linux {machine['kernel']}, {machine['libc']}"
    yield "processors", f"{link['cpus']} ({machine['cpu']})"
    yield "link", f"{link['kind']}, MTU {link['mtu']}, {_rate_of(link)}"
    yield "congestion control of TCP", link["congestion"]
    yield "load before runs", f"{_load(free)}; {_load(pinned)} where CPU time was measured"
    programs = machine.get("programs", {})
    if programs:
        yield "programs", ", ".join(f"{name} {version}" for name, version in programs.items())


def _rate_of(link: Row) -> str:
    return f"{link['rate_mbit']:g} Mbit/s" if link["rate_mbit"] else "unshaped"


def _loads(document: Document) -> tuple[float, float]:
    """The least and the most."""
    loads = [load for row in document["rows"] for load in row.get("loads", [])]
    return min(loads), max(loads)


def _load(document: Document) -> str:
    return "{:g} to {:g}".format(*_loads(document))


def _table(rows: Iterator[list[str]]) -> str:
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def _rate(row: Row, document: Document) -> list[str]:
    beside = "; ".join(ratio_text(one, one) for one in ratios_of(row, document["ratios"]))
    figures = [number(row["median"]), row["unit"], beside]
    return [row["bench"], row["case"], row["stack"], *figures]


def _work(row: Row) -> list[str]:
    used = [number(row["cpu_us"][part]) if part in row["cpu_us"] else "" for part in _PARTS]
    return [
        row["bench"], row["case"], row["stack"], *used, number(row["cpu_us"]["all"]),
        row["operation"],
    ]  # fmt: skip


def _missing(document: Document) -> Iterator[str]:
    for one in document.get("missing", []):
        yield f"\n{one['program']} was not installed; what needs it is left out above.\n"


def plots(documents: dict[str, Document]) -> dict[str, str]:
    """The pictures, by name."""
    free, pinned = documents["free"], documents["pinned"]
    speed = [_mark(one) for one in free["ratios"] if one["to"] in ("tcp", "udp")]
    work = [_bar(row, pinned["rows"]) for row in pinned["rows"] if "cpu_us" in row]
    return {
        "speed": plot.marks("Speed, as a multiple of the kernel's TCP or UDP", speed),
        "cpu": plot.bars("CPU time, as a multiple of the kernel's TCP or UDP", work),
    }


def _mark(one: Row) -> Mark:
    """Of a ratio. What takes longer is slower."""
    label = f"{one['bench']}: {one['case']}"
    ends = (one["low"], one["high"])
    if one["unit"] == "us":
        return Mark(label, one["stack"], 1 / one["median"], 1 / ends[1], 1 / ends[0])
    return Mark(label, one["stack"], one["median"], *ends)


def _bar(row: Row, rows: Sequence[Row]) -> Bar:
    """Of a row, measured by the whole of the kernel's in the same case."""
    whole = next(
        other["cpu_us"]["all"]
        for other in rows
        if other["stack"] in ("tcp", "udp")
        and (other["bench"], other["case"]) == (row["bench"], row["case"])
    )
    parts = {
        name: row["cpu_us"][part] / whole for part, name in _PARTS.items() if part in row["cpu_us"]
    }
    note = f"{number(row['cpu_us']['all'])} us per {row['operation']}"
    return Bar(f"{row['bench']}: {row['case']}, {row['stack']}", parts, note)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
