"""Addresses that are read from text or shown as text: where they come from, and where they go.

Renamed, inet_pton and its like take a service's name as well. That is right for what a user writes;
of what a peer sends it loosens a check. inet_ntop and its like show one, which is no address to
whoever reads the text next. An origin is followed within the function, through the names that it
binds.
"""

from bisect import bisect_left
from functools import cached_property

from tree_sitter import Node

from ..questions import CHECKED, RECEIVED, RECORD
from .meanings import FOLLOWED_MAX, Meanings
from .module import arguments, field, given_to, literal, parts, text
from .scopes import Scope, Walk

_MODULES = ("socket", "scaffold.inet")
_READERS = {f"{module}.{name}" for module in _MODULES for name in ("inet_aton", "inet_pton")}
_PRINTERS = {f"{module}.{name}" for module in _MODULES for name in ("inet_ntoa", "inet_ntop")}
ASKED = _READERS | _PRINTERS
"""Functions about which there may be a question."""
_RECEIVE = {
    "recv", "recv_into", "recvfrom", "recvfrom_into", "recvmsg", "recvmsg_into", "accept",
    "getpeername", "readexactly", "readuntil", "sock_recv", "sock_recvfrom", "sock_accept",
}  # fmt: skip
"""Methods of sockets and of streams that hand out what a peer sent."""
_MAKE_BYTES = {"pack", "to_bytes"}
"""Methods that make bytes of numbers."""
_TESTS = {
    "comparison_operator", "not_operator", "boolean_operator", "if_statement", "elif_clause",
    "while_statement", "assert_statement", "expression_statement",
}  # fmt: skip
"""What asks a value for its truth, or throws it away."""

_PRINTED, _READ, _PART = "printed by a renamed call", "read by one", "a part of something"
"""Origins beside RECEIVED."""


class Addresses:
    """Of one module."""

    def __init__(self, walk: Walk, meanings: Meanings) -> None:
        self._walk = walk
        self._meanings = meanings
        self._known: dict[tuple[Scope, str], set[str]] = {}
        self._depth = 0

    def question(self, function: Node, scope: Scope) -> str:
        """What a person has to decide about a call; empty: it is rewritten."""
        call = function.parent
        if call is None or call.type != "call":
            return ""
        origins = set[str]().union(*(self._origins(one, scope) for one in arguments(call)))
        if not self._meanings.of(function, scope).isdisjoint(_PRINTERS):
            return "" if _READ in origins or origins.isdisjoint({RECEIVED, _PART}) else RECORD
        if _PRINTED in origins:
            return ""
        if RECEIVED in origins:
            return RECEIVED
        if any(map(literal, arguments(call))):
            return ""
        return CHECKED if self._is_only_checked(call, scope) else ""

    def _origins(self, given: Node, scope: Scope) -> set[str]:
        """Where a value comes from, as far as the function says."""
        open_, found = [given], set[str]()
        while open_:
            node = open_.pop()
            match node.type:
                case "identifier":
                    found |= self._of_name(text(node), scope)
                case "attribute":
                    open_.append(field(node, "object"))
                case "keyword_argument":
                    open_.append(field(node, "value"))
                case "call" if origin := self._of_call(node, scope):
                    found.add(origin)
                case "slice":
                    found.add(_PART)
                case _:
                    open_ += parts(node)
        return found

    def _of_call(self, call: Node, scope: Scope) -> str:
        function = field(call, "function")
        meaning = self._meanings.of(function, scope)
        if not meaning.isdisjoint(_PRINTERS):
            return _PRINTED
        if not meaning.isdisjoint(_READERS):
            return _READ
        name = text(field(function, "attribute")) if function.type == "attribute" else ""
        if name in _MAKE_BYTES:
            return _PART
        return RECEIVED if name in _RECEIVE else ""

    def _of_name(self, name: str, scope: Scope) -> set[str]:
        """Of all that the function gives to a name; one that depends on itself adds nothing."""
        own: Scope | None = scope
        while own is not None and name not in own.bindings and own is not scope.function:
            own = own.parent
        if own is None:
            return set()
        key = own, name
        if key not in self._known and self._depth < FOLLOWED_MAX:
            self._known[key] = set()
            self._depth += 1
            for binding in own.bindings.get(name, ()):
                if binding.value is not None and not binding.open:
                    self._known[key] |= self._origins(binding.value, own)
            self._depth -= 1
        return self._known.get(key, set())

    def _is_only_checked(self, call: Node, scope: Scope) -> bool:
        """Whether nothing is done with what it returns."""
        over = call.parent
        while over is not None and over.type in ("parenthesized_expression", "await"):
            over = over.parent
        if over is None:
            return False
        if over.type == "assignment":
            left = field(over, "left")
            return left.type == "identifier" and not self._is_read(text(left), scope.function.node)
        return (
            given_to(call) == "bool" or over.type == "expression_statement" or over.type in _TESTS
        )

    def _is_read(self, name: str, around: Node) -> bool:
        places = self._reads.get(name, [])
        at = bisect_left(places, around.start_byte)
        return at < len(places) and places[at] < around.end_byte

    @cached_property
    def _reads(self) -> dict[str, list[int]]:
        """Where each name is used."""
        reads: dict[str, list[int]] = {}
        for use in self._walk.uses:
            if use.node.type == "identifier":
                reads.setdefault(text(use.node), []).append(use.node.start_byte)
        return {name: sorted(places) for name, places in reads.items()}
