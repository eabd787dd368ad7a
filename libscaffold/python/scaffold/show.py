"""Tables for people."""

from collections import Counter
from collections.abc import Container, Sequence
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .status import size

if TYPE_CHECKING:
    from .doctor import Fact, Result

_WIDE = 250
"""Columns where no terminal limits them: nothing that is read by programs should be folded."""


def facts(known: "Sequence[Fact]") -> None:
    """What `scaffold doctor` found out about the machine."""
    rows = table("Machine", "", "", "")
    for fact in known:
        rows.add_row("ok" if fact.good else "note", fact.name, escape(fact.text))
    console().print(rows)


def checks(results: "Sequence[Result]", every: bool) -> None:
    """The verdicts by subject, then every answer that differs."""
    out = console()
    verdicts = ("same", "refused", "different")
    subjects = dict.fromkeys(result.id.split(".")[0] for result in results)
    rows = table("Checks", "subject", *verdicts)
    for subject in subjects:
        count = Counter(r.verdict for r in results if r.id.split(".")[0] == subject)
        rows.add_row(subject, *(str(count[verdict] or "-") for verdict in verdicts))
    total = Counter(r.verdict for r in results)
    rows.add_row("all", *(str(total[verdict]) for verdict in verdicts), style="bold")
    out.print(rows)
    shown = [r for r in results if every or r.verdict != "same"]
    if shown:
        out.print(_answers(shown))


def _answers(results: "Sequence[Result]") -> Table:
    rows = table("Answers", "check", "verdict", "native", "shim", "why")
    for r in results:
        shim = "" if r.verdict == "same" else r.shim
        rows.add_row(r.id, r.verdict, escape(r.native), escape(shim), escape(r.why))
    return rows


def sockets(records: list[dict[str, Any]], summary: dict[str, Any]) -> None:
    """What became of a program's sockets, on stderr: the program's output is its own."""
    out = console(stderr=True)
    rows = table("Sockets", "program", "pid", "fd", "service", "plane", "peer")
    for column in ("sent", "received"):
        rows.add_column(column, justify="right", no_wrap=True)
    rows.add_column("why", overflow="fold")
    for one in records:
        rows.add_row(
            one["program"],
            str(one["pid"]),
            str(one["fd"]),
            one["service"] or "-",
            one["plane"],
            one["peer"] or ("listens" if one["role"] == "listener" else "-"),
            *("-" if one[key] is None else size(one[key]) for key in ("tx_bytes", "rx_bytes")),
            "; ".join(_remarks(one)),
        )
    if records:
        out.print(rows, highlight=False)
    out.print(socket_counts(summary), highlight=False)


def socket_counts(summary: dict[str, Any]) -> str:
    """One line: how many sockets became flows, how many stayed plain IP, and why."""
    counts = [
        f"{summary['flows']} service flows",
        f"{summary['served']} bound to services",
        *([f"{summary['failed']} failed"] if summary["failed"] else []),
        f"{summary['ip']} plain IP",
    ]
    reasons = ", ".join(f"{number} {code}" for code, number in summary["ip_reasons"].items())
    why = f" ({reasons})" if reasons else ""
    return f"scaffold: {summary['sockets']} sockets: {', '.join(counts)}{why}"


def _remarks(one: dict[str, Any]) -> list[str]:
    remarks = [one["why"]]
    if one["no_effect"]:
        remarks.append(f"without effect: {', '.join(one['no_effect'])}")
    if one["unrepaired"]:
        remarks.append("a process forked before may hold the socket as it was")
    if one["state"] == "open":
        remarks.append("nobody saw its end")
    return remarks


def console(stderr: bool = False) -> Console:
    """Where tables are printed."""
    out = Console(stderr=stderr)
    return out if out.is_terminal else Console(stderr=stderr, width=_WIDE)


def table(title: str, *columns: str, right: Container[str] = ()) -> Table:
    """The first column names what the others are about: it is not broken. Figures stand right."""
    rows = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for number, column in enumerate(columns):
        justify: Literal["right", "left"] = "right" if column in right else "left"
        rows.add_column(column, overflow="fold", no_wrap=number == 0, justify=justify)
    return rows
