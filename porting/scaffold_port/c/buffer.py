"""Constants that are the length of a buffer, and what is put into it."""

import re

from tree_sitter import Node

from .tree import ancestors, operator, text
from .unit import Array, Unit, Use
from .variable import seen_from_to

UNBOUNDED = frozenset({"strcpy", "stpcpy", "strcat", "sprintf", "vsprintf", "strncpy", "stpncpy"})
"""What writes as much as it is given, or no end of a text that does not fit."""
_COPY = re.compile(
    rb"\b(?:%s)\s*\([^;,]{0,200},([^;]{0,1000})" % "|".join(sorted(UNBOUNDED)).encode()
)
_WORD = re.compile(rb"[A-Za-z_]\w*")
_COPIES = frozenset(
    {"memcpy", "mempcpy", "memmove", "bcopy", "memcmp", "bcmp"}
    | {"strncpy", "stpncpy", "strlcpy", "strncat", "strlcat", "strncmp"}
)
"""Their length is that of two buffers."""
_PLAIN = re.compile(r"&?(?:\w+(?:\.|->))*(\w+)(?:\[0\])?")


def array_around(node: Node) -> Array | None:
    """The array in whose size it stands."""
    inside, over = _sum_around(node)
    if over.type != "array_declarator" or over.child_by_field_name("size") != inside:
        return None
    return _array(over)


def _sum_around(node: Node) -> tuple[Node, Node]:
    """The expression that grows with it, and what that is part of."""
    at = node
    for over in ancestors(node):
        if over.type != "parenthesized_expression" and operator(over) not in ("+", "*"):
            return at, over
        at = over
    return at, at


def _array(declarator: Node) -> Array | None:
    named: Node | None = declarator
    while named is not None and named.type == "array_declarator":
        named = named.child_by_field_name("declarator")
    if named is None or named.type not in ("identifier", "field_identifier"):
        return None
    if _is_of_bytes(declarator):
        return None
    last = declarator.end_byte
    for over in ancestors(declarator):
        last = over.end_byte
    return Array(text(named), seen_from_to(named) if named.type == "identifier" else (0, last))


def _is_of_bytes(declarator: Node) -> bool:
    """An address and not its text: filled by its size, from where there is no more."""
    for over in ancestors(declarator):
        if over.type.endswith("declaration"):
            kind = over.child_by_field_name("type")
            return kind is not None and text(kind).startswith(("unsigned", "u_", "uint"))
    return False


def buffer_before(node: Node) -> str:
    """The name of the buffer that a call is given in front of this length; empty: it is not said,
    or more than one buffer has this length."""
    inside, over = _sum_around(node)
    return _buffer(over, inside) if over.type == "argument_list" else ""


def _buffer(arguments: Node, length: Node) -> str:
    function = called(arguments)
    given = [child for child in arguments.named_children if child.type != "comment"]
    index = given.index(length)
    before = 0 if function == "memset" else index - 1
    if function in _COPIES or index == 0:
        return ""
    name = _PLAIN.fullmatch(text(given[before]))
    return name[1] if name else ""


def called(arguments: Node) -> str:
    """The function that these are the arguments of, where it has a name."""
    call = arguments.parent
    function = call.child_by_field_name("function") if call is not None else None
    return text(function) if function is not None else ""


def passed_to(call: Node | None) -> str:
    """The function that takes a call's result as an argument; empty: something else is done."""
    for over in ancestors(call) if call is not None else ():
        if over.type == "argument_list":
            return called(over)
        if over.type not in ("parenthesized_expression", "cast_expression"):
            return ""
    return ""


def may_grow(use: Use, unit: Unit) -> bool:
    """Whether a constant may be a larger one here: it is the size of an array whose text nothing
    copies without a bound, or is given with such an array."""
    if use.array is not None:
        return not _is_copied(use.array, unit)
    return any(
        one.array is not None
        and one.name == use.name
        and one.array.name == use.length_of
        and one.array.seen[0] <= use.start < one.array.seen[1]
        and not _is_copied(one.array, unit)
        for one in unit.uses
    )


def _is_copied(array: Array, unit: Unit) -> bool:
    """What is copied without a bound may be too long for where it goes then."""
    start, end = array.seen
    return any(start <= at < end and array.name in names for at, names in unit.copies)


def copies(data: bytes) -> list[tuple[int, frozenset[str]]]:
    """Where something is copied without a bound, and the names in it."""
    return [
        (found.start(), frozenset(word.decode() for word in _WORD.findall(found[1])))
        for found in _COPY.finditer(data)
    ]
