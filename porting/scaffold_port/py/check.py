"""The rules over one file of Python."""

import dataclasses
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tree_sitter import Node

from ..findings import Finding, NotAnalysed
from ..questions import elsewhere, unclear
from ..rules import by_id
from ..source import Source
from ..suppress import by_comment, comments
from .addresses import ASKED, Addresses
from .meanings import LOCAL_SOCKET, Meanings, is_made, is_socket
from .module import (
    Module,
    NotPython,
    arguments,
    dotted,
    field,
    given_to,
    literal,
    parse,
    parts,
    text,
)
from .scopes import Scope, Use, Walk
from .standard import (
    BUILT_IN,
    LIBRARY,
    LOOP_MAKERS,
    LOOPS,
    MAKERS,
    METHODS,
    MODULES,
    OF_LOOPS,
    ONLY_SOCKETS,
    STAY,
    words,
)

if TYPE_CHECKING:
    from ..analyze import FileResult

_CONCERNS = re.compile(rb"\b(?:%s)\b(?!://)" % "|".join(sorted(words())).encode())
"""An address on the web, as in a licence, speaks of no module `http`."""
_TEXT_OF_SOCKETS = re.compile(rb"\b_?socket\b")
_RUN = {"exec", "eval", "compile"}
_REPLACE = {"setattr", "delattr", "patch", "object"}
"""Functions that replace what they are told by name; the last is mock.patch's."""


def check(source: Source, result: "FileResult") -> None:
    """Add the file's findings to `result`."""
    if not _CONCERNS.search(source.data):
        return
    try:
        module = parse(source.data)
    except NotPython as error:
        result.not_analysed.append(NotAnalysed(source.path, error.line, str(error)))
        return
    checks = _Checks(module)
    notes = comments(source.data)
    for place in checks.settle():
        finding = _finding(source, place)
        result.findings.append(by_comment(finding, notes) if notes else finding)
    for line, reason in checks.hidden:
        result.not_analysed.append(NotAnalysed(source.path, line, reason))


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
    question: str = ""
    message: str = ""


@dataclass
class _Function:
    """What it calls of those that matter together."""

    accepts: bool = False
    forks: list[_Place] = dataclasses.field(default_factory=list)


