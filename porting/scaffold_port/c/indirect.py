"""Calls that no name in the source shows: by number, by text, by an assembler's name, or by a name
that is split over lines. They are listed as not analysed."""

import re
from collections.abc import Iterator

from ..rules import is_watched
from ..source import Source
from .signature import TAKES
from .text import blank, uncommented

_NUMBER = re.compile(rb"\b(?:SYS|__NR)_(\w++)")
_LITERAL = re.compile(rb"\bsyscall\s*+\(\s*+\d\w*+")
_DIRECTIVE = re.compile(rb"[ \t]*+#[ \t]*+(?:if|elif|undef|define[ \t]*+$)")
"""In front of a number that is asked for or made there, and not used."""
_BY_TEXT = re.compile(
    rb'\b(?:(dlv?sym|GetProcAddress)\s*+\([^;]{0,200}?|((?:__)?asm(?:__)?)\s*+\(\s*+)"(%s)"'
    % b"|".join(name.encode() for name in TAKES)
)
_SPLIT = re.compile(rb"\b\w++(?:\\\r?\n\w++)++")
_NEWLINE = re.compile(rb"\\\r?\n")
_NUMBERS = (b"syscall", b"SYS_", b"__NR_")
_ASKS = (b"dlsym", b"dlvsym", b"GetProcAddress")
_ASSEMBLY = re.compile(rb'"(?:%s)"' % b"|".join(name.encode() for name in TAKES))
"""What `asm`, of which many files have some, must name."""


def indirect(source: Source) -> Iterator[tuple[int, str]]:
    """(offset, what it is) of each. Most files have none, which is seen at once."""
    data = source.data
    if any(sign in data for sign in _NUMBERS):
        yield from _by_number(blank(data))
    if any(sign in data for sign in _ASKS) or (b"asm" in data and _ASSEMBLY.search(data)):
        yield from _by_text(uncommented(data))
    if _SPLIT.search(data):
        yield from _split(blank(data))


def _by_number(code: bytes) -> Iterator[tuple[int, str]]:
    for found in _NUMBER.finditer(code):
        begins = code.rfind(b"\n", 0, found.start()) + 1
        if _DIRECTIVE.match(code, begins, found.start()):
            continue
        if found[1].decode() in _CALLS or found[1] == b"socketcall":
            yield found.start(), f"`{found[0].decode()}`: a system call by its number"
    for found in _LITERAL.finditer(code):
        yield found.start(), "`syscall`: a system call by a number without a name"


def _by_text(code: bytes) -> Iterator[tuple[int, str]]:
    for found in _BY_TEXT.finditer(code):
        asks = (found[1] or found[2]).decode()
        yield found.start(), f"`{asks}` asks for `{found[3].decode()}` by its name"


def _split(code: bytes) -> Iterator[tuple[int, str]]:
    for found in _SPLIT.finditer(code):
        name = _NEWLINE.sub(b"", found[0]).decode("utf-8", "replace")
        if is_watched(name):
            yield found.start(), f"`{name}` is split over lines"


_CALLS = TAKES.keys() - {"read", "readv", "write", "writev", "fork", "vfork"}
"""System calls of these are for sockets."""
