"""Texts that are read as addresses: where they come from, and what becomes of the addresses."""

from collections.abc import Iterator

from tree_sitter import Node

from ..questions import CHECKED, RECEIVED
from .tree import enclosing, text

READERS = {"inet_pton": (1, 2), "inet_aton": (0, 1)}
"""By function: which argument is the text, and which the address."""
_TEXT, _ADDRESS = 0, 1
RECEIVERS = frozenset({"read", "recv", "recvfrom", "SSL_read", "gnutls_record_recv", "BIO_read"})
"""What fills its second argument with what a peer has sent."""


def reading(call: Node | None, name: str) -> str:
    """Why a name in place of the address may not be meant: CHECKED, RECEIVED or empty.

    One function is looked at, and a variable by its name alone: an address that is handed on, is a
    parameter, or is part of something larger is used for something.
    """
    places = READERS.get(name)
    function = enclosing(call, {"function_definition"}) if call is not None else None
    if places is None or call is None or function is None:
        return ""
    given = _arguments(call)
    if len(given) <= max(places):
        return ""
    if _is_received(_root(given[places[_TEXT]]), function):
        return RECEIVED
    return CHECKED if _is_only_checked(given[places[_ADDRESS]], function) else ""


def _arguments(call: Node) -> list[Node]:
    given = call.child_by_field_name("arguments")
    children = given.named_children if given is not None else []
    return [child for child in children if child.type != "comment"]


def _root(expression: Node) -> str:
    """The variable that an expression begins with: `a` of `&a`, `a + 1` and `(char *)a[0]`."""
    at: Node | None = expression
    while at is not None and at.type != "identifier":
        if at.type == "call_expression" or at.type == "field_expression":
            return ""
        at = (
            at.child_by_field_name("argument")
            or at.child_by_field_name("left")
            or at.child_by_field_name("value")
            or (at.named_children[0] if at.type == "parenthesized_expression" else None)
        )
    return text(at) if at is not None else ""


def _is_received(variable: str, function: Node) -> bool:
    """Whether a call of the function fills the variable with what a peer has sent."""
    return variable != "" and any(variable == _filled(call) for call in _calls(function))


def _filled(call: Node) -> str:
    """The variable that a call fills with what a peer has sent."""
    called, given = call.child_by_field_name("function"), _arguments(call)
    receives = called is not None and text(called) in RECEIVERS and len(given) > 1
    return _root(given[1]) if receives else ""


def _is_only_checked(address: Node, function: Node) -> bool:
    """Whether the function declares the variable, and but for filling it says no more of it."""
    variable = _root(address)
    if not variable or not _is_local(variable, function):
        return False
    return all(_says_nothing(node) for node in _mentions(variable, function))


def _is_local(variable: str, function: Node) -> bool:
    body = function.child_by_field_name("body")
    return body is not None and any(_is_declared(node) for node in _mentions(variable, body))


def _is_declared(node: Node) -> bool:
    parent = node.parent
    return parent is not None and (
        parent.type == "declaration"
        or (parent.type == "array_declarator" and parent.child_by_field_name("declarator") == node)
    )


def _says_nothing(node: Node) -> bool:
    """A declaration, a size, or what a reader fills."""
    if _is_declared(node) or enclosing(node, {"sizeof_expression"}) is not None:
        return True
    given = enclosing(node, {"argument_list"})
    call = given.parent if given is not None else None
    called = call.child_by_field_name("function") if call is not None else None
    places = READERS.get(text(called)) if called is not None else None
    if call is None or places is None:
        return False
    arguments = _arguments(call)
    at = places[_ADDRESS]
    return len(arguments) > at and _holds(arguments[at], node)


def _holds(over: Node, node: Node) -> bool:
    return over.start_byte <= node.start_byte and node.end_byte <= over.end_byte


def _mentions(variable: str, below: Node) -> Iterator[Node]:
    for node in _below(below):
        if node.type == "identifier" and text(node) == variable:
            yield node


def _calls(below: Node) -> Iterator[Node]:
    return (node for node in _below(below) if node.type == "call_expression")


def _below(node: Node) -> Iterator[Node]:
    waiting = [node]
    while waiting:
        at = waiting.pop()
        yield at
        waiting += at.children
