"""Code that does not run on Linux, or in CPython."""

import re

from tree_sitter import Node

from .module import field, parts

_OTHER_SYSTEM = re.compile(rb"(?i)\b(?:win32|nt|windows|_?is_?windows|win|cygwin|darwin|pypy)\b")
_NOT = re.compile(rb"!=|\bnot\b")
_HAS_BOTH = re.compile(rb"\binet_(?:pton|ntop)\b")
"""Functions that every Python on Linux has; beside them stands what is for others."""
_MISSING = {b"ImportError", b"AttributeError"}


def is_for_another_system(node: Node) -> bool:
    """Whether a condition around it keeps it from running on Linux, or in CPython."""
    inner, over = node, node.parent
    while over is not None:
        if over.type in ("if_statement", "elif_clause"):
            condition = field(over, "condition").text or b""
            named = _OTHER_SYSTEM.search(condition) is not None and b" or " not in condition
            is_then = field(over, "consequence") == inner
            if named and is_then and not _NOT.search(condition):
                return True
            is_else = inner.type in ("else_clause", "elif_clause")
            if named and is_else and _NOT.search(condition):
                return True
            if is_else and condition.startswith(b"hasattr") and _HAS_BOTH.search(condition):
                return True
        elif over.type == "try_statement" and inner.type == "except_clause":
            caught, tried = parts(inner)[0].text or b"", field(over, "body").text or b""
            if caught in _MISSING and _HAS_BOTH.search(tried):
                return True
        inner, over = over, over.parent
    return False
