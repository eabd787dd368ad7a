"""A page for a browser: one file, no network, tables that sort by a click on a head, bar charts."""

from html import escape

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


def page(title: str, *body: str) -> str:
    """The whole document; the parts of `body` are HTML."""
    return "".join(
        [
            "<!doctype html><html lang=en><meta charset=utf-8>",
            f"<title>{escape(title)}</title><style>{_STYLE}</style><h1>{escape(title)}</h1>",
            *body,
            f"<script>{_SCRIPT}</script></html>\n",
        ]
    )


def chart(values: dict[str, int], most: int = 15) -> str:
    """Horizontal bars, the largest first."""
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
