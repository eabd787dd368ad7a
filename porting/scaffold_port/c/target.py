"""What becomes of a name: a call's arguments and its result, what is done to a constant."""

import re

from tree_sitter import Node

from .tree import ancestors, enclosing, operator, text

_ARGUMENT_SHOWN = 120
_RAW = re.compile(rb"\b(?:SOCK_RAW|SOCK_PACKET|[AP]F_PACKET|raw_?(?:fd|sd|sock(?:et)?))\b")
_BYTE_ORDER = frozenset({"ntohl", "htonl", "ntohs", "htons"})
_SAME_VALUE = frozenset({"field_expression", "parenthesized_expression", "cast_expression"})
_COMPARE = frozenset({"==", "!=", "<", ">", "<=", ">="})


def arguments(call: Node | None) -> tuple[str, ...]:
    """What a call is given, each cut to its beginning."""
    given = call.child_by_field_name("arguments") if call is not None else None
    if given is None:
        return ()
    children = (child for child in given.named_children if child.type != "comment")
    return tuple(text(child)[:_ARGUMENT_SHOWN] for child in children)


def is_raw(call: Node | None) -> bool:
    """Whether the function makes a socket of whole packets, by its text or by how it calls it:
    such a socket is never a service's."""
    function = enclosing(call, {"function_definition"}) if call is not None else None
    return function is not None and _RAW.search(function.text or b"") is not None


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


def _is_compared(mask: Node) -> bool:
    """What looks like a mask may be an address behind a macro that casts."""
    for over in ancestors(mask):
        if over.type != "parenthesized_expression":
            return operator(over) in _COMPARE
    return False


def _is_byte_order(over: Node) -> bool:
    """What a call of ntohl and its like returns is the same number, and so is its argument."""
    call = over.parent if over.type == "argument_list" else over
    called = call.child_by_field_name("function") if call is not None else None
    return called is not None and text(called) in _BYTE_ORDER


def beside(node: Node) -> str:
    """What a value is compared to, or the other side of the mask that is laid on it."""
    at = node
    for over in ancestors(node):
        if operator(over) in _COMPARE or (operator(over) == "&" and _is_compared(over)):
            sides = [over.child_by_field_name(name) for name in ("left", "right")]
            other = sides[1] if sides[0] == at else sides[0]
            return text(other)[:_ARGUMENT_SHOWN] if other is not None else ""
        if over.type not in _SAME_VALUE and not _is_byte_order(over):
            return ""
        at = over
    return ""


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
            return "compared" if symbol in _COMPARE else symbol
        if over.type == "case_statement":
            return "compared"
        if over.type in ("declaration", "parameter_declaration", "field_declaration"):
            return "declared"
        is_call = over.type in ("call_expression", "argument_list") and not _is_byte_order(over)
        if is_call or over.type.endswith("statement"):
            return ""
        at = over
    return ""
