"""Walks through tree-sitter's trees."""

from collections.abc import Iterator

import tree_sitter_c
import tree_sitter_cpp
from tree_sitter import Language, Node, Parser

from ..source import Source

_LANGUAGES = {
    "c": Language(tree_sitter_c.language()),
    "c++": Language(tree_sitter_cpp.language()),
}
CLASSES = {"class_specifier", "struct_specifier", "union_specifier"}
NAMESPACES = {"namespace_definition"}

MACROS = {"preproc_def", "preproc_function_def"}


def parse(source: Source) -> Node:
    """The root."""
    return Parser(_LANGUAGES[source.language]).parse(source.data).root_node


def text(node: Node) -> str:
    """What stands there."""
    return (node.text or b"").decode("utf-8", "replace")


def ancestors(node: Node) -> Iterator[Node]:
    """From the parent to the root. Each step costs the node's depth."""
    over = node.parent
    while over is not None:
        yield over
        over = over.parent


def enclosing(node: Node, types: set[str]) -> Node | None:
    """The nearest ancestor of these types."""
    return next((over for over in ancestors(node) if over.type in types), None)


def operator(node: Node) -> str:
    """A binary expression's; of anything else: empty."""
    found = node.child_by_field_name("operator") if node.type == "binary_expression" else None
    return found.type if found is not None else ""


def is_macro(node: Node) -> bool:
    """Whether it is the name that a #define defines."""
    return node.parent is not None and node.parent.type in MACROS


def parts(scope: str) -> tuple[str, ...]:
    """The names of a scope, the innermost first, without template arguments."""
    return tuple(one.partition("<")[0].strip() for one in reversed(scope.split("::")) if one)


def last_name(node: Node) -> str:
    """A class's name without its namespaces and template arguments."""
    return text(node).rpartition("::")[2].partition("<")[0].strip()


def is_broken(node: Node) -> bool:
    """Whether the parser lost its way in the function around it."""
    if node.type == "ERROR":
        return True
    for over in ancestors(node):
        if over.type == "ERROR":
            return True
        if over.type == "function_definition":
            return False
    return False
