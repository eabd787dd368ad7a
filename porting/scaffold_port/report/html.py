"""The report for a browser, with the source lines and charts of the effort."""

from html import escape

from ..files import display
from ..findings import Finding, Report
from ..kinds import kind
from .page import chart, page


def render(report: Report) -> str:
    """The whole page."""
    about = report.summary()
    by_kind = {kind(int(number)).title: count for number, count in about["by_kind"].items()}
    by_file: dict[str, int] = {}
    for one in report.active():
        path = display(one.path)
        by_file[path] = by_file.get(path, 0) + one.lines
    sums = [
        (about["findings"], "findings"),
        (about["lines"], "lines, about"),
        (about["automatic"], "automatic"),
        (about["files"], "files"),
        (about["suppressed"], "suppressed"),
        (about["not_analysed"], "not analysed"),
    ]
    return page(
        "What a port has to change",
        "<div class=sums>",
        *(f"<div><b>{count}</b>{name}</div>" for count, name in sums),
        "</div><h2>Findings by kind of change</h2>",
        chart(by_kind),
        "<h2>Lines by file</h2>",
        chart(by_file, most=20),
        "<h2>Findings</h2>",
        _table(report),
        _left_out(report),
    )


def _table(report: Report) -> str:
    heads = ("place", "function", "kind", "rule", "confidence", "what")
    return "".join(
        [
            "<table class=sortable><thead><tr>",
            *(f"<th>{head}</th>" for head in heads),
            "</tr></thead><tbody>",
            *(_row(one) for one in report.findings),
            "</tbody></table>",
        ]
    )


def _row(one: Finding) -> str:
    text = one.text.encode()
    before, name, after = (
        escape(part.decode("utf-8", "replace"))
        for part in (
            text[: one.column - 1],
            text[one.column - 1 : one.end_column - 1],
            text[one.end_column - 1 :],
        )
    )
    where = "".join(f"<div><code>{escape(one)}</code></div>" for one in one.ifdef)
    state = f" <i>suppressed: {escape(one.suppressed)}</i>" if one.suppressed else ""
    return (
        f"<tr class={'suppressed' if one.suppressed else one.confidence}>"
        f"<td>{escape(display(one.path))}:{one.line}</td><td>{escape(one.function)}</td>"
        f"<td data-key={one.kind}>{one.kind} {escape(kind(one.kind).title)}</td>"
        f"<td>{one.rule}</td><td>{one.confidence}</td>"
        f"<td><details><summary>{escape(one.message)}{state}</summary>{where}"
        f"<pre>{before}<mark>{name}</mark>{after}</pre></details></td></tr>"
    )


def _left_out(report: Report) -> str:
    rows = [
        f"<tr><td>{escape(one.path)}{f':{one.line}' if one.line else ''}</td>"
        f"<td>{escape(one.reason)}</td></tr>"
        for one in report.not_analysed
    ]
    rows += [
        f"<tr><td>skipped</td><td>{count} {escape(reason)}</td></tr>"
        for reason, count in report.skipped.items()
    ]
    return f"<h2>Not looked at</h2><table>{''.join(rows)}</table>" if rows else ""
