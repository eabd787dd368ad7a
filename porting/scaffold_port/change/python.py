"""Python at the native level: scaffold.inet's functions for those that have them."""

import re
from collections.abc import Iterable, Sequence
from itertools import takewhile

import libcst as cst

from ..findings import Finding
from ..py.meanings import dotted
from ..py.module import Module, parse
from ..source import Source
from .edits import Edit, fixes

IMPORT = b"import scaffold.inet"
_LINE_END = re.compile(rb"\r?\n|\Z")


def edits(source: Source, findings: Iterable[Finding]) -> set[Edit]:
    """scaffold's names, and its import. Without anything to rename there is nothing."""
    found = fixes(source, findings)
    if found:
        found |= _import(parse(source.data), source.data)
    return found


def _import(module: Module, data: bytes) -> set[Edit]:
    """Our import, behind the imports at the top of the module; without any behind its docstring and
    what comes from __future__."""
    if any(map(_imports_ours, module.tree.body)):
        return set()
    head = None
    for statement in module.tree.body:
        small = _small(statement)
        heads = list(takewhile(_is_head, small))
        if heads and len(heads) < len(small):  # more on the same line, which may need it
            at = module.place(heads[-1])[1]
            return {Edit(at, at, b"; " + IMPORT)}
        if heads:
            head = statement
        elif not _is_about_itself(statement):
            break
    if head is None:
        at = module.place(_beginning(module.tree.body[0]))[0]
        newline = b"\r\n" if b"\r\n" in data else b"\n"
        return {Edit(at, at, IMPORT + newline)}
    end = _LINE_END.search(data, module.place(head)[1])
    assert end is not None
    text = IMPORT + end[0] if end[0] else b"\n" + IMPORT
    return {Edit(end.end(), end.end(), text)}


def _small(statement: cst.CSTNode) -> Sequence[cst.BaseSmallStatement]:
    return statement.body if isinstance(statement, cst.SimpleStatementLine) else ()


def _imports_ours(statement: cst.CSTNode) -> bool:
    return any(
        dotted(alias.name) == "scaffold.inet" and alias.asname is None
        for one in _small(statement)
        if isinstance(one, cst.Import)
        for alias in one.names
    )


def _is_head(one: cst.BaseSmallStatement) -> bool:
    """What an import follows: other imports, and the docstring."""
    is_docstring = isinstance(one, cst.Expr) and isinstance(
        one.value, cst.SimpleString | cst.ConcatenatedString
    )
    return is_docstring or isinstance(one, cst.Import | cst.ImportFrom)


def _is_about_itself(statement: cst.CSTNode) -> bool:
    """`__version__ = "1"` and the like, which may stand before the imports."""
    small = _small(statement)
    return bool(small) and all(
        isinstance(one, cst.Assign) and dotted(one.targets[0].target).startswith("__")
        for one in small
    )


def _beginning(statement: cst.CSTNode) -> cst.CSTNode:
    """Of a definition its first decorator."""
    decorators: Sequence[cst.Decorator] = getattr(statement, "decorators", ())
    return decorators[0] if decorators else statement