class _Checks:
    def __init__(self, module: Module) -> None:
        self.module = module
        self.walk = Walk(module.root)
        self.meanings = Meanings(self.walk)
        self.addresses = Addresses(self.walk, self.meanings)
        self.places: list[_Place] = []
        self.replacements: set[int] = set()  # where; somebody is asked there
        self.hidden: list[tuple[int, str]] = []
        self.replaced: set[str] = set()  # what the file assigns to, such as socket.socket
        self.functions: dict[Scope, _Function] = {}
        for use in sorted(self.walk.uses, key=lambda one: one.node.end_byte):  # inner ones first
            if use.node.type == "call":
                self._check_call(use)
            else:
                self._check_name(use)

    def settle(self) -> list[_Place]:
        """Every place, in order."""
        forks = [fork for one in self.functions.values() if one.accepts for fork in one.forks]
        return sorted(map(self._settled, self.places + forks), key=lambda one: one.start)

    def _settled(self, place: _Place) -> _Place:
        """As the whole file has it, which may keep scaffold.inet's names out."""
        if "scaffold" in self.walk.own:
            reason = "`scaffold` is something else in this file"
        elif self.replaced & {place.meaning, *MAKERS}:
            reason = "this file replaces functions of socket"
            if self.replacements and place.start not in self.replacements:
                return replace(place, fix="", question="", left=reason)
        else:
            return place
        question = f"{reason}: which `{place.call}` is meant?" if place.fix else place.question
        return replace(place, fix="", question=question)

    # --- what is imported -------------------------------------------------------------------------

    def _check_name(self, use: Use) -> None:
        meaning = self.meanings.of(use.node, use.scope)
        named = {name.rpartition(".")[2]: name for name in sorted(meaning & LIBRARY.keys())}
        for name in named.values():  # of several modules the standard library's comes last
            self._check_one(use, name, certain=len(meaning) == 1)
        if use.stored or "" in meaning:
            return
        for name in sorted(meaning & MODULES):
            if _goes_on(use):
                message = f"`{name}` is passed on as a value; who calls it is not followed"
                question = unclear(message)
                self._add(
                    "connection-call",
                    use,
                    use.node,
                    name,
                    "medium",
                    message=message,
                    question=question,
                )

    def _check_one(self, use: Use, name: str, *, certain: bool) -> None:
        known = LIBRARY[name]
        call = name.rpartition(".")[2]
        message, question = "", ""
        if _is_tested(use.node) or _is_looked_for(use.node) or self._is_local(use):
            return
        if use.stored:
            self.replaced.add(name)
            self.replacements.add(self.module.place(use.node)[0])
            message = f"`{name}` is replaced; what scaffold.inet has is not"
            question = unclear(message)
        elif known.why:
            message = f"`{call}` {known.why}"
            falls_back = call == "gethostbyaddr" and use.tried
            asked = not falls_back and not _is_to_constant(use.node, use.scope)
            question = elsewhere(message) if asked else ""
        elif name == "socket.socket" and not _is_called(use.node):
            message = "`socket.socket` is meant as a class; services have scaffold.inet.socket"
            question = "" if _is_annotation(use.node) else unclear(message)
        elif name in BUILT_IN and _is_attribute_of_class(use):
            message = f"`{name}` is an attribute of a class, where scaffold.inet's is a method"
            question = unclear(message)
        elif not dotted(use.node) or _shows_itself(use.node):
            message = f"`{name}` is written in a way that no name replaces"
            question = unclear(message)
        elif known.fix and not certain:
            question = unclear(f"`{call}` may be another one than `{name}` here")
        elif name in ASKED:
            question = self.addresses.question(use.node, use.scope)
        fix = known.fix if not message and not question else ""
        confidence = "high" if certain else "medium"
        self._add(
            known.rule,
            use,
            use.node,
            call,
            confidence,
            meaning=name,
            fix=fix,
            question=question,
            message=message,
        )

    def _is_local(self, use: Use) -> bool:
        call = use.node.parent
        if call is None or not _is_called(use.node):
            return False
        return self.meanings.is_local(call, self.meanings.of(use.node, use.scope), use.scope)

    # --- calls ------------------------------------------------------------------------------------

    def _check_call(self, use: Use) -> None:
        function = field(use.node, "function")
        self._check_texts(use, function)
        if text(function) == "getattr":
            self._check_name(use)
        elif function.type == "attribute":
            meaning = self.meanings.of(function, use.scope)
            if not any(one and not is_made(one) for one in meaning):  # no module's function
                self._check_method(use, function)

    def _check_texts(self, use: Use, function: Node) -> None:
        """What a program says in texts: code that it runs, and names that it replaces."""
        given = arguments(use.node)
        name = text(function)
        if name in _RUN and any(map(_speaks_of_sockets, given)):
            line = use.node.start_point.row + 1
            self.hidden.append((line, f"the text that `{name}` is given speaks of sockets"))
        elif name.rpartition(".")[2] in _REPLACE and given:
            self.replaced.add(literal(given[0]))
            if len(given) > 1:
                whole = self.meanings.of(given[0], use.scope)
                self.replaced |= {f"{one}.{literal(given[1])}" for one in whole}

    def _check_method(self, use: Use, function: Node) -> None:
        method = text(field(function, "attribute"))
        rule = METHODS.get(method)
        if rule is None or (rule == "checked-option" and use.tried):
            return
        object_ = field(function, "object")
        receiver = self.meanings.of(object_, use.scope)
        if receiver and all(one.startswith(LOCAL_SOCKET) for one in receiver):
            return
        fix = question = ""
        if any(map(is_socket, receiver)):
            confidence = "high"
        elif method in ONLY_SOCKETS or (method in LOOPS and _is_loop(object_, receiver)):
            confidence = "medium"
            by_itself = method in OF_LOOPS and not _is_given_socket(use.node)
            if by_itself and _is_loop(object_, receiver):
                fix = method  # which knows services once scaffold.inet is imported
            elif by_itself:
                question = unclear(f"`{method}` may be an event loop's, or another resolver's")
        elif "sock" in dotted(object_).lower() or _is_of_sockets(use.node, method):
            confidence = "low"
        else:
            return
        stays = all(map(is_socket, receiver)) and len(receiver) == 1 and rule in STAY
        left = "the socket is scaffold.inet's" if stays else ""
        named = field(function, "attribute")
        self._add(rule, use, named, method, confidence, fix=fix, left=left, question=question)

    def _add(
        self,
        rule: str,
        use: Use,
        node: Node,
        call: str,
        confidence: str,
        *,
        meaning: str = "",
        fix: str = "",
        left: str = "",
        question: str = "",
        message: str = "",
    ) -> None:
        around = use.scope.function
        place = _Place(
            rule,
            *self.module.place(node),
            call,
            around.name,
            confidence,
            meaning,
            fix,
            left,
            question,
            message,
        )
        function = self.functions.setdefault(around, _Function())
        if call == "accept":
            function.accepts = True
        if rule == "fork-server":
            function.forks.append(place)
        else:
            self.places.append(place)


def _speaks_of_sockets(given: Node) -> bool:
    return given.type == "string" and _TEXT_OF_SOCKETS.search(given.text or b"") is not None


