"""Tables for people, and what a terminal shows meanwhile."""

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TextIO

from ..show import console, table
from .cpu import PARTS
from .document import Document

Row = dict[str, Any]
_NONE = "-"
_SOME: dict[str, Callable[[Row], str]] = {
    "p99, us": lambda row: number(row["p99"]) if row["unit"] == "us" else "",
    "lost": lambda row: f"{row['lost']:,}" if row.get("lost") else "",
    "Jain's index": lambda row: f"{row['jain']:.4f}" if "jain" in row else "",
}
"""Columns of tables that have something in them."""
_WORDS = {"case", "stack", "unit", "per", "beside the kernel's", "CPU beside the kernel's"}


class Progress:
    """One line on a terminal, and nothing anywhere else."""

    def __init__(self, stream: TextIO = sys.stderr):
        self._stream = stream
        self._shows = stream.isatty()

    def __call__(self, line: str) -> None:
        """Show this in place of what was shown before."""
        self._write(f"\r\033[K{line}")

    def end(self) -> None:
        """Leave the line as it was found."""
        self._write("\r\033[K")

    def _write(self, text: str) -> None:
        if self._shows:
            self._stream.write(text)
            self._stream.flush()


def draw(document: Document) -> None:
    """All rows, a table for each benchmark, and what they were measured on."""
    out = console()
    out.print(heading(document), highlight=False)
    for bench in dict.fromkeys(row["bench"] for row in document["rows"]):
        rows = [row for row in document["rows"] if row["bench"] == bench]
        out.print()
        title = bench if rows[0]["link"] == document["link"]["kind"] else f"{bench}, on loopback"
        out.print(_table(title, rows, document["ratios"]))
    for line in _missing(document):
        out.print(line, highlight=False)


def heading(document: Document) -> str:
    """What was measured on what, in one line."""
    link, machine = document["link"], document["machine"]
    rate = f"{link['rate_mbit']:g} Mbit/s" if link["rate_mbit"] else "unshaped"
    loads = [load for row in document["rows"] for load in row.get("loads", [])]
    cpus = f"one of {link['cpus']} CPUs" if link["pinned"] else f"{link['cpus']} CPUs"
    parts = [
        f"{link['kind']}, {rate}, MTU {link['mtu']}",
        f"TCP with {link['congestion']}",
        f"{cpus} ({machine['cpu']}), Linux {link['kernel']}, scaffold {machine['scaffold']}",
        f"load {min(loads):g} to {max(loads):g} before runs" if loads else "",
    ]
    return "; ".join(filter(None, parts))


def _table(title: str, rows: Sequence[Row], ratios: Sequence[Row]) -> Any:
    parts = [part for part in PARTS if any(part in row.get("cpu_us", {}) for row in rows)]
    columns = ["case", "stack", "median", "unit", "beside the kernel's", "runs"]
    columns += [name for name, text in _SOME.items() if any(map(text, rows))]
    if parts:
        columns += [f"{part.replace('_', ' ')}, CPU us" for part in [*parts, "all"]]
        columns += ["per", "CPU beside the kernel's"]
    result = table(title, *columns, right=set(columns) - _WORDS)
    for row in rows:
        its = ratios_of(row, ratios)
        result.add_row(*_cells(row, columns, its), *_cpu(row, parts, its))
    return result


def _cells(row: Row, columns: Sequence[str], ratios: Sequence[Row]) -> Iterator[str]:
    yield row["case"]
    yield row["stack"]
    yield number(row["median"])
    yield row["unit"]
    yield "; ".join(ratio_text(one, one) for one in ratios) or _NONE
    yield str(row["runs"])
    yield from (text(row) or _NONE for name, text in _SOME.items() if name in columns)


def _cpu(row: Row, parts: Sequence[str], ratios: Sequence[Row]) -> Iterator[str]:
    used = row.get("cpu_us", {})
    if parts:
        yield from (number(used[part]) if part in used else _NONE for part in [*parts, "all"])
        yield row["operation"] or _NONE
        yield "; ".join(ratio_text(one, one["cpu"]) for one in ratios) or _NONE


def ratios_of(row: Row, ratios: Sequence[Row]) -> list[Row]:
    """Those of this row to others."""
    keys = ("bench", "case", "stack", "unit")
    return [one for one in ratios if all(one[key] == row[key] for key in keys)]


def ratio_text(one: Row, figure: Row) -> str:
    """A ratio with its spread: of the figures of `one`, or of its CPU time."""
    spread = f"{figure['low']:.2f} to {figure['high']:.2f}"
    return f"{figure['median']:.2f} of {one['to']} ({spread})"


def number(value: float) -> str:
    """Three digits at least, and none that mean nothing."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:,.1f}" if value >= 10 else f"{value:.2f}"


def _missing(document: Document) -> Iterator[str]:
    for one in document.get("missing", []):
        yield (
            f"{one['program']} is not installed (Debian: {one['package']}); "
            f"its rows of {one['bench']} are left out"
        )
