"""Python at the native level: scaffold.inet's functions for those that have them."""

import ast
import re
from collections.abc import Iterable

from ..findings import Finding
from ..source import Source
from .edits import Edit, apply, fixes

IMPORT = b"import scaffold.inet"
_IMPORTED = re.compile(rb"^import scaffold\.inet\b", re.MULTILINE)


def rewrite(source: Source, findings: Iterable[Finding]) -> bytes:
    """The file with scaffold's names. Without anything to rename it is the same, to the byte."""
    edits = fixes(source, findings)
    if edits and not _IMPORTED.search(source.data):
        edits.add(_import(source))
    return apply(source.data, edits)


def _import(source: Source) -> Edit:
    """Our import, behind the first run of imports at the top of the module; without one behind its
    docstring and what comes from __future__."""
    body = ast.parse(source.data).body
    at, line = 0, 0
    while at < len(body) and (_is_docstring(body[at]) or _is_future(body[at])):
        line, at = body[at].end_lineno or 0, at + 1
    while at < len(body) and isinstance(body[at], ast.Import | ast.ImportFrom):
        line, at = body[at].end_lineno or 0, at + 1
    if line == 0 and body:
        line = _first_line(body[0]) - 1
    newline = b"\r\n" if b"\r\n" in source.data else b"\n"
    start = source.offset(line + 1, 1)
    before = newline if start and not source.data[:start].endswith(b"\n") else b""
    return Edit(start, start, before + IMPORT + newline)


def _is_docstring(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _first_line(node: ast.stmt) -> int:
    """Of a definition its first decorator's."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(one.lineno for one in decorators)])