def _is_annotation(node: Node) -> bool:
    """Where it says of what type something is, alone or as a part: `list[socket.socket] | None`."""
    if given_to(node).rpartition(".")[2] == "cast":
        return True
    over = node.parent
    while over is not None and over.type in _PARTS_OF_TYPES:
        over = over.parent
    return over is not None and over.type == "type"


_PARTS_OF_TYPES = {"subscript", "tuple", "binary_operator", "list", "generic_type"} | {
    "type_parameter", "union_type", "attribute", "parenthesized_expression",
}  # fmt: skip


def _is_called(node: Node) -> bool:
    over = node.parent
    return over is not None and over.type == "call" and field(over, "function") == node


def _is_tested(node: Node) -> bool:
    """By isinstance, which scaffold.socket passes: one, or one of a tuple."""
    over = node.parent
    grouped = over is not None and over.type in ("tuple", "binary_operator")
    return given_to(over if over is not None and grouped else node) in ("isinstance", "issubclass")


def _is_looked_for(node: Node) -> bool:
    """Whether somebody wants to know only if there is one."""
    over = node.parent
    return over is not None and (
        over.type in ("if_statement", "elif_clause", "not_operator")
        or (over.type == "comparison_operator" and text(parts(over)[-1]) == "None")
    )


_CONSTANT = re.compile(r"[^/]*://|/|\d+\.\d+\.\d+\.\d+$|localhost$|::1$")


def _is_to_constant(node: Node, scope: Scope) -> bool:
    """Whether the module itself says which URL, address or path is meant."""
    over = node.parent
    given = arguments(over) if over is not None and _is_called(node) else []
    first = given[0] if given else None
    if first is not None and first.type == "tuple" and parts(first):
        first = parts(first)[0]
    said = _said(first, scope) if first is not None else ""
    return _CONSTANT.match(said) is not None and ".scaffold" not in said


def _said(node: Node, scope: Scope) -> str:
    """A text, or what a name stands for that the module gives one text alone."""
    if node.type != "identifier":
        return literal(node)
    around: Scope | None = scope
    while around is not None and text(node) not in around.bindings:
        around = around.parent
    given = around.bindings[text(node)] if around is not None else []
    only = given[0] if len(given) == 1 else None
    return literal(only.value) if only and only.value is not None and not only.part else ""


def _goes_on(use: Use) -> bool:
    """Whether it is given to somebody: not only asked for an attribute, renamed or compared."""
    over = use.node.parent
    if over is None:
        return False
    if over.type == "argument_list":
        return given_to(use.node).rpartition(".")[2] not in _ASK | _REPLACE
    if over.type == "assignment":
        return use.scope.kind == "class" or field(over, "left").type != "identifier"
    return over.type in _GIVE


_ASK = {"getattr", "hasattr", "isinstance"}
"""Calls that want to know something of a module, and keep nothing."""
_GIVE = {
    "default_parameter", "typed_default_parameter", "keyword_argument", "return_statement", "tuple",
    "list", "set", "pair", "expression_list", "yield", "lambda", "conditional_expression",
    "boolean_operator",
}  # fmt: skip


def _is_attribute_of_class(use: Use) -> bool:
    over = use.node.parent
    if use.scope.kind != "class" or over is None or over.type != "assignment":
        return False
    return over.child_by_field_name("right") == use.node


def _shows_itself(node: Node) -> bool:
    """Within `{…=}` of an f-string, which prints what stands there."""
    over = node.parent
    while over is not None and not over.type.endswith("statement"):
        if over.type == "interpolation":
            return any(child.type == "=" for child in over.children)
        over = over.parent
    return False


def _is_given_socket(call: Node) -> bool:
    """By the argument `sock`, which event loops take in place of an address."""
    given = arguments(call)
    return any(
        one.type == "keyword_argument" and text(field(one, "name")) == "sock" for one in given
    )


def _is_loop(node: Node, receiver: Iterable[str]) -> bool:
    name = field(node, "function") if node.type == "call" else node
    return "loop" in dotted(name).lower() or not LOOP_MAKERS.isdisjoint(receiver)


def _is_of_sockets(call: Node, method: str) -> bool:
    """By a tuple of a host and a port, as connect and bind take it, and the pair of accept."""
    given = arguments(call)
    if method == "accept":
        over = call.parent
        pair = field(over, "left") if over is not None and over.type == "assignment" else call
        return (
            not given and len(parts(pair)) == 2 and pair.type in ("pattern_list", "tuple_pattern")
        )
    if method not in ("connect", "bind") or len(given) != 1:
        return False
    return given[0].type == "tuple" and len(parts(given[0])) in (2, 4)


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
        question=unclear("a comment stands inside the name") if has_comment else place.question,
    )
