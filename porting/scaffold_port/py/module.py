"""A file of Python as a tree, and where in the file's bytes its nodes stand."""

import io
import tokenize
from dataclasses import dataclass

import tree_sitter_python
from tree_sitter import Language, Node, Parser, Query, QueryCursor

from ..source import nesting

DEPTH_MAX = 200
"""CPython's own bound (Parser/lexer: MAXLEVEL)."""
_LANGUAGE = Language(tree_sitter_python.language())
_PYTHON_2 = Query(
    _LANGUAGE,
    """[(print_statement) (exec_statement) (raise_statement (expression_list))
        (parameters (tuple_pattern)) (comparison_operator "<>")] @old""",
)
"""What the grammar takes, and Python 3, which scaffold needs, does not."""

_EXTRAS = {"comment", "line_continuation"}


class NotPython(ValueError):
    """Why a file cannot be read; `line` 0 means the whole file."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.line = line


@dataclass(frozen=True)
class Module:
    """The tree, of the file's text in UTF-8."""

    root: Node
    text: bytes
    encoding: str

    def place(self, node: Node) -> tuple[int, int]:
        """Where a node begins and ends, in the file's bytes."""
        return self._offset(node.start_byte), self._offset(node.end_byte)

    def _offset(self, at: int) -> int:
        if self.encoding == "utf-8":
            return at
        return len(self.text[:at].decode().encode(self.encoding))


def parse(data: bytes) -> Module:
    """The module, or NotPython."""
    if nesting(data) > DEPTH_MAX:
        raise NotPython(f"nested deeper than {DEPTH_MAX}, which no Python takes")
    if data.count(b"\r") != data.count(b"\r\n"):
        raise NotPython("lines end in a carriage return alone")
    encoding, text = _decoded(data)
    root = Parser(_LANGUAGE).parse(text).root_node
    if root.has_error:
        raise NotPython("not Python: a syntax error", _first_error(root).start_point.row + 1)
    for old in QueryCursor(_PYTHON_2, match_limit=1).captures(root).get("old", ()):
        raise NotPython("not Python 3", old.start_point.row + 1)
    return Module(root, text, encoding)


def _decoded(data: bytes) -> tuple[str, bytes]:
    """What the file is written in, and its text in UTF-8, where a mark at the beginning stays."""
    try:
        encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
        if encoding in ("utf-8", "utf-8-sig"):
            data.decode()
            return "utf-8", data
        text = data.decode(encoding)
        if text.encode(encoding) != data:
            raise NotPython(f"its {encoding} cannot be written back")
    except (SyntaxError, UnicodeError) as error:
        raise NotPython(f"not Python: {error}"[:200]) from error
    return encoding, text.encode()


def _first_error(node: Node) -> Node:
    """The innermost node that is known to hold it; some errors belong to no node of their own."""
    inner: Node | None = node
    while inner is not None and not (inner.is_error or inner.is_missing):
        node = inner
        inner = next((one for one in node.children if one.has_error or one.is_missing), None)
    return inner or node


def text(node: Node) -> str:
    """What stands there."""
    return (node.text or b"").decode("utf-8", "replace")


def dotted(node: Node) -> str:
    """`a.b.c`; empty for anything else."""
    parts = []
    while node.type == "attribute":
        parts.append(text(field(node, "attribute")))
        node = field(node, "object")
    if node.type != "identifier":
        return ""
    return ".".join([text(node), *reversed(parts)])


def field(node: Node, name: str) -> Node:
    """A part that the grammar demands of every node of this type."""
    found = node.child_by_field_name(name)
    assert found is not None
    return found


def parts(node: Node) -> list[Node]:
    """The children that count: without brackets, commas, comments and backslashes."""
    return [child for child in node.named_children if child.type not in _EXTRAS]


def arguments(call: Node) -> list[Node]:
    """Of a call; none for a generator that stands there without brackets of its own."""
    given = field(call, "arguments")
    return parts(given) if given.type == "argument_list" else []


def given_to(node: Node) -> str:
    """What is called with this argument; empty for what is none."""
    call = node.parent.parent if node.parent and node.parent.type == "argument_list" else None
    return text(field(call, "function")) if call is not None and call.type == "call" else ""


def is_called(node: Node) -> bool:
    """Whether it is what a call calls."""
    over = node.parent
    return over is not None and over.type == "call" and field(over, "function") == node


def literal(node: Node) -> str:
    """The text of a string without escapes, or nothing."""
    inner = parts(node) if node.type == "string" else []
    kinds = [child.type for child in inner]
    plain = kinds == ["string_start", "string_content", "string_end"]
    return text(inner[1]) if plain and not inner[1].named_children else ""
