"""What a place stands in: a function, a class, a macro."""

import re
from dataclasses import dataclass

from tree_sitter import Node

from ..source import Source
from .tree import (
    CLASSES,
    MACROS,
    NAMESPACES,
    ancestors,
    enclosing,
    is_macro,
    last_name,
    parts,
    text,
)

_HEADER = re.compile(
    rb"^(?!(?:if|for|while|switch|return|else|do|case)\b)([A-Za-z_~][^\n;{}#=(]*+)\([^;{}\n]*+$",
    re.MULTILINE,
)
_STATEMENTS = {"if", "for", "while", "switch"}
"""What the parser takes for a function's head, where #if has cut off what is before."""
_SEPARATORS = bytes.maketrans(b"*&", b"  ")
_LOOK_BACK = 20000
_NO_SCOPES = {"compound_statement", "friend_declaration", "parameter_list", *MACROS}
"""What a name is declared in, and no member of what is around that."""
_DEFINED = re.compile(rb"[ \t]*#[ \t]*define[ \t]+(\w+)")


@dataclass(frozen=True)
class Around:
    """The function around a place, and the classes and namespaces that it looks names up in, the
    innermost first."""

    function: str = ""
    classes: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()


NOWHERE = Around()


def surroundings(source: Source, node: Node, start: int) -> Around:
    """What a place stands in."""
    definition = enclosing(node, {"function_definition"})
    name = _function_name(definition) if definition is not None else ""
    if not name.rpartition("::")[2]:
        name = macro_around(node) or _header_before(source, start)
    if macro_around(node):
        return Around(name)
    over = definition if definition is not None else node
    outer = parts(name.rpartition("::")[0])
    return Around(name, outer + _names_around(over, CLASSES), _names_around(over, NAMESPACES))


def _names_around(node: Node, types: set[str]) -> tuple[str, ...]:
    found = (over.child_by_field_name("name") for over in ancestors(node) if over.type in types)
    return tuple(part for name in found if name is not None for part in parts(text(name)))


def _function_name(definition: Node) -> str:
    node = definition.child_by_field_name("declarator")
    while node is not None and node.child_by_field_name("declarator") is not None:
        node = node.child_by_field_name("declarator")
    name = text(node) if node is not None else ""
    return "" if name in _STATEMENTS else name


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


def declaring_scope(node: Node) -> str:
    """The class or namespace that a name is declared in, or defined for; empty: none."""
    parent = node.parent
    if parent is not None and parent.type == "qualified_identifier":
        scope = parent.child_by_field_name("scope")
        return last_name(scope) if scope is not None else ""
    for over in ancestors(node):
        if over.type in CLASSES | NAMESPACES:
            name = over.child_by_field_name("name")
            return last_name(name) if name is not None else ""
        if over.type in _NO_SCOPES:
            return ""
    return ""


def is_in_file(node: Node) -> bool:
    """Whether a name is declared at the file's own level, for all who include it."""
    inner = CLASSES | NAMESPACES | _NO_SCOPES | {"ERROR"}
    return enclosing(node, inner) is None or is_macro(node)


def is_of_class(node: Node) -> bool:
    """Whether a name is declared in a class, and not in a function of it."""
    over = enclosing(node, CLASSES | _NO_SCOPES)
    return over is not None and over.type in CLASSES
