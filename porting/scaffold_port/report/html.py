"""The report for a browser, with the source lines and charts of the effort."""

import datetime
import re
from collections.abc import Callable
from html import escape
from pathlib import Path

from .. import __version__
from ..files import display
from ..findings import FOLDED, GROUPS, Finding, Report
from ..kinds import KINDS, kind
from .excerpt import Excerpt, excerpts
from .page import chart, filters, longest, page

WHO = ("by rewrite", "by hand")
FILES_SHOWN = 20


def render(report: Report) -> str:
    """The whole page."""
    by_kind = _effort(report, lambda one: kind(one.kind).title)
    by_file = _effort(report, lambda one: display(one.path))
    return page(
        f"{_name(report)}: what a port has to change",
        f"<p>{datetime.datetime.now(datetime.UTC):%Y-%m-%d}, scaffold-port {__version__}</p>",
        f"<p class=verdict>{_verdict(report)}</p>",
        "<h2>Lines by kind of change</h2>",
        chart(WHO, longest(by_kind, len(KINDS))),
        "<h2>Lines by file</h2>",
        chart(WHO, longest(by_file, FILES_SHOWN)),
        _cut(len(by_file)),
        "<h2>Findings</h2>",
        filters(
            {
                group: (f"{report.count(group)} {escape(name)}", group not in FOLDED)
                for group, name in GROUPS.items()
            }
        ),
        _table(report),
        _left_out(report),
    )


def _name(report: Report) -> str:
    """Of the program: its folder's, or what was named in it."""
    return ", ".join(display(Path(path).absolute().name or path) for path in report.paths)


def _verdict(report: Report) -> str:
    """What there is to do, in two sentences."""
    about = report.summary()
    missed = len(report.not_analysed)
    return (
        f"{about['automatic']} of {about['findings']} findings are automatic, about "
        f"{about['lines']} lines in all. "
        f"{about['decide']} are to decide and {about['context']} context; "
        + (f"{missed} places were not analysed." if missed else "everything was analysed.")
    )


_CODE = re.compile(r"`([^`]+)`")


def _prose(text: str) -> str:
    """Words with code among them."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>" if text else ""


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
    heads = ("place", "function", "kind", "rule", "confidence", "group", "what")
    return "".join(
        [
            "<div class=wide><table class=sortable><thead><tr>",
            *(f"<th>{head}</th>" for head in heads),
            "</tr></thead><tbody>",
            *(_row(one, lines) for one, lines in excerpts(report.ranked())),
            "</tbody></table></div>",
        ]
    )


def _row(one: Finding, lines: Excerpt) -> str:
    source = "\n".join(
        f"<i>{number:5}</i> {_marked(one) if number == one.line else escape(line)}"
        for number, line in lines
    )
    where = "".join(f"<div>{_code(condition)}</div>" for condition in one.ifdef)
    why = one.suppressed or one.left
    state = GROUPS[one.group] + (f": {_prose(why)}" if why else "")
    return (
        f"<tr class={one.confidence} data-group={one.group}>"
        f"<td>{_code(f'{display(one.path)}:{one.line}')}</td><td>{_code(one.function)}</td>"
        f"<td data-key={one.kind}>{one.kind} {escape(kind(one.kind).title)}</td>"
        f"<td>{one.rule}</td><td>{one.confidence}</td><td>{state}</td>"
        f"<td><details><summary>{_prose(one.question or one.message)}</summary>{where}"
        f"<pre>{source}</pre></details></td></tr>"
    )


def _marked(one: Finding) -> str:
    start, end = one.shown
    before, name, after = map(escape, (one.text[:start], one.text[start:end], one.text[end:]))
    return f"{before}<mark>{name}</mark>{after}"


def _left_out(report: Report) -> str:
    rows = [
        f"<tr><td>{_code(display(one.path) + (f':{one.line}' if one.line else ''))}</td>"
        f"<td>{_prose(one.reason)}</td></tr>"
        for one in report.not_analysed
    ]
    rows += [
        f"<tr><td>skipped</td><td>{count} {escape(reason)}</td></tr>"
        for reason, count in report.skipped.items()
    ]
    return f"<h2>Not looked at</h2><table>{''.join(rows)}</table>" if rows else ""
