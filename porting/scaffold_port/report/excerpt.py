"""The lines around findings, from the files as they are now."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from ..findings import Finding
from ..source import Source

CONTEXT = 3
"""Lines on each side."""

Excerpt = list[tuple[int, str]]
"""Line numbers and lines, the finding's own among them."""


def excerpts(findings: Iterable[Finding]) -> Iterator[tuple[Finding, Excerpt]]:
    """Each finding, in the order given, and what it stands in."""
    for path, group in groupby(findings, lambda one: one.path):
        source = _source(path)
        for one in group:
            yield one, _around(one, source)


def _source(path: str) -> Source | None:
    try:
        return Source(path, Path(path).read_bytes(), language="")
    except OSError:
        return None


def _around(one: Finding, source: Source | None) -> Excerpt:
    """The line alone where the file has gone, or is another by now."""
    count = len(source.starts) if source else 0
    if source is None or one.line > count or source.text(one.line) != one.text:
        return [(one.line, one.text)]
    numbers = range(max(1, one.line - CONTEXT), min(one.line + CONTEXT, count) + 1)
    lines = [(number, source.text(number)) for number in numbers]
    return lines if lines[-1][1] or one.line == count else lines[:-1]
