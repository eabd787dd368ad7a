"""The rules over one file of Python."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import libcst as cst
from libcst.metadata import ExpressionContext, ExpressionContextProvider

from ..findings import Finding, NotAnalysed
from ..rules import by_id
from ..source import Source
from ..suppress import by_comment, comments
from .meanings import NOTHING, Meanings, dotted
from .module import Module, NotPython, parse
from .uses import FIXES, LOOPS, MAKERS, METHODS, ONLY_SOCKETS, SERVERS, STAY, USES

if TYPE_CHECKING:
    from ..analyze import FileResult

_CONCERNS = re.compile(rb"\b(?:socket|asyncio|socketserver|http\.server)\b|\bfrom http import\b")


def check(source: Source, result: "FileResult") -> None:
    """Add the file's findings to `result`."""
    if not _CONCERNS.search(source.data):
        return
    try:
        module = parse(source.data)
    except NotPython as error:
        result.not_analysed.append(NotAnalysed(source.path, error.line, str(error)))
        return
    visitor = _Visitor(module)
    module.tree.visit(visitor)
    notes = comments(source.data)
    for place in visitor.settle():
        finding = _finding(source, place)
        result.findings.append(by_comment(finding, notes) if notes else finding)


@dataclass(frozen=True)
class _Place:
    rule: str
    start: int
    end: int
    call: str
    function: str
    confidence: str
    meaning: str = ""
    fix: str = ""
    left: str = ""
    message: str = ""


@dataclass
class _Scope:
    """A function: what it calls of those that matter together."""

    name: str
    accepts: bool = False
    forks: list[_Place] = field(default_factory=list)


