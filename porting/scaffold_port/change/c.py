"""C and C++ at the native level: libscaffold's names for the calls that have them."""

import re
from collections.abc import Iterable

from ..c.guard import guard_of
from ..c.text import blank, uncommented
from ..findings import Finding
from ..source import Source
from .edits import Edit, fixes

_OURS = b"<scaffold/scaffold.h>"
_DIRECTIVE = re.compile(
    rb"^[ \t]*+#[ \t]*+(include|if|ifdef|ifndef|endif|define|pragma)\b((?:\\\r?\n|[^\n])*+)\n",
    re.MULTILINE,
)
_PREAMBLE = re.compile(rb"\s*+(?:#(?:\\\r?\n|[^\n])*+\s*+)*+")
"""Directives alone: what they define is not used yet."""
_CONDITIONS = {b"if": 1, b"ifdef": 1, b"ifndef": 1, b"endif": -1}
_BEFORE_HEADERS = re.compile(
    rb"(?:_\w*SOURCE|_(?:FILE_OFFSET|TIME)_BITS|_\w*REENTRANT|__STDC_\w+|__USE_\w+|__EXTENSIONS__"
    rb"|FD_SETSIZE)\b"
)
"""What says which parts of the system's headers a program wants (feature_test_macros(7))."""


def edits(source: Source, findings: Iterable[Finding]) -> set[Edit]:
    """libscaffold's names, and its header. Without anything to rename there is nothing."""
    found = fixes(source, findings)
    return found | _include(source.data, min(edit.start for edit in found)) if found else found


def _include(data: bytes, before: int) -> set[Edit]:
    """Our header, unless it is there: behind the last include that no condition and no braces
    surround, and all that must precede a header, and `before` the first place that needs it."""
    code = uncommented(data)
    preamble = _PREAMBLE.match(code)
    before = max(before, preamble.end() if preamble else 0)
    head = blank(data)
    guard, at, last = guard_of(code), 0, 0
    depth = braces = 0
    waits = False
    for found in _DIRECTIVE.finditer(code, 0, before):
        word, text = found[1], found[2].strip()
        braces += head.count(b"{", last, found.start()) - head.count(b"}", last, found.start())
        depth += _CONDITIONS.get(word, 0)
        waits = waits or _precedes_headers(word, text, guard)
        last = found.end()
        if depth <= bool(guard) and braces == 0 and (waits or word == b"include"):
            at, waits = last, False
            if word == b"include" and text == _OURS:
                return set()
    newline = b"\r\n" if data.partition(b"\n")[0].endswith(b"\r") else b"\n"
    return {Edit(at, at, b"#include " + _OURS + newline)}


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
