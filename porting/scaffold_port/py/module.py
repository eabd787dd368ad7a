"""A file of Python as a tree, and where in the file's bytes its nodes stand."""

from dataclasses import dataclass
from functools import cached_property

import libcst as cst
from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper

from ..source import nesting

DEPTH_MAX = 200
"""CPython's own bound (Parser/lexer: MAXLEVEL)."""


class NotPython(ValueError):
    """Why a file cannot be read; `line` 0 means the whole file."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.line = line


@dataclass(frozen=True)
class Module:
    """The tree, and what LibCST knows of it."""

    tree: cst.Module
    facts: MetadataWrapper

    def place(self, node: cst.CSTNode) -> tuple[int, int]:
        """Where a node begins and ends, in the file's bytes."""
        span = self.facts.resolve(ByteSpanPositionProvider)[node]
        return self._offset(span.start), self._offset(span.start + span.length)

    def _offset(self, at: int) -> int:
        """LibCST counts in UTF-8 without a mark; the file may be written otherwise."""
        if self.tree.encoding == "utf-8":
            return at
        return len(self._utf8[:at].decode().encode(self.tree.encoding))

    @cached_property
    def _utf8(self) -> bytes:
        return self.tree.code.encode()


def parse(data: bytes) -> Module:
    """The module, or NotPython."""
    if nesting(data) > DEPTH_MAX:
        raise NotPython(f"nested deeper than {DEPTH_MAX}, which no Python takes")
    if data.count(b"\r") != data.count(b"\r\n"):
        raise NotPython("lines end in a carriage return alone")
    try:
        tree = cst.parse_module(data)
    except cst.ParserSyntaxError as error:
        raise NotPython(f"not Python: {error.message.lower()}", error.editor_line) from error
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise NotPython(f"not Python: {error}"[:200]) from error
    if tree.encoding != "utf-8" and tree.bytes != data:
        raise NotPython(f"its {tree.encoding} cannot be written back")
    return Module(tree, MetadataWrapper(tree, unsafe_skip_copy=True))
