"""What the names in a module stand for, by the scopes that bind them."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator

from tree_sitter import Node

from .module import arguments, dotted, field, literal, parts, text
from .scopes import Binding, Scope, Walk
from .standard import LIBRARY, LOCAL, MAKERS

Meaning = frozenset[str]
"""Dotted names of what is imported, with `()` for what it returns and `[0]` for a part of it; "" is
anything else. With several, it depends; with none, it is None."""

NOTHING: Meaning = frozenset({""})
LOCAL_SOCKET = "socket()"
"""One that can never be a service's."""
FOLLOWED_MAX = 20
"""So many names are followed from one to the next; a reader gives up earlier."""
LENGTH_MAX = 200
"""Of a meaning; the longest that is looked for has 60 characters."""
_SOCKET = re.compile(rf"(?:{'|'.join(map(re.escape, sorted(MAKERS)))})\(\)(?:\.accept\(\)\[0\])*")
_FAMILY_AT = {
    "socket.socket": 0,
    "scaffold.inet.socket": 0,
    "socket.fromfd": 1,
    "scaffold.inet.fromfd": 1,
}
"""Which argument is the family."""
_IMPORTERS = {"__import__", "importlib.import_module"}


def is_socket(meaning: str) -> bool:
    """Of a family that may be a service's."""
    return _SOCKET.fullmatch(meaning) is not None


def is_made(meaning: str) -> bool:
    """What a call returns, and no module or function itself."""
    return "(" in meaning


class _Name:
    """The bindings of a name in its scope, in order, and what the first, the first two … mean."""

    def __init__(self, bindings: list[Binding]) -> None:
        self.bindings = bindings
        self.at = [one.at for one in bindings]
        self.unions: list[Meaning] = [frozenset()]
        self.busy = False


