"""Names whose value is taken: of a function, its address."""

from tree_sitter import Node

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
_PASSES_ON = {"parenthesized_expression", "cast_expression", "qualified_identifier"}


def is_value(node: Node) -> bool:
    """Whether something takes the value of the name; a function's is its address."""
    if node.type != "identifier" or not text(node).islower():  # constants have capitals
        return False
    at = node
    for over in ancestors(node):
        if over.type in _VALUES:
            field = _VALUES[over.type]
            if field and over.child_by_field_name(field) != at:
                return False
            return not _is_of_macro(over) and operator(over) in ("", "==", "!=")
        if not _passes_on(over, at):
            return False
        at = over
    return False


def _passes_on(over: Node, at: Node) -> bool:
    if over.type == "conditional_expression":
        return over.child_by_field_name("condition") != at
    is_address = over.type == "pointer_expression" and text(over).startswith("&")
    return over.type in _PASSES_ON or is_address


def _is_of_macro(arguments: Node) -> bool:
    """By its capitals: what a macro makes of a name may be anything."""
    call = arguments.parent if arguments.type == "argument_list" else None
    called = call.child_by_field_name("function") if call is not None else None
    return called is not None and text(called).isupper()
