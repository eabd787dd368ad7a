"""What a place stands in: a function, a class, a macro."""

import re

from tree_sitter import Node

from ..source import Source
from .tree import CLASSES, MACROS, enclosing, last_name, text

_HEADER = re.compile(
    rb"^(?!(?:if|for|while|switch|return|else|do|case)\b)([A-Za-z_~][^\n;{}#=(]*+)\([^;{}\n]*+$",
    re.MULTILINE,
)
_SEPARATORS = bytes.maketrans(b"*&", b"  ")
_LOOK_BACK = 20000
_DEFINED = re.compile(rb"[ \t]*#[ \t]*define[ \t]+(\w+)")


def surroundings(source: Source, node: Node, start: int) -> tuple[str, str]:
    """The function around a place, and the class that it is a member of."""
    definition = enclosing(node, {"function_definition"})
    if definition is not None:
        name = _function_name(definition)
        scope, _, plain = name.rpartition("::")
        if plain:
            return name, scope.rpartition("::")[2] or _class_around(definition)
    return macro_around(node) or _header_before(source, start), ""


def _function_name(definition: Node) -> str:
    node = definition.child_by_field_name("declarator")
    while node is not None and node.child_by_field_name("declarator") is not None:
        node = node.child_by_field_name("declarator")
    return text(node) if node is not None else ""


def _header_before(source: Source, start: int) -> str:
    """Where the tree is broken: the last line at the margin that looks like a function's head."""
    before = source.data[max(0, start - _LOOK_BACK) : start]
    heads = [head[1] for head in _HEADER.finditer(before)]
    words = heads[-1].translate(_SEPARATORS).split() if heads else []
    return words[-1].decode("utf-8", "replace") if words else ""


def macro_around(node: Node) -> str:
    """The macro in whose definition it stands; empty: in none."""
    definition = enclosing(node, MACROS)
    name = _DEFINED.match(definition.text or b"") if definition is not None else None
    return name[1].decode() if name else ""


def declaring_class(node: Node) -> str:
    """The class that a method is declared in, or defined for; empty: it is none's."""
    parent = node.parent
    if parent is not None and parent.type == "qualified_identifier":
        scope = parent.child_by_field_name("scope")
        return last_name(scope) if scope is not None else ""
    return _class_around(node) if node.type == "field_identifier" else ""


def _class_around(node: Node) -> str:
    over = enclosing(node, CLASSES)
    name = over.child_by_field_name("name") if over is not None else None
    return last_name(name) if name is not None else ""
