"""The table for a terminal, a page, a spreadsheet and a program."""

import csv as csv_module
import io
import json as json_module

from .cells import HEADS, NUMBERS, cells, notes, sums
from .rows import COUNTED, Row, total


def text(rows: list[Row]) -> str:
    """Columns, the sums below, then the notes."""
    lines = [list(HEADS), *map(cells, rows), sums(rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(HEADS))]
    shown = ["  ".join(_aligned(line, widths)).rstrip() for line in lines]
    rule = "-" * max(map(len, shown))
    table = [shown[0], rule, *shown[1:-1], rule, shown[-1], ""]
    return "\n".join([*table, *notes(rows)]) + "\n"


def _aligned(line: list[str], widths: list[int]) -> list[str]:
    return [
        cell.rjust(width) if at in NUMBERS else cell.ljust(width)
        for at, (cell, width) in enumerate(zip(line, widths, strict=True))
    ]


def markdown(rows: list[Row]) -> str:
    """For a page in a repository."""
    rule = ["---:" if at in NUMBERS else "---" for at in range(len(HEADS))]
    lines = [
        list(HEADS),
        rule,
        *map(cells, rows),
        [f"**{cell}**" * bool(cell) for cell in sums(rows)],
    ]
    table = ["| " + " | ".join(_escaped(cell) for cell in line) + " |" for line in lines]
    return "\n".join([*table, "", *(f"- {_escaped(note)}" for note in notes(rows))]) + "\n"


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")


def csv(rows: list[Row]) -> str:
    """RFC 4180; numbers without separators, no sums."""
    out = io.StringIO()
    writer = csv_module.writer(out)
    writer.writerow(HEADS)
    for row in rows:
        line = cells(row)
        writer.writerow(
            cell.replace(",", "") if at in NUMBERS else cell for at, cell in enumerate(line)
        )
    return out.getvalue()


def json(rows: list[Row]) -> str:
    """As docs/schemas/table.schema.json says."""
    document = {
        "schema": 1,
        "rows": [row.to_json() for row in rows],
        "total": {level: total(rows, level).to_json() for level in COUNTED},
    }
    return json_module.dumps(document, indent=1) + "\n"
