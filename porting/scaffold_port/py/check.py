"""The rules over one file of Python."""

import dataclasses
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tree_sitter import Node

from ..findings import Finding, NotAnalysed
from ..once import referring, where
from ..questions import elsewhere, unclear, without
from ..rules import by_id
from ..rules.option import REFUSED
from ..source import Source
from ..suppress import by_comment, comments
from .addresses import ASKED, ASKERS, Addresses
from .meanings import LOCAL_SOCKET, Meanings, is_made, is_socket
from .module import (
    Module,
    NotPython,
    arguments,
    dotted,
    field,
    given_to,
    is_called,
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
    OTHERS,
    STAY,
    words,
)
from .systems import is_for_another_system
from .unasked import is_annotation, is_without_question

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
    asked: dict[str, Finding] = {}
    for place in checks.settle():
        if place.question and _is_of_library(source.path, place.matter):
            place = replace(place, question="", left=f"{place.matter} itself")
        finding = _finding(source, place)
        finding = by_comment(finding, notes) if notes else finding
        result.findings.append(_once(finding, place.matter, asked))
    for line, reason in checks.hidden:
        result.not_analysed.append(NotAnalysed(source.path, line, reason))


def _is_of_library(path: str, library: str) -> bool:
    """Whether a file is a library's own: a program that is ported does not port what it uses, and
    the library need not be asked whether it may."""
    packages = (one for one in Path(path).parents if one.name == library)
    return any((one / "__init__.py").is_file() for one in packages)


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
    matter: str = ""  # what the question is about, which a file is asked once


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
        matter = reason if place.fix else place.matter
        return replace(place, fix="", question=question, matter=matter)

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
                    matter=name,
                )

    def _check_one(self, use: Use, name: str, *, certain: bool) -> None:
        known = LIBRARY[name]
        call = name.rpartition(".")[2]
        message = question = matter = ""
        if _is_tested(use.node) or _is_looked_for(use.node) or self._is_local(use):
            return
        if use.stored and not call.isupper():  # a constant says the same wherever it is
            self.replaced.add(name)
            self.replacements.add(self.module.place(use.node)[0])
            message = f"`{name}` is replaced; what scaffold.inet has is not"
        elif known.why:
            message = f"`{call}` {known.why}"
            question = "" if is_without_question(name, use) else elsewhere(message)
            matter = _library(name)
        elif name == "socket.socket" and not is_called(use.node):
            message = "`socket.socket` is meant as a class; services have scaffold.inet.socket"
            question, matter = "" if is_annotation(use.node) else unclear(message), name
        elif name in BUILT_IN and _is_attribute_of_class(use):
            message = f"`{name}` is an attribute of a class, where scaffold.inet's is a method"
            question = unclear(message)
        elif known.fix and (not dotted(use.node) or _shows_itself(use.node)):
            message = f"`{name}` is written in a way that no name replaces"
            question = unclear(message)
        elif name in ASKED and (asked := self.addresses.question(use.node, use.scope)):
            question = asked
        elif known.fix and not certain:
            question = unclear(f"`{call}` may be another one than `{name}` here")
            matter = name
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
            matter=matter,
        )

    def _is_local(self, use: Use) -> bool:
        call = use.node.parent
        if call is None or not is_called(use.node):
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
            self.replaced |= {literal(given[0])} - {""}
            if len(given) > 1:
                whole = self.meanings.of(given[0], use.scope)
                self.replaced |= {f"{one}.{literal(given[1])}" for one in whole}

    def _check_method(self, use: Use, function: Node) -> None:
        method = text(field(function, "attribute"))
        rule = METHODS.get(method)
        option = _refused(use) if rule == "checked-option" else ""
        if rule is None or (rule == "checked-option" and use.tried and not option):
            return
        object_ = field(function, "object")
        receiver = self.meanings.of(object_, use.scope)
        if receiver and all(one.startswith(LOCAL_SOCKET) for one in receiver):
            return
        fix = left = question = matter = message = ""
        makers = sorted({one.partition("(")[0] for one in receiver} & OTHERS.keys())
        if makers:
            confidence, left, matter = "low", _MADE, _library(makers[0])
        elif any(map(is_socket, receiver)):
            confidence = "high"
            question = without(option) if option else ""
            if method in ASKERS:
                question = self.addresses.announced(use.scope)
        elif method in ONLY_SOCKETS or (method in LOOPS and _is_loop(object_, receiver)):
            confidence = "medium"
            by_itself = method in OF_LOOPS and not _is_given_socket(use.node)
            if by_itself and _is_loop(object_, receiver):
                fix = method  # which knows services once scaffold.inet is imported
            elif by_itself and not _is_class(object_):
                question = unclear(f"`{method}` may be an event loop's, or another resolver's")
                matter = question
            elif option:
                question = without(option)
            elif method in ASKERS:
                question = self.addresses.announced(use.scope)
        elif "sock" in dotted(object_).lower() or _is_of_sockets(use.node, method):
            confidence = "low"
            if "zmq" in self.walk.packages:
                message = f"`{method}` may be libzmq's, where no call is renamed"
                question, matter = elsewhere(message), "zmq"
        else:
            return
        stays = all(map(is_socket, receiver)) and len(receiver) == 1 and rule in STAY
        if stays:
            left = "the socket is scaffold.inet's"
        named = field(function, "attribute")
        self._add(
            rule,
            use,
            named,
            method,
            confidence,
            fix=fix,
            left=left,
            question=question,
            message=message,
            matter=matter,
        )

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
        matter: str = "",
    ) -> None:
        around = use.scope.function
        if question and is_for_another_system(node):
            question, left = "", "code for another system"
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
            matter,
        )
        function = self.functions.setdefault(around, _Function())
        if call == "accept":
            function.accepts = True
        if rule == "fork-server":
            function.forks.append(place)
        else:
            self.places.append(place)


