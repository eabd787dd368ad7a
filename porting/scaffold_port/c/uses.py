"""The uses of names in one file, put together from the tree and from what it leaves as text."""

import re
from dataclasses import replace

from tree_sitter import Node

from ..source import Source, nesting
from .argument import Variables, given_text, kind, parameters
from .around import Around, declaring_scope, is_in_file, is_of_class, macro_around, surroundings
from .buffer import array_around, buffer_before, copies, passed_to
from .classes import classes
from .macro import is_parameter, is_text, is_undefined, writers
from .origin import question, question_of_bytes
from .role import is_global, role_of
from .signature import TAKES, is_others_declaration
from .target import arguments, beside, is_raw, is_used, target_of
from .text import TEXT
from .tree import ancestors, enclosing, is_broken, is_macro, parse
from .unit import Unit, Use
from .value import given_to, is_given_as_type, is_value, macro_given
from .variable import seen_from_to
from .words import by_words, is_called, is_defined

_TEXT = {
    "comment",
    "string_literal",
    "string_content",
    "raw_string_literal",
    "raw_string_content",
    "char_literal",
    "character",
    "system_lib_string",
    "escape_sequence",
    "concatenated_string",
}
_ADDRESSES = {"sin_addr", "sin6_addr"}
NESTING_MAX = 1000
"""Of brackets; the parser itself takes its time for more."""
DEPTH_MAX = 200
"""Of the tree, which an `else if` deepens, too; each step up it costs its depth. Generated parsers
nest some 100 deep."""
PLACES_MAX = 4000
"""Each costs its siblings; the richest file of a known program has some 400."""


def read(source: Source, names: re.Pattern[bytes]) -> Unit:
    """The uses of `names`, in order."""
    unit = Unit(source, copies=copies(source.data))
    places = [(found.start(), found.end()) for found in names.finditer(source.data)]
    too_much = _too_much(source, places)
    if too_much:
        unit.broken.append((0, f"{too_much}: looked at word by word"))
        unit.uses += [_with_given(source, use) for use in by_words(source, places)]
        return unit
    reader = _Reader(source)
    for start, end in places:
        node = reader.root.descendant_for_byte_range(start, end)
        if node is not None and _is_deep(node):
            deep = f"nested deeper than {DEPTH_MAX}: looked at word by word from here on"
            unit.broken.append((source.position(start)[0], deep))
            rest = by_words(source, [place for place in places if place[0] >= start])
            unit.uses += [_with_given(source, use) for use in rest]
            break
        if is_undefined(source.data, start):
            unit.unmade.setdefault(source.data[start:end].decode(), []).append(start)
            continue
        use = reader.use(node, start, end) if node is not None else None
        if use is not None:
            _keep(unit, _with_given(source, use))
    return unit


def _keep(unit: Unit, use: Use) -> None:
    if use.role == "call" and is_defined(unit.source, use.end):
        use = replace(use, role="own")
    unit.uses.append(use)
    if use.seen[1]:
        unit.variables.append(use)
    if use.role in ("own", "declaration") and use.scope:
        fits = not is_others_declaration(use.name, use.takes)
        member = use.scope, use.name
        unit.members[member] = fits or unit.members.get(member, False)
    elif use.role == "own" or is_others_declaration(use.name, use.takes):
        unit.own.setdefault(use.name, []).append(use)
    if use.macro:
        unit.macros.setdefault(use.name, []).append(use.start)


def _with_given(source: Source, use: Use) -> Use:
    """What a call is given, where the tree does not say it."""
    if use.role not in ("call", "macro") or use.given is not None:
        return use
    given = given_text(source, use.end)
    if given is None:
        return use
    return replace(use, arguments=given, given="".join(map(kind, given)))


def _too_much(source: Source, places: list[tuple[int, int]]) -> str:
    """Why the file is not parsed; empty: it is."""
    if nesting(source.data) > NESTING_MAX:
        return f"nested deeper than {NESTING_MAX}"
    return f"more than {PLACES_MAX} places" if len(places) > PLACES_MAX else ""


def _is_deep(node: Node) -> bool:
    return any(depth == DEPTH_MAX for depth, _ in enumerate(ancestors(node)))


