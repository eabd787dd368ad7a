"""A page for a browser: one file, no network, tables that sort by a click on a head, bar charts."""

from collections.abc import Mapping, Sequence
from html import escape

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 90rem; padding: 0 1rem;
 color: #222 }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
.verdict { font-size: 1.15rem; max-width: 50rem } .filters { display: flex; gap: 1.5rem;
 flex-wrap: wrap; align-items: center }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .3rem .6rem;
 border-bottom: 1px solid #ddd; vertical-align: top } th { cursor: pointer; user-select: none;
 background: #f4f4f4; position: sticky; top: 0 } th[aria-sort=ascending]::after { content: " ↑" }
th[aria-sort=descending]::after { content: " ↓" } code, pre { font: 13px ui-monospace, monospace }
pre { margin: .3rem 0; white-space: pre-wrap } td:has(pre) { width: 50% }
mark { background: #ffe08a } .low { color: #777 }
[data-group=suppressed] { opacity: .5 } summary { cursor: pointer }
svg { max-width: 100%; height: auto } svg text { font: 12px system-ui }
.legend { display: flex; gap: 1.5rem; margin: .5rem 0 } .legend i { display: inline-block;
 width: .8rem; height: .8rem; margin-right: .4rem } pre i { color: #999; user-select: none;
 font-style: normal } [type=search] { font: inherit; padding: .2rem .5rem; width: 24rem;
 max-width: 100% } code { overflow-wrap: anywhere }
.wide td:first-child { min-width: 14rem }
@media (max-width: 60rem) { .wide { overflow-x: auto } }
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
const text = document.querySelector("#filter");
const groups = [...document.querySelectorAll(".filters [type=checkbox]")];
const choose = () => {
  const shown = new Set(groups.filter(box => box.checked).map(box => box.name));
  for (const row of document.querySelectorAll("tr[data-group]"))
    row.hidden = !shown.has(row.dataset.group) ||
      !row.textContent.toLowerCase().includes(text.value.toLowerCase());
};
for (const input of [text, ...groups]) input?.addEventListener("input", choose);
if (text) choose();
"""


def filters(groups: Mapping[str, tuple[str, bool]]) -> str:
    """What hides rows that have another `data-group`, or have not got what is typed. Of each group:
    what is said of it, and whether it is shown at first."""
    boxes = [
        f"<label><input type=checkbox name={name}{' checked' if shown else ''}> {text}</label>"
        for name, (text, shown) in groups.items()
    ]
    search = '<input id=filter type=search placeholder="only rows with…" aria-label="Filter">'
    return f"<p class=filters>{''.join(boxes)}{search}</p>"


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


COLOURS = ("#4a7fb5", "#d98c3f", "#9a9a9a")
"""One for each part of a bar; they differ in brightness, too."""
_NAMES, _LONGEST, _STEP = 400, 420, 22
"""Widths of the names and of the longest bar, and the height of a row, in pixels."""


def longest(bars: Mapping[str, tuple[int, ...]], most: int) -> dict[str, tuple[int, ...]]:
    """The bars that are worth a look, the longest first."""
    return dict(sorted(bars.items(), key=lambda item: -sum(item[1]))[:most])


def chart(parts: Sequence[str], bars: Mapping[str, tuple[int, ...]]) -> str:
    """Horizontal bars in the order given; each is made of as many `parts`, in their order."""
    top = max(map(sum, bars.values()), default=1) or 1
    drawn = [
        _bar(index, parts, name, values, top) for index, (name, values) in enumerate(bars.items())
    ]
    legend = "".join(
        f'<span><i style="background:{colour}"></i>{escape(part)}</span>'
        for part, colour in zip(parts, COLOURS, strict=False)
    )
    height = len(bars) * _STEP + 4
    return (
        f"<div class=legend>{legend}</div>"
        f'<svg width=900 height={height} viewBox="0 0 900 {height}" role=img>'
        f"{''.join(drawn)}</svg>"
    )


def _bar(index: int, parts: Sequence[str], name: str, values: tuple[int, ...], top: int) -> str:
    y, x = index * _STEP, _NAMES + 10
    shown = name if len(name) <= 60 else "…" + name[-59:]
    drawn = [f"<text x={_NAMES} y={y + 15} text-anchor=end>{escape(shown)}</text>"]
    for part, value, colour in zip(parts, values, COLOURS, strict=False):
        width = max(2, round(_LONGEST * value / top)) if value else 0
        drawn.append(
            f'<rect x={x} y={y + 3} width={width} height=15 fill="{colour}">'
            f"<title>{escape(part)}: {value}</title></rect>"
        )
        x += width
    return "".join([*drawn, f"<text x={x + 5} y={y + 15}>{sum(values)}</text>"])
