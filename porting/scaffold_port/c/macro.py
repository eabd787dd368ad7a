"""Names in the definitions of macros."""

import re

from tree_sitter import Node

from .tree import MACROS, enclosing, text

_WRITER = re.compile(
    rb"^[ \t]*+#[ \t]*+define[ \t]++(\w++)\([^)\n]*+\)((?:\\\r?\n|[^\n])*+)", re.MULTILINE
)
_UNDEF = re.compile(rb"[ \t]*+#[ \t]*+undef[ \t]++")
_DECLARES = re.compile(rb"\b(?!(?:return|else|case|do|throw)\s)[A-Za-z_]\w*+\s++")
_LOOK_BACK = 40
"""So far in front of a name in a macro a word is looked for."""
_LINE_MAX = 200
"""So far in front of a name its #undef is looked for."""


def writers(data: bytes) -> frozenset[str]:
    """The macros of a file that make texts or new names of what they are given."""
    return frozenset(found[1].decode() for found in _WRITER.finditer(data) if b"#" in found[2])


def is_undefined(data: bytes, start: int) -> bool:
    """Whether the name that begins there is one that an #undef ends."""
    line = data.rfind(b"\n", max(0, start - _LINE_MAX), start) + 1
    return _UNDEF.fullmatch(data, line, start) is not None


def is_parameter(body: Node, name: str) -> bool:
    """Whether the macro that this is the body of has a parameter of that name."""
    macro = enclosing(body, MACROS)
    listed = macro.child_by_field_name("parameters") if macro is not None else None
    return listed is not None and name in map(text, listed.named_children)


def is_text(body: bytes, at: int, end: int) -> bool:
    """Whether a name in a macro is made a text or a part of another name, or is declared there."""
    before = body[max(0, at - _LOOK_BACK) : at]
    pasted = before.rstrip()[-1:] == b"#" or body[end:].lstrip().startswith(b"##")
    return pasted or any(one.end() == len(before) for one in _DECLARES.finditer(before))
