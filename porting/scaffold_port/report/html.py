"""The report for a browser, with the source lines and charts of the effort."""

from collections.abc import Callable
from html import escape

from ..files import display
from ..findings import Finding, Report
from ..kinds import KINDS, kind
from .excerpt import Excerpt, excerpts
from .page import FILTER, chart, longest, page

WHO = ("by rewrite", "by hand")
FILES_SHOWN = 20


def render(report: Report) -> str:
    """The whole page."""
    about = report.summary()
    by_kind = _effort(report, lambda one: kind(one.kind).title)
    by_file = _effort(report, lambda one: display(one.path))
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
        "</div><h2>Lines by kind of change</h2>",
        chart(WHO, longest(by_kind, len(KINDS))),
        "<h2>Lines by file</h2>",
        chart(WHO, longest(by_file, FILES_SHOWN)),
        _cut(len(by_file)),
        "<h2>Findings</h2>",
        FILTER,
        _table(report),
        _left_out(report),
    )


def _effort(report: Report, key: Callable[[Finding], str]) -> dict[str, tuple[int, int]]:
    """Estimated lines, those of `rewrite` and the others."""
    sums: dict[str, tuple[int, int]] = {}
    for one in report.active():
        done, left = sums.get(key(one), (0, 0))
        add = (one.lines, 0) if one.automatic else (0, one.lines)
        sums[key(one)] = (done + add[0], left + add[1])
    return sums


def _cut(files: int) -> str:
    return f"<p>and {files - FILES_SHOWN} more files</p>" if files > FILES_SHOWN else ""


def _table(report: Report) -> str:
    heads = ("place", "function", "kind", "rule", "confidence", "what")
    return "".join(
        [
            "<table class=sortable><thead><tr>",
            *(f"<th>{head}</th>" for head in heads),
            "</tr></thead><tbody>",
            *(_row(one, lines) for one, lines in excerpts(report.findings)),
            "</tbody></table>",
        ]
    )


def _row(one: Finding, lines: Excerpt) -> str:
    source = "\n".join(
        f"<i>{number:5}</i> {_marked(one) if number == one.line else escape(line)}"
        for number, line in lines
    )
    where = "".join(f"<div><code>{escape(one)}</code></div>" for one in one.ifdef)
    state = f" <i>suppressed: {escape(one.suppressed)}</i>" if one.suppressed else ""
    return (
        f"<tr class={'suppressed' if one.suppressed else one.confidence}>"
        f"<td>{escape(display(one.path))}:{one.line}</td><td>{escape(one.function)}</td>"
        f"<td data-key={one.kind}>{one.kind} {escape(kind(one.kind).title)}</td>"
        f"<td>{one.rule}</td><td>{one.confidence}</td>"
        f"<td><details><summary>{escape(one.message)}{state}</summary>{where}"
        f"<pre>{source}</pre></details></td></tr>"
    )


def _marked(one: Finding) -> str:
    start, end = one.shown
    before, name, after = map(escape, (one.text[:start], one.text[start:end], one.text[end:]))
    return f"{before}<mark>{name}</mark>{after}"


def _left_out(report: Report) -> str:
    rows = [
        f"<tr><td>{escape(display(one.path))}{f':{one.line}' if one.line else ''}</td>"
        f"<td>{escape(one.reason)}</td></tr>"
        for one in report.not_analysed
    ]
    rows += [
        f"<tr><td>skipped</td><td>{count} {escape(reason)}</td></tr>"
        for reason, count in report.skipped.items()
    ]
    return f"<h2>Not looked at</h2><table>{''.join(rows)}</table>" if rows else ""
