"""The condition that keeps a header from being read twice."""

import re

_GUARD = re.compile(
    rb"\s*+(?:#[ \t]*+pragma[ \t]++once\s++)?#[ \t]*+(?:ifndef|if[ \t]*+![ \t]*+defined)[ \t(]++"
    rb"(\w++)[^\n]*+\n\s*+#[ \t]*+define[ \t]++(\w++)"
)
_CONDITION = re.compile(rb"^[ \t]*+#[ \t]*+(if|endif)[^\n]*+", re.MULTILINE)


def guard_of(code: bytes) -> bytes:
    """The macro that it asks for; empty: there is none. The condition holds to the end of the file.
    `code` has no comments."""
    head = _GUARD.match(code)
    if head is None or head[1] != head[2]:
        return b""
    depth = 0
    for found in _CONDITION.finditer(code):
        depth += 1 if found[1] == b"if" else -1
        if depth == 0:
            return b"" if code[found.end() :].strip() else head[1]
    return b""
