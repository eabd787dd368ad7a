"""Addresses that are read from text or shown as text: where they come from, and where they go."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from ..questions import ANNOUNCED, CHECKED, RECEIVED, RECORD
from .buffer import passed_to
from .tree import ancestors, enclosing, text

READERS = {"inet_pton": (1, 2), "inet_aton": (0, 1)}
"""By function: which argument is the text, and which the address."""
_TEXT, _ADDRESS = 0, 1
RECEIVERS = frozenset({"read", "recv", "recvfrom", "SSL_read", "gnutls_record_recv", "BIO_read"})
"""What fills its second argument with what a peer has sent."""


PRINTERS = {"inet_ntop": 1, "inet_ntoa": 0, "getnameinfo": 0}
"""By function: which argument is the address."""
_MESSAGE = re.compile(
    rb"\"(?:(?:PORT|EPRT)[ \"]|22[789][ -]|PROXY (?:TCP|UDP|%)|c=IN IP|o=- "
    rb"|(?:Via|Forwarded|Contact|X-(?:Real-IP|Forwarded-For)|Received):)|DCC SEND|;received="
)
"""Texts of protocols that carry addresses: FTP (RFC 959, 2428), PROXY, SDP (RFC 4566), HTTP (RFC
7239), SIP (RFC 3261), SMTP's Received (RFC 5321, section 4.4), IRC's DCC."""


_NUMBERS = re.compile(rb"%[a-z]{1,4},%[a-z]{1,4},%[a-z]{1,4},%[a-z]{1,4},%[a-z]{1,4},%[a-z]{1,4}\b")
"""An address and a port as FTP has them (RFC 959, section 4.1.2)."""
_ASKERS = frozenset({"getsockname", "getpeername"})
_BYTES = frozenset(
    {"char", "unsigned char", "signed char", "u_char", "uchar", "uint8_t", "int8_t", "u_int8_t"}
    | {"u_int8", "uint8", "u8", "guint8", "guchar", "BYTE", "byte", "Byte", "std::byte"}
)
_COPIERS = frozenset({"memcpy", "memmove", "mempcpy"})
_ADDRESS_NAME = re.compile(r"addr|host|sock|sin|\bh_|peer|\bip|ip\b|in6?_|sa\b|ss\b", re.IGNORECASE)
_DATA = frozenset(
    {"data", "rdata", "buf", "buffer", "payload", "bytes", "value", "val", "base", "wire"}
)
"""Fields that hold whatever a message has."""
_OF_MESSAGE = re.compile(r"(?:hdr|header|rdata|payload)\b")
_LOGS = re.compile(r"(?i)log|debug|dbg|warn|trace")
"""In the name of a function that shows a text to those who run the program; what a program prints
may be what it is for."""
_NO_ADDRESS = re.compile(r"INADDR_\w+|-1\b|[=)]\s*(?:0|0[xX][fF]+)[uUlL]*$")
"""What inet_addr returns for a text that is no address, or none that leads anywhere."""
_RESOLVES = re.compile(
    r"^[^(]{0,200}(?:gethost|hostent|get(?:addr|name)info|inet_(?:net_)?(?:[pn]to[pn]|aton|ntoa))"
)
"""In the name of a function that stands for libc's, and hands on what a hosts file or DNS says."""


def question(call: Node | None, name: str) -> str:
    """What a human decides about a call that reads or shows an address; empty: nothing.

    One function is looked at, and a variable by its name alone.
    """
    function = enclosing(call, {"function_definition"}) if call is not None else None
    if call is None or function is None:
        return ""
    given = _arguments(call)
    if name in READERS and len(given) > max(READERS[name]):
        text_, address = (given[at] for at in READERS[name])
        if _is_received(_root(text_), function):
            return RECEIVED
        if _is_only_checked(address, function):
            return CHECKED
        to_bytes = _is_of_bytes(address, function) and not _is_put_into_address(address, function)
        return RECORD if to_bytes and not _is_of_resolver(function) else ""
    if name == "inet_addr" and _is_compared(call):
        return CHECKED
    if name in PRINTERS and len(given) > PRINTERS[name]:
        if _MESSAGE.search(function.text or b""):
            return ANNOUNCED
        if name == "getnameinfo":  # takes whole addresses, which no record has
            return ""
        address = given[PRINTERS[name]]
        is_record = _is_of_bytes(address, function) or _is_copied(address, function)
        is_record = is_record and not _LOGS.search(passed_to(call))
        return RECORD if is_record and not _is_of_resolver(function) else ""
    if name in _ASKERS and _MESSAGE.search(function.text or b""):
        return ANNOUNCED
    return question_of_bytes(call) if name in _ASKERS else ""


