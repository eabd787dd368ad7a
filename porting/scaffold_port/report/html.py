"""The report for a browser: one file, no network, sortable, with the source lines and charts."""

from html import escape

from ..findings import Finding, Report
from ..kinds import kind

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; color: #222 }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
.sums { display: flex; gap: 2rem; flex-wrap: wrap } .sums b { font-size: 1.6rem; display: block }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .3rem .6rem;
 border-bottom: 1px solid #ddd; vertical-align: top } th { cursor: pointer; user-select: none;
 background: #f4f4f4; position: sticky; top: 0 } th[aria-sort=ascending]::after { content: " ↑" }
th[aria-sort=descending]::after { content: " ↓" } code, pre { font: 13px ui-monospace, monospace }
pre { margin: .3rem 0; white-space: pre-wrap } mark { background: #ffe08a } .low { color: #777 }
.suppressed { opacity: .5 } summary { cursor: pointer } svg text { font: 12px system-ui }
"""
_SCRIPT = """
for (const table of document.querySelectorAll("table.sortable"))
  for (const [column, head] of [...table.tHead.rows[0].cells].entries())
    head.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = row => row.cells[column].dataset.key ?? row.cells[column].textContent;
      const rows = [...table.tBodies[0].rows].sort((a, b) =>
        key(a).localeCompare(key(b), undefined, {numeric: true}) * (down ? -1 : 1));
      table.tBodies[0].append(...rows);
    });
"""


def render(report: Report) -> str:
    """The whole page."""
    about = report.summary()
    by_kind = {kind(int(number)).title: count for number, count in about["by_kind"].items()}
    by_file: dict[str, int] = {}
    for one in report.active():
        by_file[one.path] = by_file.get(one.path, 0) + one.lines
    sums = [
        (about["findings"], "findings"),
        (about["lines"], "lines, about"),
        (about["automatic"], "automatic"),
        (about["files"], "files"),
        (about["suppressed"], "suppressed"),
        (about["not_analysed"], "not analysed"),
    ]
    return "".join(
        [
            "<!doctype html><html lang=en><meta charset=utf-8><title>What a port has to change",
            f"</title><style>{_STYLE}</style><h1>What a port has to change</h1><div class=sums>",
            *(f"<div><b>{count}</b>{name}</div>" for count, name in sums),
            "</div><h2>Findings by kind of change</h2>",
            _chart(by_kind),
            "<h2>Lines by file</h2>",
            _chart(by_file, most=20),
            "<h2>Findings</h2>",
            _table(report),
            _left_out(report),
            f"<script>{_SCRIPT}</script></html>\n",
        ]
    )


def _chart(values: dict[str, int], most: int = 15) -> str:
    rows = sorted(values.items(), key=lambda item: -item[1])[:most]
    top = max((count for _, count in rows), default=1) or 1
    bars = []
    for index, (name, count) in enumerate(rows):
        y, width = index * 22, max(2, round(420 * count / top))
        shown = name if len(name) <= 60 else "…" + name[-59:]
        bars.append(
            f"<text x=400 y={y + 15} text-anchor=end>{escape(shown)}</text>"
            f'<rect x=410 y={y + 3} width={width} height=15 fill="#4a7fb5" />'
            f"<text x={415 + width} y={y + 15}>{count}</text>"
        )
    return f"<svg width=900 height={len(rows) * 22 + 4} role=img>{''.join(bars)}</svg>"


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
        f"<td>{escape(one.path)}:{one.line}</td><td>{escape(one.function)}</td>"
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
