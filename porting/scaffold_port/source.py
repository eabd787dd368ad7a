"""One source file as bytes, with lines."""

import codecs
import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from operator import sub

TEXT_MAX = 300
"""What a report shows of a line; generated files have longer ones."""

_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",  # begins as UTF-16's does
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_HEAD = 1024
"""Bytes that show how the rest is written."""


def wide(data: bytes) -> str:
    """The encoding, where one letter takes several bytes, in which no rule knows a name; empty:
    it is not one of those. Without a mark Latin letters tell, whose other bytes are zero."""
    for mark, name in _MARKS.items():
        if data.startswith(mark):
            return name
    head = data[:_HEAD]
    zero = sum(head[at::4].count(0) * 8 > len(head) for at in range(4))
    return {2: "UTF-16", 3: "UTF-32"}.get(zero, "")


_CONDITIONS = re.compile(rb"^[ \t]*#[ \t]*(if|endif)", re.MULTILINE)
_STEPS = {**dict.fromkeys(b"([{", 1), **dict.fromkeys(b")]}", -1)}
_REST = bytes(set(range(256)) - _STEPS.keys())


def nesting(data: bytes) -> int:
    """How deep brackets and conditions are nested, at most; those in strings count as well."""
    brackets = map(_STEPS.__getitem__, data.translate(None, _REST))
    return _deepest(brackets) + _deepest(
        1 if found[1] == b"if" else -1 for found in _CONDITIONS.finditer(data)
    )


def _deepest(steps: Iterable[int]) -> int:
    """The highest above the lowest before it: who closes more than was opened begins anew."""
    depths = list(accumulate(steps, initial=0))
    highest: int = max(map(sub, depths, accumulate(depths, min)))
    return highest


@dataclass(frozen=True)
class Source:
    """A file's content."""

    path: str
    data: bytes
    language: str

    @cached_property
    def starts(self) -> list[int]:
        """The offset at which each line begins."""
        starts, at = [0], self.data.find(b"\n")
        while at >= 0:
            starts.append(at + 1)
            at = self.data.find(b"\n", at + 1)
        return starts

    def position(self, offset: int) -> tuple[int, int]:
        """(line, column) of an offset; both count from 1, the column in bytes."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def offset(self, line: int, column: int) -> int:
        """The other way round."""
        return self.starts[line - 1] + column - 1

    def text(self, line: int) -> str:
        """A line, without its end."""
        start = self.starts[line - 1]
        end = self.starts[line] if line < len(self.starts) else len(self.data)
        return self.data[start : min(end, start + TEXT_MAX)].decode("utf-8", "replace").rstrip()