_MADE = "somebody is asked where it is made"


def _once(finding: Finding, matter: str, asked: dict[str, Finding]) -> Finding:
    """With the question's line, where the file is asked about the matter before."""
    if finding.left == _MADE and matter in asked:
        return replace(finding, left=where(asked[matter]))
    return referring(finding, matter, asked)


def _library(name: str) -> str:
    """What a file is asked about once: a module of Python's, or a package of others."""
    return name.partition(".")[0] if name in OTHERS else name.rpartition(".")[0]


def _refused(use: Use) -> str:
    """The option that a call of setsockopt sets and no service's socket has; empty: another, or
    the socket is raw."""
    given = arguments(use.node)
    option = dotted(given[1]).rpartition(".")[2] if len(given) > 1 else ""
    if option not in REFUSED or option.startswith("SO_ATTACH_"):  # for packets alone
        return ""
    return "" if _RAW.search(use.scope.function.node.text or b"") else option


_RAW = re.compile(rb"\b(?:SOCK_RAW|[AP]F_PACKET|IPPROTO_ICMP)")


def _speaks_of_sockets(given: Node) -> bool:
    return given.type == "string" and _TEXT_OF_SOCKETS.search(given.text or b"") is not None


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
        or (over.type == "comparison_operator" and _is_of_modules(over))
    )


def _is_of_modules(comparison: Node) -> bool:
    """With None, or whether two names are one; `type(x) is socket.socket` asks for more."""
    is_one = any(child.type in ("is", "is not") for child in comparison.children)
    names = parts(comparison)
    return text(names[-1]) == "None" or (is_one and all(map(dotted, names)))


def _goes_on(use: Use) -> bool:
    """Whether it is given to somebody: not only asked for an attribute, renamed or compared."""
    over = use.node.parent
    if over is None:
        return False
    if over.type == "argument_list":
        called = given_to(use.node)
        name = called.rpartition(".")[2]
        is_asked = name in _ASK or name.startswith(("is_", "has_"))
        return not is_asked and name not in _REPLACE and not _LOG.match(called)
    if over.type == "assignment":
        return use.scope.kind == "class" or field(over, "left").type != "identifier"
    if over.type == "boolean_operator" and field(over, "left") == use.node:
        return text(field(over, "operator")) == "or"
    if over.type in ("tuple", "pair") and literal(parts(over)[0]) == text(use.node):
        return False  # by its own name in a table, as what is to be replaced
    return over.type in _GIVE


_ASK = {"getattr", "hasattr", "isinstance", "vars", "dir"}
"""Calls that want to know something of a module, and keep nothing."""
_LOG = re.compile(r"(?:self\.)?_?log(?:ger|ging)?\.|print$")
"""What shows a value, and keeps none."""
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


def _is_class(node: Node) -> bool:
    """By its name: a function of the program's own, whose calls are found."""
    return dotted(node).rpartition(".")[2][:1].isupper()


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
