"""Plots as SVG: of numbers and words alone, so that there is nothing to install, and a new plot
differs from an old one in lines that can be read."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH = 860
_LABELS = 345
"""Of that, what stands left of the axis."""
_NOTES = 130
"""And right of it."""
_TOP, _ROW, _BOTTOM = 52, 22, 30
_TICKS = 6
_COLOURS = ("#4878a8", "#e1974c", "#c25b56", "#6aa56e")
_STYLE = (
    "text{font:12px sans-serif;fill:#333}.title{font-weight:bold;font-size:13px}"
    ".tick{fill:#777;font-size:11px}.axis{stroke:#999}.grid{stroke:#ccc;stroke-width:.5}"
    ".whisker{stroke-width:2}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.tick{fill:#aaa}.grid{stroke:#555}}"
)


@dataclass(frozen=True)
class Mark:
    """A figure with an interval around it."""

    label: str
    group: str
    """Marks of one group have one colour."""
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Bar:
    """A sum, with its parts one after another."""

    label: str
    parts: dict[str, float]
    note: str
    """What stands at its end."""


def marks(title: str, entries: Sequence[Mark]) -> str:
    """Each mark with its whiskers, and a line where both are equal."""
    groups = list(dict.fromkeys(entry.group for entry in entries))
    scale = _Scale(max([1.0, *(entry.high for entry in entries)]))
    body = [*scale.grid(len(entries)), _line(scale.x(1), scale.x(1), _TOP, _end(entries), "axis")]
    for number, entry in enumerate(entries):
        colour, y = _COLOURS[groups.index(entry.group)], _middle(number)
        body += [
            _label(entry.label, y),
            f'<line class="whisker" stroke="{colour}" x1="{scale.x(entry.low):.1f}" '
            f'x2="{scale.x(entry.high):.1f}" y1="{y}" y2="{y}"/>',
            f'<circle fill="{colour}" cx="{scale.x(entry.value):.1f}" cy="{y}" r="4"/>',
            _note(f"{entry.value:.2f}", scale.x(max(entry.value, entry.high)), y),
        ]
    return _picture(title, groups, body, entries)


def bars(title: str, entries: Sequence[Bar]) -> str:
    """Each bar's parts from left to right, in the order in which the first bar that has all of
    them names them."""
    names = list(max(entries, key=lambda entry: len(entry.parts)).parts)
    scale = _Scale(max(sum(entry.parts.values()) for entry in entries))
    body = scale.grid(len(entries))
    for number, entry in enumerate(entries):
        y, begin = _middle(number), 0.0
        body.append(_label(entry.label, y))
        for name, value in entry.parts.items():
            left, right = scale.x(begin), scale.x(begin + value)
            body.append(
                f'<rect fill="{_COLOURS[names.index(name)]}" x="{left:.1f}" y="{y - 7}" '
                f'width="{right - left:.1f}" height="14"/>'
            )
            begin += value
        body.append(_note(entry.note, scale.x(begin), y))
    return _picture(title, names, body, entries)


class _Scale:
    """From values, of which 0 is at the axis, to the picture's x."""

    def __init__(self, most: float):
        self._step = _round_step(most / _TICKS)
        self._count = int(most / self._step) + 1
        self._most = self._count * self._step

    def x(self, value: float) -> float:
        return _LABELS + value / self._most * (WIDTH - _LABELS - _NOTES)

    def grid(self, rows: int) -> list[str]:
        bottom, lines = _TOP + rows * _ROW, []
        for number in range(self._count + 1):
            x, value = self.x(number * self._step), number * self._step
            lines.append(_line(x, x, _TOP, bottom, "grid"))
            lines.append(_text(f"{value:g}", x, bottom + 15, "tick", "middle"))
        return lines


def _round_step(least: float) -> float:
    """The smallest of 1, 2, 5, 10, 20... that is not below it; and of their tenths."""
    step = 0.01
    while True:
        for factor in (1, 2, 5):
            if step * factor >= least:
                return step * factor
        step *= 10


def _middle(number: int) -> float:
    return _TOP + number * _ROW + _ROW / 2


def _end(entries: Sequence[object]) -> float:
    return _TOP + len(entries) * _ROW


def _label(text: str, y: float) -> str:
    return _text(text, _LABELS - 8, y + 4, "", "end")


def _note(text: str, x: float, y: float) -> str:
    return _text(text, x + 8, y + 4, "tick", "start")


def _text(text: str, x: float, y: float, kind: str, anchor: str) -> str:
    where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text class="{kind}" {where}>{escape(text)}</text>'


def _line(x1: float, x2: float, y1: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}"/>'


def _legend(names: Iterable[str]) -> Iterator[str]:
    x = float(_LABELS)
    for name, colour in zip(names, _COLOURS, strict=False):
        yield f'<rect fill="{colour}" x="{x:.1f}" y="30" width="10" height="10"/>'
        yield _text(name, x + 14, 39, "", "start")
        x += 30 + 6.5 * len(name)


def _picture(
    title: str, legend: Iterable[str], body: Iterable[str], entries: Sequence[object]
) -> str:
    height = _end(entries) + _BOTTOM
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        _text(title, 8, 18, "title", "start"),
        *_legend(legend),
        *body,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"
