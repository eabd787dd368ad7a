"""The table for a browser, with a chart of what ports cost then and now."""

from html import escape

from ..report.page import chart, page
from .cells import HEADS, NUMBERS, cells, notes, sums
from .rows import Row


def html(rows: list[Row]) -> str:
    """One file, no network, sortable."""
    return page(
        "What it takes to port a program to services",
        "<h2>Changed lines: the original's, and those of the native level</h2>",
        chart(("by rewrite", "by hand", "the original's"), _bars(rows)),
        "<h2>Programs</h2><table class=sortable><thead><tr>",
        *(f"<th>{escape(head)}</th>" for head in HEADS),
        "</tr></thead><tbody>",
        *(_line(cells(row)) for row in rows),
        f"</tbody><tfoot>{_line(sums(rows))}</tfoot></table><ul>",
        *(f"<li>{escape(note)}</li>" for note in notes(rows)),
        "</ul>",
    )


def _bars(rows: list[Row]) -> dict[str, tuple[int, int, int]]:
    bars = {}
    for row in rows:
        native = row.changed.get("native")
        if row.seed:
            bars[f"{row.row}, original"] = (0, 0, row.seed.changes)
        if native:
            bars[f"{row.row}, native"] = (native.automatic.total, native.manual.total, 0)
    return bars


def _line(line: list[str]) -> str:
    return f"<tr>{''.join(_cell(at, cell) for at, cell in enumerate(line))}</tr>"


def _cell(at: int, cell: str) -> str:
    key = f' data-key="{escape(cell.replace(",", ""))}"' if at in NUMBERS else ""
    return f"<td{key}>{escape(cell)}</td>"
