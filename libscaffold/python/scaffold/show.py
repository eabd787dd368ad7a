"""Tables for people."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .status import size

if TYPE_CHECKING:
    from .doctor import Fact, Result

_WIDE = 250
"""Columns where no terminal limits them: nothing that is read by programs should be folded."""


def run(stack: str, number: int, value: float) -> None:
    """One finished run of a benchmark."""
    Console(stderr=True).print(f"run {number + 1}: {stack} {value:,.1f}", highlight=False)


def bench(name: str, document: dict[str, Any]) -> None:
    """The rows of a benchmark, and what it ran on."""
    link = document["link"]
    rate = f"{link['rate_mbit']:g} Mbit/s" if link["rate_mbit"] else "unshaped"
    title = f"{name} on {link['kind']}, {rate}, MTU {link['mtu']}, {link['cpus']} CPUs"
    table = _table(title, "stack", "unit", *("mean", "stdev", "median", "p99", "runs"))
    for row in document["rows"]:
        figures = [f"{row[key]:,.1f}" for key in ("mean", "stdev", "median", "p99")]
        table.add_row(row["stack"], row["unit"], *figures, str(row["runs"]))
    console = _console()
    console.print(table)
    for ratio in document.get("ratios", []):
        interval = f"{ratio['low']:.3f} to {ratio['high']:.3f}"
        line = f"{ratio['unit']} under the shim / without: median {ratio['median']:.3f}"
        console.print(f"{line} ({interval}, {ratio['confidence']:.1%})", highlight=False)


def facts(known: "Sequence[Fact]") -> None:
    """What `scaffold doctor` found out about the machine."""
    table = _table("Machine", "", "", "")
    for fact in known:
        table.add_row("ok" if fact.good else "note", fact.name, escape(fact.text))
    _console().print(table)


def checks(results: "Sequence[Result]", every: bool) -> None:
    """The verdicts by subject, then every answer that differs."""
    console = _console()
    verdicts = ("same", "refused", "different")
    subjects = dict.fromkeys(result.id.split(".")[0] for result in results)
    table = _table("Checks", "subject", *verdicts)
    for subject in subjects:
        count = Counter(r.verdict for r in results if r.id.split(".")[0] == subject)
        table.add_row(subject, *(str(count[verdict] or "-") for verdict in verdicts))
    total = Counter(r.verdict for r in results)
    table.add_row("all", *(str(total[verdict]) for verdict in verdicts), style="bold")
    console.print(table)
    shown = [r for r in results if every or r.verdict != "same"]
    if shown:
        console.print(_answers(shown))


def _answers(results: "Sequence[Result]") -> Table:
    table = _table("Answers", "check", "verdict", "native", "shim", "why")
    for r in results:
        shim = "" if r.verdict == "same" else r.shim
        table.add_row(r.id, r.verdict, escape(r.native), escape(shim), escape(r.why))
    return table


def sockets(records: list[dict[str, Any]], summary: dict[str, Any]) -> None:
    """What became of a program's sockets, on stderr: the program's output is its own."""
    console = _console(stderr=True)
    table = _table("Sockets", "program", "pid", "fd", "service", "plane", "peer")
    for column in ("sent", "received"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("why", overflow="fold")
    for one in records:
        table.add_row(
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
        console.print(table, highlight=False)
    console.print(socket_counts(summary), highlight=False)


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


def _console(stderr: bool = False) -> Console:
    console = Console(stderr=stderr)
    return console if console.is_terminal else Console(stderr=stderr, width=_WIDE)


def _table(title: str, *columns: str) -> Table:
    """The first column names what the others are about: it is not broken."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=number == 0)
    return table
