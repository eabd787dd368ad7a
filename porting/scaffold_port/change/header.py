"""Where libscaffold's header goes in a file of C or C++."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, takewhile

from ..c.guard import guard_of
from ..c.text import blank, uncommented
from .edits import Edit

_OURS = b"<scaffold/scaffold.h>"
_DIRECTIVE = re.compile(
    rb"^[ \t]*+#[ \t]*+(include|if|ifdef|ifndef|elif|else|endif|define|pragma)\b"
    rb"((?:\\\r?\n|[^\n])*+)\n",
    re.MULTILINE,
)
_PREAMBLE = re.compile(rb"\s*+(?:#(?:\\\r?\n|[^\n])*+\s*+)*+")
"""Directives alone: what they define is not used yet."""
_BEFORE_HEADERS = re.compile(
    rb"(?:_\w*SOURCE|_(?:FILE_OFFSET|TIME)_BITS|_\w*REENTRANT|__STDC_\w+|__USE_\w+|__EXTENSIONS__"
    rb"|FD_SETSIZE)\b"
)
"""What says which parts of the system's headers a program wants (feature_test_macros(7))."""
_DEPTH_MAX = 200
"""Of conditions; deeper nesting is not written by people, and gets no header of its own."""


@dataclass
class _Branch:
    """The code under one condition, or the whole file, as far as it was looked at."""

    at: int | None = None  # where the header may stand
    includes: bool = False  # headers, under no further condition
    holds: bool = False  # headers, under further ones
    precedes: bool = False  # holds what must precede headers
    has_ours: bool = False

    def close(self, inner: "_Branch", end: int) -> None:
        """A condition ends, at `end`; `inner` is the last of its branches."""
        if inner.precedes or (self.at is None and inner.holds):
            self.at = end
        self.holds = self.holds or inner.holds
        self.precedes = self.precedes or inner.precedes


Branches = tuple[_Branch, ...]
"""Those that a place is in, the outermost first."""


def headers(data: bytes, places: Iterable[int]) -> set[Edit]:
    """Our header in front of each of the places, unless it is there.

    It stands behind the last include that no braces surround, under as few conditions as can be and
    no others than the place, and behind all that must precede a header.
    """
    newline = b"\r\n" if data.partition(b"\n")[0].endswith(b"\r") else b"\n"
    text = b"#include " + _OURS + newline
    return {Edit(at, at, text) for at in _positions(data, sorted(places))}


def _positions(data: bytes, places: list[int]) -> Iterator[int]:
    walk = _Walk(data)
    end = _end_of_preamble(walk.code)
    early = [place for place in places if place < end]
    if early:
        branches = walk.to(early[0])
        for place in (*early, end):
            branches = _common(branches, walk.to(place))
        yield from _header(branches)
    for place in places[len(early) :]:
        yield from _header(walk.to(place))


def _end_of_preamble(code: bytes) -> int:
    """0 where there is nothing else: what it defines is used in other files."""
    preamble = _PREAMBLE.match(code)
    return preamble.end() if preamble and preamble.end() < len(code) else 0


def _common(some: Branches, others: Branches) -> Branches:
    pairs = zip(some, others, strict=False)
    return tuple(one for one, _ in takewhile(lambda pair: pair[0] is pair[1], pairs))


def _header(branches: Branches) -> Iterator[int]:
    if any(one.has_ours for one in branches):
        return
    including = (one for one in branches if one.includes)
    others = (one for one in reversed(branches) if one.at is not None)
    chosen = next(chain(including, others), branches[0])
    chosen.has_ours = True
    yield chosen.at or 0


class _Walk:
    """Over the directives of a file, from place to place."""

    def __init__(self, data: bytes) -> None:
        self.code = uncommented(data)
        self._text = blank(data)
        self._guard = guard_of(self.code)
        self._directives = _DIRECTIVE.finditer(self.code)
        self._next = next(self._directives, None)
        self._branches = [_Branch()]
        self._deeper = self._braces = self._last = 0

    def to(self, place: int) -> Branches:
        """The branches that a place is in, which is no earlier than the last one."""
        while self._next and self._next.end() <= place:
            self._see(self._next)
            self._next = next(self._directives, None)
        return tuple(self._branches)

    def _see(self, directive: re.Match[bytes]) -> None:
        start, self._last, last = directive.start(), directive.end(), self._last
        self._braces += self._text.count(b"{", last, start) - self._text.count(b"}", last, start)
        word, text = directive[1], directive[2].strip()
        if word in (b"if", b"ifdef", b"ifndef"):
            self._open()
        elif word in (b"elif", b"else"):
            self._turn()
        elif word == b"endif":
            self._close()
        elif not self._deeper and not self._braces:
            self._note(word, text)

    def _open(self) -> None:
        if len(self._branches) < _DEPTH_MAX:
            self._branches.append(_Branch())
        else:
            self._deeper += 1

    def _turn(self) -> None:
        if not self._deeper and len(self._branches) > 1:
            old = self._branches[-1]
            self._branches[-1] = _Branch(holds=old.holds, precedes=old.precedes)

    def _close(self) -> None:
        if self._deeper:
            self._deeper -= 1
        elif len(self._branches) > 1:
            inner = self._branches.pop()
            self._branches[-1].close(inner, self._last)

    def _note(self, word: bytes, text: bytes) -> None:
        """An include, or what must precede one."""
        branch, includes = self._branches[-1], word == b"include"
        precedes = _precedes_headers(word, text, self._guard)
        if includes or precedes:
            branch.at = self._last
            branch.precedes = branch.precedes or precedes
            branch.includes = branch.includes or includes
            branch.holds = branch.holds or includes
            branch.has_ours = branch.has_ours or (includes and text == _OURS)


def _precedes_headers(word: bytes, text: bytes, guard: bytes) -> bool:
    if word == b"pragma":
        return text == b"once"
    if word == b"include":
        return _is_of_configure(text)
    names_guard = text.split()[:1] == [guard]
    return word == b"define" and (names_guard or _BEFORE_HEADERS.match(text) is not None)


def _is_of_configure(header: bytes) -> bool:
    """Whether it is what configure writes: it may say the same, and many include it under a
    condition."""
    name = header.strip(b'"<> \t\r').rpartition(b"/")[2]
    return b"config" in name and name.endswith(b".h")
