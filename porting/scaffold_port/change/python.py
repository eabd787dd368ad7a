"""Python at the native level: scaffold.inet's functions for those that have them."""

import re
from collections.abc import Iterable
from itertools import takewhile

from tree_sitter import Node

from ..findings import Finding
from ..py.module import Module, parse, parts, text
from ..source import Source
from .edits import Edit, fixes

IMPORT = b"import scaffold.inet"
_LINE_END = re.compile(rb"\r?\n|\Z")
_IMPORTS = {"import_statement", "import_from_statement", "future_import_statement"}


def edits(source: Source, findings: Iterable[Finding]) -> set[Edit]:
    """scaffold's names, and its import. Without anything to rename there is nothing."""
    found = fixes(source, findings)
    if found:
        found |= _import(parse(source.data), source.data)
    return found


def _import(module: Module, data: bytes) -> set[Edit]:
    """Our import, behind the imports at the top of the module; without any behind its docstring and
    what comes from __future__."""
    statements = parts(module.root)
    if any(map(_imports_ours, statements)):
        return set()
    head = None
    for on_line in _lines(statements):
        heads = list(takewhile(_is_head, on_line))
        if heads and len(heads) < len(on_line):  # more on the same line, which may need it
            at = module.place(heads[-1])[1]
            return {Edit(at, at, b"; " + IMPORT)}
        if heads:
            head = heads[-1]
        elif not all(map(_is_about_itself, on_line)):
            break
    if head is None:
        at = module.place(statements[0])[0]
        newline = b"\r\n" if b"\r\n" in data else b"\n"
        return {Edit(at, at, IMPORT + newline)}
    end = _LINE_END.search(data, module.place(head)[1])
    assert end is not None
    text_ = IMPORT + end[0] if end[0] else b"\n" + IMPORT
    return {Edit(end.end(), end.end(), text_)}


def _lines(statements: Iterable[Node]) -> Iterable[list[Node]]:
    """Those that semicolons put on a line together."""
    together: list[Node] = []
    for one in statements:
        if together and together[-1].end_point.row != one.start_point.row:
            yield together
            together = []
        together.append(one)
    if together:
        yield together


def _imports_ours(statement: Node) -> bool:
    return statement.type == "import_statement" and any(
        text(name) == "scaffold.inet" for name in statement.children_by_field_name("name")
    )


def _is_head(one: Node) -> bool:
    """What an import follows: other imports, and the docstring."""
    return one.type in _IMPORTS or (
        one.type == "expression_statement"
        and all(part.type in ("string", "concatenated_string") for part in parts(one))
    )


def _is_about_itself(one: Node) -> bool:
    """`__version__ = "1"` and the like, which may stand before the imports."""
    inner = parts(one)
    return (
        one.type == "expression_statement"
        and inner[0].type == "assignment"
        and text(inner[0]).startswith("__")
    )
