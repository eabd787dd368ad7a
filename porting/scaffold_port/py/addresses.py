"""Addresses that are read from text or shown as text: where they come from, and where they go.

Python's sockets take and give addresses as texts. What becomes bytes, or was bytes, is therefore no
socket's address but a record's, a message's or a number that is compared: renamed, inet_pton and
its like would take a service's name for one as well, and inet_ntop and its like would show one.
Nobody is asked where the bytes are of a constant, of a multicast group, or become a text again. An
origin is followed within the function, through the names that it binds.
"""

import re
from bisect import bisect_left
from functools import cached_property

from tree_sitter import Node

from ..questions import ANNOUNCED, CHECKED, MASKED, RECEIVED, RECORD
from .meanings import FOLLOWED_MAX, Meanings
from .module import arguments, dotted, field, given_to, literal, parts, text
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
_MULTICAST = re.compile(rb"(?i:multicast|mcast)|_MEMBERSHIP|_JOIN_|_LEAVE_")
"""Names of groups and their options (RFC 3493, section 5.2), which stay plain IP."""
_OF_THIS_HOST = re.compile(rb"\b(?:ioctl|getifaddrs)\b|/proc/net/route")
_NETLINK = re.compile(rb"(?i)netlink")
"""Where the kernel says what addresses and routes this host has."""
_NO_RECORD = re.compile(r"(?i)mask|sockaddr")
"""Names of functions and values: bits that no address has, and what is a socket's after all."""
_MASK = re.compile(rb"(?i)mask")
_MESSAGE = re.compile(
    rb"[\"'](?:(?:PORT|EPRT|DCC) |22[78][\"' -]|PROXY (?:TCP|UDP|%|\{)|c=IN IP|o=- "
    rb"|(?:Via|Forwarded|Contact|Received|X-Real-IP|X-Forwarded-For): )"
)
"""Texts of protocols that carry addresses: FTP (RFC 959, 1639, 2428), IRC's DCC, PROXY, SDP (RFC
4566), SIP (RFC 3261), HTTP (RFC 7239), SMTP's Received (RFC 5321, section 4.4)."""
_SENDS = re.compile(r"(?i)pasv|(?:cmd|ftp|make|send)_?port$|dcc")
"""Names of functions that answer or send one."""
ASKERS = frozenset({"getsockname", "getpeername"})
_TESTS = {
    "comparison_operator", "not_operator", "boolean_operator", "if_statement", "elif_clause",
    "while_statement", "assert_statement", "expression_statement",
}  # fmt: skip
"""What asks a value for its truth, or throws it away."""

_PRINTED, _READ = "printed by a renamed call", "read by one"
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
        given = arguments(call)
        origins = set[str]().union(*(self._origins(one, scope) for one in given))
        around = _around(call, scope).text or b""
        if not self._meanings.of(function, scope).isdisjoint(_PRINTERS):
            named = f"{scope.function.name} {text(field(call, 'arguments'))}"
            known = _READ in origins or all(map(_is_constant, given)) or _NO_RECORD.search(named)
            return "" if known or self._is_of_this_host(around) else RECORD
        if _PRINTED in origins:
            return ""
        if RECEIVED in origins:
            return RECEIVED
        if any(map(literal, given)):
            return ""
        if self._is_only_checked(call, scope):
            return "" if any(map(_is_of_pair, given)) else CHECKED
        if _MULTICAST.search(around) or self._is_netlinks or self._is_shown(call, scope):
            return ""
        return MASKED if b"&" in around and _MASK.search(around) else RECORD

    def _is_of_this_host(self, around: bytes) -> bool:
        return self._is_netlinks or _OF_THIS_HOST.search(around) is not None

    @cached_property
    def _is_netlinks(self) -> bool:
        """Whether the module asks the kernel, by more than one message."""
        return _NETLINK.search(self._walk.root.text or b"") is not None

    def announced(self, scope: Scope) -> str:
        """What a person has to decide about a socket's own or its peer's address."""
        function = scope.function
        found = _SENDS.search(function.name) or _MESSAGE.search(function.node.text or b"")
        return ANNOUNCED if found else ""

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

    def _is_shown(self, call: Node, scope: Scope) -> bool:
        """Whether it becomes a text again: given to what prints addresses, there or by a name."""
        over = call.parent
        while over is not None and not over.type.endswith("statement"):
            if over.type == "call":
                named = self._meanings.of(field(over, "function"), scope)
                if not named.isdisjoint(_PRINTERS):
                    return True
            if over.type == "assignment":
                return text(field(over, "left")) in self._shown.get(scope.function, ())
            over = over.parent
        return False

    @cached_property
    def _shown(self) -> dict[Scope, set[str]]:
        """What each function gives to functions that print addresses."""
        shown: dict[Scope, set[str]] = {}
        for use in self._walk.uses:
            if use.node.type == "call":
                meaning = self._meanings.of(field(use.node, "function"), use.scope)
                if not meaning.isdisjoint(_PRINTERS):
                    shown.setdefault(use.scope.function, set()).update(
                        map(text, arguments(use.node))
                    )
        return shown

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


def _is_constant(given: Node) -> bool:
    """A text, or a name in capitals, as a family has it."""
    name = dotted(given)
    return given.type == "string" or (name != "" and name.rpartition(".")[2].isupper())


def _is_of_pair(given: Node) -> bool:
    """The host of an address as sockets and resolvers give it."""
    name = text(field(given, "value")) if given.type == "subscript" else ""
    return name.endswith("addr") and text(field(given, "subscript")) == "0"


def _around(call: Node, scope: Scope) -> Node:
    """The function, or the statement of a module or a class."""
    if scope.function.kind == "function":
        return scope.function.node
    inner = call
    while inner.parent is not None and inner.parent.type not in ("module", "block"):
        inner = inner.parent
    return inner
