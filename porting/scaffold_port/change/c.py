"""C and C++ at the native level: libscaffold's names for the calls that have them."""

import re
from collections.abc import Iterable

from ..c.text import blank, uncommented
from ..findings import Finding
from ..source import Source
from .edits import Edit, fixes

_INCLUDE = re.compile(rb"^[ \t]*#[ \t]*include\b([^\n]*)\n", re.MULTILINE)
_OURS = b"<scaffold/scaffold.h>"
_CONDITION = re.compile(rb"^[ \t]*#[ \t]*(if|ifdef|ifndef|endif)\b[^\n]*\n", re.MULTILINE)


def edits(source: Source, findings: Iterable[Finding]) -> set[Edit]:
    """libscaffold's names, and its header. Without anything to rename there is nothing."""
    found = fixes(source, findings)
    return found | _include(source.data, min(edit.start for edit in found)) if found else found


def _include(data: bytes, before: int) -> set[Edit]:
    """Our header, unless it is there, behind the last include that no condition and no braces
    surround, and `before` the first place that needs it."""
    depth, guard, at = 0, 1 if _has_guard(data) else 0, 0
    head, code = blank(data[:before]), uncommented(data[:before])
    lines = sorted(
        [(found.start(), found) for found in _INCLUDE.finditer(code)]
        + [(found.start(), found) for found in _CONDITION.finditer(code)],
        key=lambda pair: pair[0],
    )
    for _, found in lines:
        word = found[1] if found.re is _CONDITION else b""
        if word:
            depth += -1 if word == b"endif" else 1
        elif depth <= guard and not _in_braces(head[: found.start()]):
            at = found.end()
            if found[1].strip() == _OURS:
                return set()
    newline = b"\r\n" if data[:at].endswith(b"\r\n") else b"\n"
    return {Edit(at, at, b"#include " + _OURS + newline)}


def _in_braces(text: bytes) -> bool:
    return text.count(b"{") != text.count(b"}")


_GUARD = re.compile(
    rb"(?:\s|/\*(?:[^*]|\*(?!/))*\*/|//[^\n]*)*"
    rb"#[ \t]*ifndef[ \t]+(\w+)[^\n]*\n\s*#[ \t]*define[ \t]+(\w+)"
)


def _has_guard(data: bytes) -> bool:
    head = _GUARD.match(data)
    return head is not None and head[1] == head[2]
