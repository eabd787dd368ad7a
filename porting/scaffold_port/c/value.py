"""Names whose value is taken: of a function, its address."""

import re

from tree_sitter import Node

from .buffer import called
from .tree import ancestors, operator, text

_VALUES = {
    "assignment_expression": "right",
    "init_declarator": "value",
    "initializer_pair": "value",
    "initializer_list": "",
    "argument_list": "",
    "binary_expression": "",
    "return_statement": "",
}
"""What may take a function's address, and in which of its fields."""
_DECLARES = re.compile(r"_[A-Z_]*+$")
"""Macros with reserved names: the compiler's, or gnulib's, which declare what they are given."""
_PASSES_ON = {"parenthesized_expression", "cast_expression", "qualified_identifier"}


def is_value(node: Node) -> bool:
    """Whether something takes the value of the name; a function's is its address."""
    taker = _taker(node)
    if taker is None or operator(taker) not in ("", "==", "!="):
        return False
    return taker.type != "argument_list" or not _DECLARES.match(called(taker))


NUMBERS = "SCMP_SYS"
"""libseccomp's macro, which makes the number of a system call of its name."""


def macro_given(node: Node, macros: frozenset[str]) -> str:
    """The macro that the name is given to, by its capitals or as one of `macros`: what it makes of
    the name may be anything."""
    name = given_to(node)
    return name if (name.isupper() and name != NUMBERS) or name in macros else ""


def given_to(node: Node) -> str:
    """What is called with the name as an argument; empty: nothing is."""
    taker = _taker(node)
    return called(taker) if taker is not None and taker.type == "argument_list" else ""


def _taker(node: Node) -> Node | None:
    """What takes the value of the name; None: nothing does."""
    if node.type != "identifier" or not text(node).islower():  # constants have capitals
        return None
    at = node
    for over in ancestors(node):
        if over.type in _VALUES:
            field = _VALUES[over.type]
            return None if field and over.child_by_field_name(field) != at else over
        if not _passes_on(over, at):
            return None
        at = over
    return None


def _passes_on(over: Node, at: Node) -> bool:
    if over.type == "conditional_expression":
        return over.child_by_field_name("condition") != at
    is_address = over.type == "pointer_expression" and text(over).startswith("&")
    return over.type in _PASSES_ON or is_address


def is_given_as_type(node: Node) -> bool:
    """Whether the parser takes the name for a type where a function's would do: an argument of a
    template, or of a constructor that looks like a function's declaration."""
    over = node.parent
    if node.type != "type_identifier" or over is None or over.named_child_count != 1:
        return False
    listed = over.parent
    if listed is None or over.type not in ("parameter_declaration", "type_descriptor"):
        return False
    return listed.type == "template_argument_list" or not _is_macro_of(listed)


def _is_macro_of(parameters: Node) -> bool:
    """Whether a parameter is named by a macro: `int UNUSED(name)`."""
    over = parameters.parent
    function = over.child_by_field_name("declarator") if over is not None else None
    return function is None or text(function).isupper()