class Meanings:
    """Of every place that uses something imported."""

    def __init__(self, walk: Walk) -> None:
        self._stars = walk.stars
        self._names: dict[tuple[Scope, str], _Name] = {}
        self._known: dict[int, Meaning] = {}
        self._depth = 0

    def of(self, node: Node, scope: Scope) -> Meaning:
        """Of an expression."""
        known = self._known.get(node.id)
        if known is None:
            known = self._known[node.id] = frozenset(
                one if len(one) <= LENGTH_MAX else "" for one in self._of(node, scope)
            )
        return known

    def _of(self, node: Node, scope: Scope) -> Meaning:
        match node.type:
            case "identifier":
                return self._of_name(text(node), scope, node.start_byte)
            case "attribute":
                return self._of_attribute(node, scope)
            case "call":
                return self._of_call(node, scope)
            case "subscript":
                return self._of_subscript(node, scope)
            case "none":
                return frozenset()
            case "parenthesized_expression" | "await":
                return self.of(parts(node)[0], scope)
            case "named_expression":
                return self.of(field(node, "value"), scope)
            case "boolean_operator":
                return frozenset[str]().union(*(self.of(one, scope) for one in _choices(node)))
            case "conditional_expression":
                chosen, _, otherwise = parts(node)
                return self.of(chosen, scope) | self.of(otherwise, scope)
        return NOTHING

    # --- names ------------------------------------------------------------------------------------

    def _of_name(self, name: str, scope: Scope, at: int) -> Meaning:
        own: Scope | None = scope
        until: int | None = scope.until(at)
        while own is not None:
            if name in own.outer:
                own, until = own.outer[name], None
            if name in own.bindings and (own.kind != "class" or own is scope):
                found = self._bound(own, name, until)
                if found or own.kind != "class":  # a class reads what is around it until then
                    return found or NOTHING
            if own.kind != "comprehension":
                until = None
            own = own.parent
            if own is not None and until is not None:
                until = own.until(at)
        if name == "__import__":
            return frozenset({name})
        return NOTHING.union(f"{module}.{name}" for module in self._stars)

    def _bound(self, scope: Scope, name: str, until: int | None) -> Meaning:
        """By the bindings up to a byte; without one by all."""
        one = self._names.get((scope, name))
        if one is None:
            one = self._names[scope, name] = _Name(scope.bindings[name])
        return self._union(one, len(one.at) if until is None else bisect_right(one.at, until))

    def _union(self, one: _Name, wanted: int) -> Meaning:
        """What the first bindings of a name mean together; a name that is asked for while it is
        worked out may be anything."""
        if wanted < len(one.unions):
            return one.unions[wanted]
        if one.busy:
            return NOTHING
        one.busy = True
        while len(one.unions) <= wanted:
            binding = one.bindings[len(one.unions) - 1]
            one.unions.append(one.unions[-1] | self._of_binding(binding))
        one.busy = False
        return one.unions[wanted]

    def _of_binding(self, binding: Binding) -> Meaning:
        if binding.imported:
            return frozenset({binding.imported})
        if binding.value is None or binding.scope is None or self._depth >= FOLLOWED_MAX:
            return NOTHING
        self._depth += 1
        value = self.of(binding.value, binding.scope)
        self._depth -= 1
        meaning = frozenset(_kept(one) and _kept(one) + binding.part for one in value)
        return meaning | NOTHING if binding.open else meaning

    # --- expressions ------------------------------------------------------------------------------

    def _of_attribute(self, node: Node, scope: Scope) -> Meaning:
        name = text(field(node, "attribute"))
        whole = self.of(field(node, "object"), scope)
        known = frozenset(one and f"{one}.{name}" for one in whole)
        own = self._of_own(dotted(node), scope)
        return (known - NOTHING) | own if own else known or NOTHING

    def _of_own(self, name: str, scope: Scope) -> Meaning:
        """Of what the program gives to its objects. A module or a function that it gives them is
        there to be replaced by somebody else."""
        if not name:
            return frozenset()
        home, own_name = scope.home(name)
        key = (home, f".{own_name}")
        one = self._names.get(key)
        if one is None:
            of_class = home.bindings.get(own_name, []) if home.kind == "class" else []
            one = self._names[key] = _Name(home.attributes.get(own_name, []) + of_class)
        given = self._union(one, len(one.bindings))
        return given if all(map(is_made, given)) else given | NOTHING

    def _of_subscript(self, node: Node, scope: Scope) -> Meaning:
        """Of `sys.modules["socket"]`, and of a part by its number."""
        key = field(node, "subscript")
        whole = self.of(field(node, "value"), scope)
        if whole == {"sys.modules"}:
            return _in_passing([literal(key)])
        part = text(key)
        return frozenset(one and f"{one}[{part}]" for one in whole) if part.isdigit() else NOTHING

    def _of_call(self, node: Node, scope: Scope) -> Meaning:
        function = field(node, "function")
        given = arguments(node)
        called = self.of(function, scope)
        if text(function) == "getattr" and len(given) > 1 and literal(given[1]):
            whole = self.of(given[0], scope)
            return _in_passing(f"{one}.{literal(given[1])}" for one in whole if one)
        if called <= _IMPORTERS and given and literal(given[0]):
            package, _, rest = literal(given[0]).partition(".")
            inner = called == {"importlib.import_module"} and rest
            return _in_passing([f"{package}.{rest}" if inner else package])
        if self.is_local(node, called, scope):
            return frozenset({LOCAL_SOCKET})
        return frozenset(one and f"{one}()" for one in called)

    def is_local(self, call: Node, called: Meaning, scope: Scope) -> bool:
        """Whether it makes a socket whose family can never be a service's."""
        at = {_FAMILY_AT.get(one) for one in called}
        if len(at) != 1 or None in at:
            return False
        given = {
            text(field(one, "name")) if one.type == "keyword_argument" else index: one
            for index, one in enumerate(arguments(call))
        }
        family = given.get("family") or given.get(max(one for one in at if one is not None))
        if family is None:
            return False
        named = family.type == "keyword_argument"
        meaning = self.of(field(family, "value") if named else family, scope)
        return bool(meaning) and meaning <= LOCAL


def _choices(node: Node) -> Iterator[Node]:
    """What a chain of `or` and `and` may come to."""
    while node.type == "boolean_operator":
        yield field(node, "right")
        node = field(node, "left")
    yield node


def _in_passing(meanings: Iterable[str]) -> Meaning:
    """Of what stands there for once, and is not renamed: it is never certain."""
    return NOTHING.union(meanings)


def _kept(meaning: str) -> str:
    """What a name stands for once its value, which is found where it stands, is rewritten, or
    somebody has said what it is: what calls the name asks whatever is put there."""
    known = LIBRARY.get(meaning)
    return known.fix if known else meaning