def _is_compared(call: Node) -> bool:
    """Whether the address that it returns is only held against what says that it is none."""
    over = call.parent
    while over is not None and over.type in ("parenthesized_expression", "cast_expression"):
        over = over.parent
    operator = over.child_by_field_name("operator") if over is not None else None
    is_test = operator is not None and text(operator) in ("==", "!=")
    return over is not None and is_test and _NO_ADDRESS.search(text(over)) is not None


def _is_of_resolver(function: Node) -> bool:
    declarator = function.child_by_field_name("declarator")
    return declarator is not None and _RESOLVES.search(text(declarator)) is not None


def question_of_bytes(node: Node) -> str:
    """What a human decides where an address goes into a message, or comes from one, byte by byte;
    empty: nothing."""
    function = enclosing(node, {"function_definition"})
    if function is None:
        return ""
    found = _NUMBERS.search(function.text or b"") or _is_copied_out(node, function)
    return ANNOUNCED if found else ""


def _is_copied_out(node: Node, function: Node) -> bool:
    """Whether it is copied to a place among bytes."""
    call = enclosing(node, {"call_expression"})
    copies = _copies(call) if call is not None else ()
    return any(_holds(what, node) and _is_of_bytes(to, function) for to, what in copies)


def _is_of_bytes(address: Node, function: Node) -> bool:
    """Whether an address stands somewhere among bytes, and is no variable or field of its own."""
    at = _bare(address)
    if at.type == "field_expression":
        field = at.child_by_field_name("field")
        holds = field is not None and text(field) in _DATA
        return holds or _OF_MESSAGE.match(text(at)) is not None
    if at.type != "identifier":
        is_part = at.type in ("binary_expression", "subscript_expression", "update_expression")
        return is_part and not _ADDRESS_NAME.search(text(at))
    return _type_of(text(at), function) in _BYTES


def _is_copied(address: Node, function: Node) -> bool:
    """Whether bytes are copied into a variable that do not come from what is called an address."""
    variable = text(_bare(address))
    for to, what in _copies(function):
        if any(_mentions(variable, to)):
            return not _ADDRESS_NAME.search(text(what))
    return False


def _is_put_into_address(address: Node, function: Node) -> bool:
    """Whether what stands there is copied into what is called an address."""
    variable = _root(address)
    for to, what in _copies(function):
        if variable and any(_mentions(variable, what)):
            return _ADDRESS_NAME.search(text(to)) is not None
    return False


def _copies(below: Node) -> Iterator[tuple[Node, Node]]:
    """To where, and what."""
    for call in _calls(below):
        called, given = call.child_by_field_name("function"), _arguments(call)
        if called is not None and text(called) in _COPIERS and len(given) > 1:
            yield given[0], given[1]


def _bare(address: Node) -> Node:
    """Without casts, parentheses, and the signs that take an address or what is there."""
    at = address
    while inner := (
        at.child_by_field_name("argument")
        if at.type == "pointer_expression"
        else at.child_by_field_name("value")
        if at.type == "cast_expression"
        else at.named_child(0)
        if at.type == "parenthesized_expression"
        else None
    ):
        at = inner
    return at


def _type_of(variable: str, function: Node) -> str:
    """Of a variable or parameter that the function declares; empty: it does not."""
    for node in _mentions(variable, function):
        for over in ancestors(node):
            if over.type in ("declaration", "parameter_declaration"):
                kind = over.child_by_field_name("type")
                return text(kind) if kind is not None else ""
            if not over.type.endswith("declarator"):
                break
    return ""


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


def _whole(address: Node) -> str:
    """The variable that an address is in: itself, or one whose member it is."""
    at = _bare(address)
    while at.type == "field_expression":
        operator, object_ = at.child_by_field_name("operator"), at.child_by_field_name("argument")
        if object_ is None or operator is None or operator.type != ".":
            return ""
        at = _bare(object_)
    return _root(at)


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
    variable = _whole(address)
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
