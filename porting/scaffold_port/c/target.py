"""What becomes of a name: a call's arguments and its result, what is done to a constant."""

from tree_sitter import Node

from .tree import ancestors, operator, text

_ARGUMENT_SHOWN = 120


def arguments(call: Node | None) -> tuple[str, ...]:
    """What a call is given, each cut to its beginning."""
    given = call.child_by_field_name("arguments") if call is not None else None
    if given is None:
        return ()
    children = (child for child in given.named_children if child.type != "comment")
    return tuple(text(child)[:_ARGUMENT_SHOWN] for child in children)


def is_used(call: Node) -> bool:
    """Whether a call's result is looked at."""
    parent = call.parent
    while parent is not None and parent.type in ("parenthesized_expression", "comma_expression"):
        parent = parent.parent
    if parent is None or parent.type == "expression_statement":
        return False
    if parent.type == "cast_expression":
        kind = parent.child_by_field_name("type")
        return kind is None or kind.text != b"void"
    return True


def target_of(node: Node) -> str:
    """What happens to a constant, a type or a field."""
    at: Node = node
    for over in ancestors(node):
        if over.type == "field_designator":
            return "assigned"
        if over.type == "sizeof_expression":
            return "sizeof"
        if over.type == "cast_expression" and over.child_by_field_name("type") == at:
            return "cast"
        if over.type == "assignment_expression":
            return "assigned" if over.child_by_field_name("left") == at else ""
        if over.type == "binary_expression":
            symbol = operator(over)
            return "compared" if symbol in ("==", "!=", "<", ">", "<=", ">=") else symbol
        if over.type == "case_statement":
            return "compared"
        if over.type in ("declaration", "parameter_declaration", "field_declaration"):
            return "declared"
        if over.type in ("call_expression", "argument_list") or over.type.endswith("statement"):
            return ""
        at = over
    return ""
