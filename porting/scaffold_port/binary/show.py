"""Tables for people."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .audit import Binary

_WIDE = 250
"""Columns where no terminal limits them: nothing that is read by programs should be folded."""


def binaries(found: Sequence[Binary]) -> None:
    """The verdicts, then who imports what, then what to keep in mind."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
    for table in (_verdicts(found), _imports(found), _warnings(found)):
        if table.row_count:
            console.print(table, highlight=False)


def _verdicts(found: Sequence[Binary]) -> Table:
    table = _table("Verdicts", "binary", "verdict", "reason")
    for one in found:
        table.add_row(escape(str(one.path)), one.verdict, escape(one.reason))
    return table


def _imports(found: Sequence[Binary]) -> Table:
    table = _table("Socket calls", "binary", "imported by", "calls")
    for one in found:
        name = one.path.name
        for part in one.objects:
            if part.imports:
                table.add_row(escape(name), escape(str(part.path)), " ".join(part.imports))
                name = ""
    return table


def _warnings(found: Sequence[Binary]) -> Table:
    table = _table("Warnings", "binary", "warning")
    for one in found:
        for number, text in enumerate(one.warnings):
            table.add_row(escape(one.path.name) if number == 0 else "", escape(text))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
