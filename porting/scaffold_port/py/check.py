"""The rules over one file of Python."""

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import libcst as cst
from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper, ParentNodeProvider

from ..findings import Finding, NotAnalysed
from ..rules import by_id
from ..source import Source, nesting
from ..suppress import by_comment, comments

if TYPE_CHECKING:
    from ..analyze import FileResult

_CONCERNS = re.compile(rb"\b(?:socket|asyncio|socketserver)\b")
DEPTH_MAX = 200
"""CPython's own bound (Parser/lexer: MAXLEVEL)."""
_MODULE_CALLS = {
    "socket.socket": "socket-family",
    "socket.socketpair": "",
    "socket.create_connection": "connection-call",
    "socket.create_server": "connection-call",
    "socket.getaddrinfo": "resolver-call",
    "socket.gethostbyname": "resolver-call",
    "socket.gethostbyname_ex": "resolver-call",
    "socket.gethostbyaddr": "resolver-call",
    "socket.getnameinfo": "address-printing",
    "socket.inet_ntoa": "address-printing",
    "socket.inet_ntop": "address-printing",
    "socket.inet_aton": "address-construction",
    "socket.inet_pton": "address-construction",
    "socket.htons": "port-logic",
    "socket.ntohs": "port-logic",
    "socket.getservbyname": "port-logic",
    "socket.getservbyport": "port-logic",
    "asyncio.open_connection": "connection-call",
    "asyncio.start_server": "connection-call",
    "os.fork": "fork-server",
}
_NAMESAKES = {
    "socket": ("socket", "create_connection", "create_server", "getaddrinfo", "gethostbyname",
               "inet_aton", "inet_ntoa", "inet_pton", "inet_ntop"),
    "asyncio": ("open_connection", "start_server"),
}  # fmt: skip
"""What scaffold.inet has with the same arguments."""
_FIXES = {
    f"{module}.{name}": f"scaffold.inet.{name}"
    for module, functions in _NAMESAKES.items()
    for name in functions
}
_METHODS = {
    "connect": "connection-call",
    "connect_ex": "non-blocking-connect",
    "bind": "connection-call",
    "listen": "connection-call",
    "accept": "connection-call",
    "sendto": "datagram-call",
    "recvfrom": "datagram-call",
    "recvfrom_into": "datagram-call",
    "recvmsg": "datagram-call",
    "sendmsg": "datagram-call",
    "getpeername": "socket-name",
    "getsockname": "socket-name",
    "setsockopt": "checked-option",
    "create_datagram_endpoint": "datagram-call",
    "create_connection": "connection-call",
    "create_server": "connection-call",
}
_ONLY_SOCKETS = {
    "sendto", "recvfrom", "recvfrom_into", "recvmsg", "sendmsg", "getpeername", "getsockname",
    "setsockopt", "connect_ex", "create_datagram_endpoint",
}  # fmt: skip
"""Methods that hardly anything else has; the others need a receiver that is known."""
_CONSTANTS = {
    "AF_UNSPEC": "family-loop",
    "IPV6_V6ONLY": "family-loop",
    "IP_ADD_MEMBERSHIP": "family-loop",
    "IPV6_JOIN_GROUP": "family-loop",
    "IP_MULTICAST_TTL": "family-loop",
    "SO_ERROR": "non-blocking-connect",
    "EINPROGRESS": "non-blocking-connect",
}
_MAKERS = {"socket.socket", "socket.create_connection", "socket.create_server"}


def check(source: Source, result: "FileResult") -> None:
    """Add the file's findings to `result`."""
    if not _CONCERNS.search(source.data):
        return
    if nesting(source.data) > DEPTH_MAX:
        reason = f"nested deeper than {DEPTH_MAX}, which no Python takes"
        result.not_analysed.append(NotAnalysed(source.path, 0, reason))
        return
    try:
        module = cst.parse_module(source.data)
    except cst.ParserSyntaxError as error:
        result.not_analysed.append(
            NotAnalysed(source.path, error.editor_line, f"not Python: {error.message.lower()}")
        )
        return
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        result.not_analysed.append(NotAnalysed(source.path, 0, f"not Python: {error}"[:200]))
        return
    visitor = _Visitor()
    wrapper = MetadataWrapper(module, unsafe_skip_copy=True)
    wrapper.visit(visitor)
    notes = comments(source.data)
    for place in visitor.settle():
        finding = _finding(source, place)
        result.findings.append(by_comment(finding, notes) if notes else finding)
        result.in_class.append("")


@dataclass
class _Place:
    rule: str
    start: int
    length: int
    call: str
    function: str
    confidence: str
    fix: str = ""


@dataclass
class _Scope:
    """A function: what it calls of those that matter together."""

    name: str
    accepts: bool = False
    forks: list[_Place] = field(default_factory=list)