class _Reader:
    """What stands where, in one file that is parsed."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.root = parse(source)
        self._variables = Variables()
        self._writers = writers(source.data)
        self._classes = classes(source.data) if source.language == "c++" else ()

    def use(self, node: Node, start: int, end: int) -> Use | None:
        """Of a name; None: it is nobody's business."""
        name = self.source.data[start:end].decode()
        if node.type in _TEXT:
            return None
        if node.type == "preproc_arg":
            return self._in_macro(node, name, start, end)
        if node.end_byte - node.start_byte != end - start:  # a larger token, or none at all
            return self._in_gap(node, name, start, end)
        opens = is_called(self.source, end)
        role, call = role_of(node, opens)
        if role is None:
            return None
        place = Use(name, start, end, role, broken=is_broken(node))
        if role in ("declaration", "own"):
            return self._declared(node, place)
        place = replace(place, around=self._around(node, start))
        return self._called(node, call, place) if role == "call" else self._named(node, place)

    def _around(self, node: Node, start: int) -> Around:
        around = surroundings(self.source, node, start)
        inside = (one.name for one in self._classes if one.start < start < one.end)
        return replace(around, classes=tuple(dict.fromkeys((*around.classes, *inside))))

    def _declared(self, node: Node, place: Use) -> Use:
        head = node.parent if node.parent and node.parent.type == "function_declarator" else None
        return replace(
            place,
            around=self._around(node, place.start),
            scope=self._scope(node, place),
            in_file=is_in_file(node),
            macro=is_macro(node),
            takes=parameters(head, self.source.language) if head is not None else None,
            seen=(0, 0) if place.broken or place.role == "own" else self._seen(node),
        )

    def _seen(self, node: Node) -> tuple[int, int]:
        """C has no classes: what a structure's enum names holds around it."""
        is_cpp = self.source.language == "c++"
        return (0, 0) if is_cpp and is_of_class(node) else seen_from_to(node)

    def _scope(self, node: Node, place: Use) -> str:
        """Where it is declared: in the class by the text, unless in a function of the class."""
        inside = [one for one in self._classes if one.start < place.start < one.end]
        around = enclosing(node, {"function_definition"})
        if place.role == "own" and around is not None:
            around = enclosing(around, {"function_definition"})
        is_other = enclosing(node, {"parameter_list", "friend_declaration"}) is not None
        if not inside or is_other or (around and around.start_byte > inside[0].start):
            return declaring_scope(node)
        return inside[0].name

    def _called(self, node: Node, call: Node | None, place: Use) -> Use:
        given, kinds = arguments(call), None
        if call is not None and not call.has_error:
            kinds = self._variables.kinds(call, given)
        return replace(
            place,
            arguments=given,
            given=kinds,
            used=call is None or is_used(call),
            global_scope=is_global(node),
            passed_to=passed_to(call),
            question=question(call, place.name),
            beside=beside(call) if call is not None else "",
            raw=is_raw(call),
        )

    def _named(self, node: Node, place: Use) -> Use:
        is_mention = place.role == "mention"
        as_type = is_given_as_type(node) and place.name in TAKES
        value = as_type or (is_mention and is_value(node))
        return replace(
            place,
            target=target_of(node) if place.role in ("mention", "type") else "",
            beside=beside(node) if is_mention else "",
            question=question_of_bytes(node) if place.name in _ADDRESSES else "",
            global_scope=is_mention and is_global(node),
            array=array_around(node) if is_mention else None,
            length_of=buffer_before(node) if is_mention else "",
            passed_to=given_to(node) if value else "",
            value=value,
            doubt=self._doubt(node, place.broken, as_type) if value else "",
        )

    def _doubt(self, node: Node, broken: bool, as_type: bool) -> str:
        """Why a name that is given to something may not be the function's."""
        if as_type:
            return "it may be a type's name"
        macro = macro_given(node, self._writers)
        if macro:
            return f"the macro `{macro}` may make anything of it"
        return "the code around it cannot be parsed" if broken else ""

    def _in_macro(self, node: Node, name: str, start: int, end: int) -> Use | None:
        body = self.source.data[node.start_byte : node.end_byte]
        at = start - node.start_byte
        if any(text.start() <= at < text.end() for text in TEXT.finditer(body)):
            return None
        macro = macro_around(node)
        if macro and is_parameter(node, name):
            return None
        before = body[:at].rstrip()
        member = before.endswith((b".", b"->")) and not before.endswith(b"...")
        opens = is_called(self.source, end)
        role = "member" if member else "macro" if opens else "mention"
        whole = TEXT.sub(b"", body).strip() == name.encode() and name.islower()
        part = name in TAKES and not is_text(body, at, at + end - start)
        value = macro != "" and role == "mention" and (whole or part)
        doubt = f"it stands in the macro `{macro}`" if value and not whole else ""
        return Use(name, start, end, role, around=Around(macro), value=value, doubt=doubt)

    def _in_gap(self, node: Node, name: str, start: int, end: int) -> Use | None:
        """Bytes that the parser passed over, or joined into something else."""
        if node.type in ("preproc_directive", "preproc_call") or node.child_count == 0:
            return None
        role = "call" if is_called(self.source, end) else "mention"
        around = self._around(node, start)
        return Use(name, start, end, role, broken=True, around=around)
