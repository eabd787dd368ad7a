"""Names without a tree, and what is followed by a parenthesis."""

import re
from bisect import bisect_right
from collections.abc import Iterator

from ..source import Source
from .text import TEXT
from .unit import Use

_OPENS = re.compile(
    rb"(?:\s|\\\r?\n|/\*(?:[^*]|\*(?!/))*+\*/|//[^\n]*+)*+\((?!\s*+\*\s*+\w++\s*+\)\s*+\()"
)
"""An opening parenthesis, but not that of a pointer to a function."""
_OLD_HEAD = re.compile(rb"\s*+\([\w\s,]*+\)\s*+(?:\w[^;{}()#]*+;\s*+)++\{")
"""Behind the name in the head of a definition whose parameters are declared before its body."""


def is_called(source: Source, end: int) -> bool:
    """Whether what ends there is called."""
    return _OPENS.match(source.data, end) is not None


def is_defined(source: Source, end: int) -> bool:
    """Whether what ends there looks like a call, but heads a definition as before C89."""
    return _OLD_HEAD.match(source.data, end) is not None


def by_words(source: Source, places: list[tuple[int, int]]) -> Iterator[Use]:
    """Names outside of comments and strings; what is followed by a parenthesis is a call. Whose
    function it stands in is not known."""
    texts = [(text.start(), text.end()) for text in TEXT.finditer(source.data)]
    starts = [start for start, _ in texts]
    for start, end in places:
        at = bisect_right(starts, start) - 1
        if at >= 0 and start < texts[at][1]:
            continue
        name = source.data[start:end].decode()
        role = "own" if is_defined(source, end) else "call" if is_called(source, end) else "mention"
        yield Use(name, start, end, role, broken=True)