class _Visitor(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (ByteSpanPositionProvider, ParentNodeProvider)

    def __init__(self) -> None:
        self.places: list[_Place] = []
        self.modules: dict[str, str] = {}  # a local name: the module, or module.name, it stands for
        self.sockets: set[str] = set()  # expressions that hold sockets
        self.scopes: list[_Scope] = [_Scope("")]
        self.tries = 0

    def settle(self) -> list[_Place]:
        """Every place, in order."""
        return sorted(self.places, key=lambda one: one.start)

    # --- imports and assignments ------------------------------------------------------------------

    def visit_Import(self, node: cst.Import) -> None:
        for alias in node.names:
            name = _dotted(alias.name)
            self.modules[_bound(alias) or name.partition(".")[0]] = name

    def visit_ImportFrom(self, node: cst.ImportFrom) -> None:
        if node.module is None or isinstance(node.names, cst.ImportStar):
            return
        for alias in node.names:
            name = _dotted(alias.name)
            self.modules[_bound(alias) or name] = f"{_dotted(node.module)}.{name}"

    def visit_Assign(self, node: cst.Assign) -> None:
        if self._makes_socket(node.value):
            for target in node.targets:
                self._note_socket(target.target)

    def visit_WithItem(self, node: cst.WithItem) -> None:
        if node.asname is not None and self._makes_socket(node.item):
            self._note_socket(node.asname.name)

    def _makes_socket(self, value: cst.BaseExpression) -> bool:
        if not isinstance(value, cst.Call):
            return False
        name = self._resolved(value.func)
        return name in _MAKERS or name.endswith(".accept")

    def _note_socket(self, target: cst.BaseExpression) -> None:
        if isinstance(target, cst.Tuple) and target.elements:
            target = target.elements[0].value
        self.sockets.add(_dotted(target))

    # --- scopes -----------------------------------------------------------------------------------

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self.scopes.append(_Scope(node.name.value))

    def leave_FunctionDef(self, original_node: cst.FunctionDef) -> None:
        self._close_scope(self.scopes.pop())

    def leave_Module(self, original_node: cst.Module) -> None:
        self._close_scope(self.scopes[0])

    def _close_scope(self, scope: _Scope) -> None:
        if scope.accepts:
            self.places += scope.forks

    def visit_Try_body(self, node: cst.Try) -> None:
        self.tries += 1

    def leave_Try_body(self, node: cst.Try) -> None:
        self.tries -= 1

    # --- uses -------------------------------------------------------------------------------------

    def visit_Call(self, node: cst.Call) -> None:
        name = self._resolved(node.func)
        rule = _MODULE_CALLS.get(name)
        if rule:
            self._add(rule, node.func, name.rpartition(".")[2], "high", _FIXES.get(name, ""))
        elif rule is None and isinstance(node.func, cst.Attribute):
            self._check_method(node, node.func)

    def _check_method(self, node: cst.Call, func: cst.Attribute) -> None:
        method = func.attr.value
        rule = _METHODS.get(method)
        receiver = _dotted(func.value)
        if rule is None or receiver in self.modules:
            return
        if rule == "checked-option" and self.tries:
            return
        if receiver in self.sockets:
            confidence = "high"
        elif method in _ONLY_SOCKETS:
            confidence = "medium"
        elif "sock" in receiver.lower() or _takes_address(node, method):
            confidence = "low"
        else:
            return
        self._add(rule, func.attr, method, confidence)

    def visit_Attribute(self, node: cst.Attribute) -> None:
        rule = _CONSTANTS.get(node.attr.value)
        module = self._resolved(node.value)
        if rule and module in ("socket", "errno"):
            self._add(rule, node.attr, node.attr.value, "high")

    def _add(self, rule: str, node: cst.CSTNode, name: str, confidence: str, fix: str = "") -> None:
        span = self.get_metadata(ByteSpanPositionProvider, node)
        scope = self.scopes[-1]
        place = _Place(rule, span.start, span.length, name, scope.name, confidence, fix)
        if name == "accept":
            scope.accepts = True
        if rule == "fork-server":
            scope.forks.append(place)
        else:
            self.places.append(place)

    def _resolved(self, node: cst.BaseExpression) -> str:
        """The name that an expression stands for, through imports."""
        name = _dotted(node)
        first, dot, rest = name.partition(".")
        return self.modules.get(first, first) + dot + rest if first else ""


def _dotted(node: cst.CSTNode) -> str:
    """`a.b.c`; empty for anything else."""
    parts = []
    while isinstance(node, cst.Attribute):
        parts.append(node.attr.value)
        node = node.value
    if not isinstance(node, cst.Name):
        return ""
    return ".".join([node.value, *reversed(parts)])


def _bound(alias: cst.ImportAlias) -> str:
    return _dotted(alias.asname.name) if alias.asname is not None else ""


def _takes_address(node: cst.Call, method: str) -> bool:
    """A tuple of a host and a port, as connect and bind take it."""
    if method not in ("connect", "bind") or len(node.args) != 1:
        return False
    value = node.args[0].value
    return isinstance(value, cst.Tuple) and len(value.elements) in (2, 4)


def _finding(source: Source, place: _Place) -> Finding:
    rule = by_id(place.rule)
    line, column = source.position(place.start)
    return Finding(
        rule=rule.id,
        path=source.path,
        line=line,
        column=column,
        end_column=column + place.length,
        call=place.call,
        function=place.function,
        ifdef=(),
        confidence=place.confidence,
        kind=rule.kind,
        lines=rule.lines,
        message=f"`{place.call}`: {rule.title[0].lower()}{rule.title[1:]}",
        text=source.text(line),
        fix=place.fix,
    )