class _Visitor(cst.CSTVisitor):
    def __init__(self, module: Module) -> None:
        self.module = module
        self.meanings = Meanings(module.facts)
        self.contexts = module.facts.resolve(ExpressionContextProvider)
        self.places: list[_Place] = []
        self.called: set[cst.CSTNode] = set()
        self.tested: set[cst.CSTNode] = set()  # by isinstance, which scaffold.socket passes
        self.replaced: set[str] = set()  # what the file assigns to, such as socket.socket
        self.sockets: dict[str, bool] = {}  # expressions that hold sockets; whether scaffold.inet's
        self.scopes: list[_Scope] = [_Scope("")]
        self.tries = 0

    def settle(self) -> list[_Place]:
        """Every place, in order."""
        return sorted(map(self._settled, self.places), key=lambda one: one.start)

    def _settled(self, place: _Place) -> _Place:
        """As the whole file has it, which may keep scaffold.inet's names out."""
        if "scaffold" in self.meanings.binds:
            reason = "`scaffold` is something else in this file"
        elif self.replaced & {place.meaning, *MAKERS}:
            reason = "this file replaces functions of socket"
        else:
            return place
        return replace(place, fix="", left=reason if place.fix else "")

    # --- assignments ------------------------------------------------------------------------------

    def visit_Assign(self, node: cst.Assign) -> None:
        for target in node.targets:
            self._note_socket(target.target, node.value)

    def visit_AnnAssign(self, node: cst.AnnAssign) -> None:
        if node.value is not None:
            self._note_socket(node.target, node.value)

    def visit_WithItem(self, node: cst.WithItem) -> None:
        if node.asname is not None:
            self._note_socket(node.asname.name, node.item)

    def _note_socket(self, target: cst.BaseExpression, value: cst.BaseExpression) -> None:
        ours = self._makes_socket(value)
        if ours is None:
            return
        if isinstance(target, cst.Tuple) and target.elements:
            target = target.elements[0].value
        name = dotted(target)
        self.sockets[name] = ours and self.sockets.get(name, True)

    def _makes_socket(self, value: cst.BaseExpression) -> bool | None:
        """Whether it makes one of scaffold.inet, once rewritten; None: it makes none."""
        if not isinstance(value, cst.Call):
            return None
        meaning = self.meanings.of(value.func)
        if meaning & MAKERS:
            return len(meaning) == 1
        if isinstance(value.func, cst.Attribute) and value.func.attr.value == "accept":
            return self.sockets.get(dotted(value.func.value), False)
        return None

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

    # --- what is imported -------------------------------------------------------------------------

    def visit_Name(self, node: cst.Name) -> None:
        self._check_use(node)

    def visit_Attribute(self, node: cst.Attribute) -> None:
        self._check_use(node)

    def _check_use(self, node: cst.Name | cst.Attribute) -> None:
        meaning = self.meanings.of(node)
        for name in sorted(meaning & USES.keys()):
            self._check_one(node, name, certain=len(meaning) == 1)

    def _check_one(self, node: cst.Name | cst.Attribute, name: str, *, certain: bool) -> None:
        call = name.rpartition(".")[2]
        message = ""
        if name in SERVERS:
            message = f"`{call}` makes a socket of its own; give it one of scaffold.inet"
        elif self.contexts.get(node) is not ExpressionContext.LOAD:
            self.replaced.add(name)
            message = f"`{name}` is replaced; what scaffold.inet has is not"
        elif name == "socket.socket" and node not in self.called:
            if node in self.tested:
                return
            message = "`socket.socket` is meant as a class; that of services is scaffold.socket"
        fix = FIXES.get(name, "") if certain and not message else ""
        confidence = "high" if certain else "medium"
        self._add(USES[name], node, call, confidence, meaning=name, fix=fix, message=message)

    # --- methods ----------------------------------------------------------------------------------

    def visit_Call(self, node: cst.Call) -> None:
        self.called.add(node.func)
        if dotted(node.func) in ("isinstance", "issubclass"):
            self.tested.update(_classes(node))
        if isinstance(node.func, cst.Attribute) and self.meanings.of(node.func) == NOTHING:
            self._check_method(node, node.func)

    def _check_method(self, node: cst.Call, func: cst.Attribute) -> None:
        method = func.attr.value
        rule = METHODS.get(method)
        if rule is None or (rule == "checked-option" and self.tries):
            return
        receiver = dotted(func.value)
        if receiver in self.sockets:
            confidence = "high"
        elif method in ONLY_SOCKETS or (method in LOOPS and _is_loop(func.value)):
            confidence = "medium"
        elif "sock" in receiver.lower() or _takes_address(node, method):
            confidence = "low"
        else:
            return
        stays = self.sockets.get(receiver, False) and rule in STAY
        left = "the socket is scaffold.inet's" if stays else ""
        self._add(rule, func.attr, method, confidence, left=left)

    def _add(
        self,
        rule: str,
        node: cst.CSTNode,
        call: str,
        confidence: str,
        *,
        meaning: str = "",
        fix: str = "",
        left: str = "",
        message: str = "",
    ) -> None:
        scope = self.scopes[-1]
        place = _Place(
            rule,
            *self.module.place(node),
            call,
            scope.name,
            confidence,
            meaning,
            fix,
            left,
            message,
        )
        if call == "accept":
            scope.accepts = True
        if rule == "fork-server":
            scope.forks.append(place)
        else:
            self.places.append(place)


def _classes(test: cst.Call) -> Iterable[cst.CSTNode]:
    """What isinstance is asked for: one, or a tuple."""
    for arg in test.args[1:]:
        if isinstance(arg.value, cst.Tuple):
            yield from (element.value for element in arg.value.elements)
        else:
            yield arg.value


def _is_loop(node: cst.BaseExpression) -> bool:
    name = dotted(node.func if isinstance(node, cst.Call) else node)
    return "loop" in name.lower()


def _takes_address(node: cst.Call, method: str) -> bool:
    """A tuple of a host and a port, as connect and bind take it."""
    if method not in ("connect", "bind") or len(node.args) != 1:
        return False
    value = node.args[0].value
    return isinstance(value, cst.Tuple) and len(value.elements) in (2, 4)


def _finding(source: Source, place: _Place) -> Finding:
    rule = by_id(place.rule)
    line, column = source.position(place.start)
    has_comment = b"#" in source.data[place.start : place.end]
    return Finding(
        rule=rule.id,
        path=source.path,
        line=line,
        column=column,
        end_column=column + place.end - place.start,
        call=place.call,
        function=place.function,
        ifdef=(),
        confidence=place.confidence,
        kind=rule.kind,
        lines=rule.lines,
        message=place.message or f"`{place.call}`: {rule.title[0].lower()}{rule.title[1:]}",
        text=source.text(line),
        fix="" if has_comment else place.fix,
        left=place.left,
    )
