"""Python at the native level: scaffold.inet's functions for those that have them."""

import re
from collections.abc import Iterable, Sequence

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
        if _is_head(statement):
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


def _is_head(statement: cst.CSTNode) -> bool:
    """What an import follows: other imports, the docstring, and what comes from __future__."""
    small = _small(statement)
    if not small:
        return False
    first = small[0]
    is_docstring = isinstance(first, cst.Expr) and isinstance(
        first.value, cst.SimpleString | cst.ConcatenatedString
    )
    is_future = (
        isinstance(first, cst.ImportFrom)
        and first.module is not None
        and dotted(first.module) == "__future__"
    )
    imports = all(isinstance(one, cst.Import | cst.ImportFrom) for one in small)
    return is_docstring or is_future or imports


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
