"""Places about which nobody is asked, by what stands around them."""

from tree_sitter import Node

from .constant import is_to_constant, values
from .module import arguments, field, given_to, is_called, parts, text
from .scopes import Scope, Use


def is_without_question(name: str, use: Use) -> bool:
    """Whether nothing has to be decided about a name that no other replaces."""
    node, scope = use.node, use.scope
    if is_annotation(node) or _is_of_base(node) or _is_opened_by_class(node):
        return True
    if name.rpartition(".")[2] in _LOOK_UPS:
        return use.tried or _is_of_this_host(node, scope) or _is_to_number(node)
    if name.startswith("multiprocessing.managers."):
        return not _has_address(node)
    return is_to_constant(node, scope)


# --- classes --------------------------------------------------------------------------------------


def is_annotation(node: Node) -> bool:
    """Where it says of what type something is, alone or as a part: `list[socket.socket] | None`,
    `Callable[[], socket.socket]`."""
    if given_to(node).rpartition(".")[2] in _TYPING:
        return True
    inner, over = node, node.parent
    while over is not None and over.type in _PARTS_OF_TYPES:
        if over.type == "subscript" and field(over, "value") != inner:
            return True
        inner, over = over, over.parent
    return over is not None and over.type == "type"


_TYPING = {
    "cast", "TypeVar", "NewType", "assert_type", "create_autospec", "Instance", "classImplements",
}  # fmt: skip
"""Functions that are told a type: those of typing, mock, traitlets and zope.interface."""
_PARTS_OF_TYPES = {"subscript", "tuple", "binary_operator", "list", "generic_type"} | {
    "type_parameter", "union_type", "attribute", "parenthesized_expression",
}  # fmt: skip


def _is_of_base(node: Node) -> bool:
    """A class's attribute, or a method that is called with `self`: there is a class made of it,
    about which somebody is asked."""
    over = node.parent
    if given_to(node) in ("getattr", "hasattr"):
        return True
    if over is None or over.type != "attribute" or field(over, "object") != node:
        return False
    if not is_called(over):
        return True
    call = over.parent
    given = arguments(call) if call is not None else []
    return bool(given) and text(given[0]) == "self"


def _is_opened_by_class(node: Node) -> bool:
    """Whether it is the base of a class that opens by itself, by calls that are found."""
    bases = node.parent
    made = bases.parent if bases is not None else None
    if made is None or made.type != "class_definition":
        return False
    return any(map(_opens, parts(field(made, "body"))))


def _opens(statement: Node) -> bool:
    """Whether it is the method that opens, and leaves nothing to the base's."""
    method = statement.child_by_field_name("definition") or statement
    if method.type != "function_definition":
        return False
    name, body = text(field(method, "name")), text(method)
    of_base = ("super(", f".{name}(self)", f".{name}(self,")
    return name in _OPENERS and not any(one in body for one in of_base)


_OPENERS = {"connect", "_get_socket", "_create_socket", "makeSocket", "make_connection"}
"""Of http.client, smtplib, poplib, imaplib, logging.handlers and xmlrpc.client."""


def _has_address(node: Node) -> bool:
    """Whether a manager listens where its user says; without an address it has AF_UNIX."""
    call = node.parent
    return call is not None and is_called(node) and arguments(call) != []


# --- look-ups -------------------------------------------------------------------------------------

_LOOK_UPS = {"gethostbyaddr", "gethostbyname_ex", "getnameinfo"}


def _is_of_this_host(node: Node, scope: Scope) -> bool:
    """Of its own name: a host's addresses are its interfaces'."""
    call = node.parent
    given = arguments(call) if call is not None and is_called(node) else []
    if not given:
        return False
    said = [text(given[0]), *(text(one) for one in values(given[0], scope))]
    return any(own in one for one in said for own in ("gethostname", "getfqdn", "localhost"))


def _is_to_number(node: Node) -> bool:
    """getnameinfo that shows a number, and asks nobody."""
    call = node.parent
    return call is not None and is_called(node) and b"NI_NUMERICHOST" in (call.text or b"")
