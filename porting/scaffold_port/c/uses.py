"""The uses of names in one file, put together from the tree and from what it leaves as text."""

import re
from dataclasses import replace

from tree_sitter import Node

from ..source import Source, nesting
from .around import declaring_class, macro_around, surroundings
from .buffer import array_around, buffer_before, copies, passed_to
from .origin import doubt
from .role import is_global, role_of
from .target import arguments, is_used, target_of
from .text import TEXT
from .tree import ancestors, is_broken, is_macro, parse
from .unit import Unit, Use
from .value import is_value
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
        unit.uses += by_words(source, places)
        return unit
    root = parse(source)
    for start, end in places:
        node = root.descendant_for_byte_range(start, end)
        if node is not None and _is_deep(node):
            deep = f"nested deeper than {DEPTH_MAX}: looked at word by word from here on"
            unit.broken.append((source.position(start)[0], deep))
            unit.uses += by_words(source, [place for place in places if place[0] >= start])
            break
        use = _use(source, node, start, end) if node is not None else None
        if use is None:
            continue
        if use.role == "call" and is_defined(source, end):
            use = replace(use, role="own")
        unit.uses.append(use)
        if use.seen[1]:
            unit.variables.append(use)
        if use.role == "own":
            unit.own.setdefault(use.name, []).append(start)
        if use.macro:
            unit.macros.setdefault(use.name, []).append(start)
        if use.role == "declaration" and use.scope:
            unit.methods.add((use.scope, use.name))
    unit.uses = [_settled(use, unit) for use in unit.uses]
    return unit


def _too_much(source: Source, places: list[tuple[int, int]]) -> str:
    """Why the file is not parsed; empty: it is."""
    if nesting(source.data) > NESTING_MAX:
        return f"nested deeper than {NESTING_MAX}"
    return f"more than {PLACES_MAX} places" if len(places) > PLACES_MAX else ""


def _is_deep(node: Node) -> bool:
    return any(depth == DEPTH_MAX for depth, _ in enumerate(ancestors(node)))


def _settled(use: Use, unit: Unit) -> Use:
    """A name alone is a function's only if nothing else in sight has it; a class of C++ may have a
    member of that name in another file."""
    if not use.value or use.global_scope:
        return use
    macro = any(at < use.start for at in unit.macros.get(use.name, ()))
    hidden = use.scope or use.name in unit.own or macro or unit.has_variable(use)
    return replace(use, value=not hidden)


def _use(source: Source, node: Node, start: int, end: int) -> Use | None:
    name = source.data[start:end].decode()
    if node.type in _TEXT:
        return None
    if node.type == "preproc_arg":
        return _in_macro(source, node, name, start, end)
    if node.end_byte - node.start_byte != end - start:  # a larger token, or a region without one
        return _in_gap(source, node, name, start, end)
    opens = is_called(source, end)
    role, call = role_of(node, opens)
    if role is None:
        return None
    function, scope = surroundings(source, node, start)
    if role == "declaration":
        scope = declaring_class(node)
    broken = is_broken(node)
    return Use(
        name,
        start,
        end,
        role,
        arguments=arguments(call),
        broken=broken,
        function=function,
        scope=scope,
        macro=role == "declaration" and is_macro(node),
        used=call is None or is_used(call),
        target=target_of(node) if role in ("mention", "type") else "",
        global_scope=role in ("call", "mention") and is_global(node),
        passed_to=passed_to(call),
        doubt=doubt(call, name),
        array=array_around(node) if role == "mention" else None,
        length_of=buffer_before(node) if role == "mention" else "",
        value=role == "mention" and not broken and is_value(node),
        seen=seen_from_to(node) if role == "declaration" and not broken else (0, 0),
    )


def _in_macro(source: Source, node: Node, name: str, start: int, end: int) -> Use | None:
    body = source.data[node.start_byte : node.end_byte]
    at = start - node.start_byte
    for text in TEXT.finditer(body):
        if text.start() <= at < text.end():
            return None
    before = body[:at].rstrip()
    member = before.endswith((b".", b"->")) and not before.endswith(b"...")
    opens = is_called(source, end)
    role = "member" if member else "macro" if opens else "mention"
    value = body.strip() == name.encode() and name.islower() and macro_around(node) != ""
    return Use(name, start, end, role, function=macro_around(node), value=value)


def _in_gap(source: Source, node: Node, name: str, start: int, end: int) -> Use | None:
    """Bytes that the parser passed over, or joined into something else."""
    if node.type in ("preproc_directive", "preproc_call") or node.child_count == 0:
        return None
    opens = is_called(source, end)
    function, scope = surroundings(source, node, start)
    role = "call" if opens else "mention"
    return Use(name, start, end, role, broken=True, function=function, scope=scope)
