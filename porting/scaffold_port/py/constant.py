"""What a module says itself: URLs, addresses and paths that nobody can configure."""

import re

from tree_sitter import Node

from .module import arguments, dotted, field, is_called, literal, parts, text
from .scopes import ADDED, Binding, Scope

_CONSTANT = re.compile(
    r"[a-z+]*://[^/%{]+(?:/|\?|$)|/|(?!0\.0\.0\.0)\d+\.\d+\.\d+\.\d+$|localhost$|::1$"
)
_PUBLIC = re.compile(r"https?://[\w-]+\.[\w.-]*[a-z](?:/|$)")
"""A URL of the internet, as a parameter's default."""
_UNKNOWN = "%"
"""What follows a text that is known, in place of what is not."""
_REQUESTS = {"Request", "quote", "str", "urljoin"}
"""What is made of a URL, and goes to the same host."""
_FOLLOWED_MAX = 8
"""From a URL's parts to what is opened; more steps are no longer read at a glance."""


def is_to_constant(node: Node, scope: Scope) -> bool:
    """Whether the module itself says which URL, address or path is meant."""
    over = node.parent
    given = arguments(over) if over is not None and is_called(node) else []
    first = given[0] if given else None
    if first is not None and first.type == "keyword_argument":
        first = field(first, "value")
    if first is not None and first.type == "tuple" and parts(first):
        first = parts(first)[0]
    said = _said(first, scope) if first is not None else ""
    return _CONSTANT.match(said) is not None and ".scaffold" not in said


def _said(node: Node, scope: Scope, steps: int = 0) -> str:
    """How a text begins, or what stands for one that the module makes itself."""
    if steps >= _FOLLOWED_MAX:
        return ""
    match node.type:
        case "string":
            return literal(node) or _beginning(node)
        case "concatenated_string" | "parenthesized_expression":
            return _said(parts(node)[0], scope, steps) + _UNKNOWN
        case "binary_operator":
            while node.type == "binary_operator":
                node = field(node, "left")
            left = _said(node, scope, steps + 1)
            return left.partition("%")[0] + _UNKNOWN if left else ""
        case "call":
            return _said_by_call(node, scope, steps + 1)
        case "identifier":
            return _said_by_name(node, scope, steps + 1)
    return ""


def _said_by_name(name: Node, scope: Scope, steps: int) -> str:
    """Of a name whose every value is constant, whatever is added behind it."""
    said = []
    for one in _bindings(name, scope):
        value = _said(one.value, scope, steps) if one.value is not None and not one.part else ""
        if not (_PUBLIC if one.open else _CONSTANT).match(value) and one.part != ADDED:
            return ""
        said.append(value)
    return said[0] if said else ""


def _beginning(string: Node) -> str:
    """Of an f-string, up to what is put in."""
    for part in parts(string):
        if part.type == "string_content":
            return text(part) + _UNKNOWN
        if part.type == "interpolation":
            return ""
    return ""


def _said_by_call(call: Node, scope: Scope, steps: int) -> str:
    """Of `Request(url)`, and of `"…".format(…)`."""
    function, given = field(call, "function"), arguments(call)
    name = dotted(function).rpartition(".")[2].lstrip("_")
    if name in _REQUESTS and given:
        return _said(given[0], scope, steps)
    if function.type == "attribute" and text(field(function, "attribute")) == "format":
        return _said(field(function, "object"), scope, steps).partition("{")[0] + _UNKNOWN
    return ""


def values(name: Node, scope: Scope) -> list[Node]:
    """What a name is given, where it is bound."""
    return [one.value for one in _bindings(name, scope) if one.value is not None]


def _bindings(name: Node, scope: Scope) -> list[Binding]:
    around: Scope | None = scope
    while around is not None and text(name) not in around.bindings:
        around = around.parent
    return around.bindings[text(name)] if around is not None else []
