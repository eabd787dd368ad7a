"""Every place where a name that a port cares for stands, and what it is there."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import tree_sitter_c
import tree_sitter_cpp
from tree_sitter import Language, Node, Parser

from ..source import Source, nesting
from .text import TEXT

LANGUAGES = {
    "c": Language(tree_sitter_c.language()),
    "c++": Language(tree_sitter_cpp.language()),
}
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
_OPENS = re.compile(rb"(?:\s|\\\n|/\*.*?\*/)*\((?!\s*\*\s*\w+\s*\)\s*\()", re.DOTALL)
"""An opening parenthesis, but not that of a pointer to a function."""
_CLASSES = {"class_specifier", "struct_specifier", "union_specifier"}
_ARGUMENT_SHOWN = 120
NESTING_MAX = 1000
"""Of brackets; the parser itself takes its time for more."""
DEPTH_MAX = 200
"""Of the tree, which an `else if` deepens, too; each step up it costs its depth. Generated parsers
nest some 100 deep."""
PLACES_MAX = 4000
"""Each costs its siblings; the richest file of a known program has some 400."""


@dataclass(frozen=True)
class Use:
    """One place.

    `role` is call, macro (inside the body of a #define, called there), declaration, own (a
    definition of the program's own function), member (of an object, or of a named scope), type,
    or mention (a constant, a field).
    """

    name: str
    start: int
    end: int
    role: str
    arguments: tuple[str, ...] = ()
    broken: bool = False  # the parser lost its way around here
    function: str = ""
    scope: str = ""  # the class whose member function this stands in
    used: bool = True  # a call: its result is looked at
    target: str = ""  # a mention: assigned, compared, cast, sizeof, declared, or nothing
    global_scope: bool = False  # ::name
    value: bool = False  # a mention: if the name is a function's, its address is taken
    seen: tuple[int, int] = (0, 0)  # a declaration of a variable: from where to where it holds


@dataclass
class Unit:
    """A parsed file."""

    source: Source
    uses: list[Use] = field(default_factory=list)
    methods: set[tuple[str, str]] = field(default_factory=set)  # (class, name)
    own: dict[str, list[int]] = field(default_factory=dict)  # where the file defines a function
    variables: list[Use] = field(default_factory=list)  # declarations with `seen`
    broken: list[tuple[int, str]] = field(default_factory=list)  # lines that cannot be parsed


def read(source: Source, names: re.Pattern[bytes]) -> Unit:
    """The uses of `names`, in order."""
    unit = Unit(source)
    places = [(found.start(), found.end()) for found in names.finditer(source.data)]
    if not places:
        return unit
    too_much = _too_much(source, places)
    if too_much:
        unit.broken.append((0, f"{too_much}: looked at word by word"))
        unit.uses += _by_words(source, places)
        return unit
    root = Parser(LANGUAGES[source.language]).parse(source.data).root_node
    for start, end in places:
        node = root.descendant_for_byte_range(start, end)
        if node is not None and _is_deep(node):
            deep = f"nested deeper than {DEPTH_MAX}: looked at word by word from here on"
            unit.broken.append((source.position(start)[0], deep))
            unit.uses += _by_words(source, [place for place in places if place[0] >= start])
            break
        use = _use(source, node, start, end) if node is not None else None
        if use is None:
            continue
        unit.uses.append(use)
        if use.seen[1]:
            unit.variables.append(use)
        if use.role == "own":
            unit.own.setdefault(use.name, []).append(start)
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
    return any(depth == DEPTH_MAX for depth, _ in enumerate(_ancestors(node)))


def _settled(use: Use, unit: Unit) -> Use:
    """A name alone is a function's only if nothing else in sight has it; a class of C++ may have a
    member of that name in another file."""
    if not use.value or use.global_scope:
        return use
    hidden = use.scope or use.name in unit.own or is_variable(use, unit)
    return replace(use, value=not hidden)


def is_variable(use: Use, unit: Unit) -> bool:
    """Whether the name is a variable's or a parameter's there."""
    return any(
        one.name == use.name and one.start < use.start and one.seen[0] <= use.start < one.seen[1]
        for one in unit.variables
    )


# --- roles ----------------------------------------------------------------------------------------


def _use(source: Source, node: Node, start: int, end: int) -> Use | None:
    name = source.data[start:end].decode()
    if node.type in _TEXT:
        return None
    if node.type == "preproc_arg":
        return _in_macro(source, node, name, start, end)
    if node.end_byte - node.start_byte != end - start:  # a larger token, or a region without one
        return _in_gap(source, node, name, start, end)
    opens = _OPENS.match(source.data, end) is not None
    role, call = _role(node, opens)
    if role is None:
        return None
    function, scope = _surroundings(source, node, start)
    if role == "declaration":
        scope = _declaring_class(node) or ""
    broken = _is_broken(node)
    return Use(
        name,
        start,
        end,
        role,
        arguments=_arguments(call),
        broken=broken,
        function=function,
        scope=scope,
        used=call is None or _is_used(call),
        target=_target(node) if role in ("mention", "type") else "",
        global_scope=role in ("call", "mention") and _is_global(node),
        value=role == "mention" and not broken and _is_value(node),
        seen=_seen(node) if role == "declaration" and not broken else (0, 0),
    )


def _role(node: Node, opens: bool) -> tuple[str | None, Node | None]:
    parent = node.parent
    if parent is None:
        return ("call" if opens else "mention"), None
    kind = parent.type
    if node.type == "field_identifier":
        if kind == "field_expression":
            return ("member" if opens else "mention"), None
        return ("mention" if kind == "field_designator" else "declaration"), None
    if kind == "qualified_identifier":
        return _qualified(parent)
    if kind == "call_expression" and parent.child_by_field_name("function") == node:
        return "call", parent
    over = parent.parent
    if kind == "parenthesized_expression" and over is not None and over.type == "call_expression":
        return "call", over  # (name)(…), which no macro of that name takes
    if kind in ("preproc_def", "preproc_function_def"):
        return "declaration", None
    if kind in ("preproc_params", "preproc_ifdef", "preproc_defined"):
        return None, None
    if node.type == "statement_identifier":
        return None, None
    if kind == "function_declarator" and parent.child_by_field_name("declarator") == node:
        return _declared(parent)
    if node.type == "type_identifier":  # an `if` that #ifdef cut off is read as a function's head
        return ("call" if opens else "type"), None
    if kind == "array_declarator" and parent.child_by_field_name("size") == node:
        return "mention", None
    if kind == "init_declarator" and parent.child_by_field_name("value") == node:
        return "mention", None
    if kind.endswith("declarator") or kind == "parameter_declaration":
        return "declaration", None
    return ("call" if opens else "mention"), None


def _qualified(parent: Node) -> tuple[str | None, Node | None]:
    """`::name`, or a name in some scope."""
    over = parent.parent
    called = over is not None and over.type == "call_expression"
    if parent.child_by_field_name("scope") is None and parent.start_byte == _colons(parent):
        return ("call", over) if called else ("mention", None)
    if over is not None and over.type == "function_declarator":
        return "declaration", None
    return "member", None


def _colons(parent: Node) -> int:
    first = parent.child(0)
    return first.start_byte if first is not None and first.type == "::" else -1


def _is_global(node: Node) -> bool:
    return node.parent is not None and node.parent.type == "qualified_identifier"


_HOLDS = {
    "compound_statement",
    "for_statement",
    "for_range_loop",
    "if_statement",
    "while_statement",
    "function_definition",
    "lambda_expression",
    "declaration_list",
    "translation_unit",
}


def _seen(node: Node) -> tuple[int, int]:
    """Where a variable or a parameter holds; of a function or a field: nowhere."""
    parent = node.parent
    if node.type != "identifier" or parent is None or parent.type == "function_declarator":
        return 0, 0
    for over in _ancestors(node):
        is_type = over.type == "parameter_list" and not _is_of_definition(over)
        if over.type in _HOLDS or is_type:
            return over.start_byte, over.end_byte
    return 0, 0


def _is_of_definition(parameters: Node) -> bool:
    for over in _ancestors(parameters):
        if not over.type.endswith("declarator"):
            return over.type in ("function_definition", "lambda_expression")
    return False


_VALUES = {
    "assignment_expression": "right",
    "init_declarator": "value",
    "initializer_pair": "value",
    "initializer_list": "",
    "argument_list": "",
    "binary_expression": "",
    "return_statement": "",
}
"""What may take a function's address, and in which of its fields."""
_PASSES_ON = {"parenthesized_expression", "cast_expression", "qualified_identifier"}


def _is_value(node: Node) -> bool:
    if node.type != "identifier" or not _text(node).islower():  # constants have capitals
        return False
    at = node
    for over in _ancestors(node):
        if over.type in _VALUES:
            field = _VALUES[over.type]
            if field and over.child_by_field_name(field) != at:
                return False
            return not _is_of_macro(over) and _operator(over) in ("", "==", "!=")
        if not _passes_on(over, at):
            return False
        at = over
    return False


def _passes_on(over: Node, at: Node) -> bool:
    if over.type == "conditional_expression":
        return over.child_by_field_name("condition") != at
    is_address = over.type == "pointer_expression" and _text(over).startswith("&")
    return over.type in _PASSES_ON or is_address


def _is_of_macro(arguments: Node) -> bool:
    """By its capitals: what a macro makes of a name may be anything."""
    call = arguments.parent if arguments.type == "argument_list" else None
    called = call.child_by_field_name("function") if call is not None else None
    return called is not None and _text(called).isupper()


def _operator(over: Node) -> str:
    operator = over.child_by_field_name("operator") if over.type == "binary_expression" else None
    return operator.type if operator is not None else ""


def _declared(declarator: Node) -> tuple[str | None, Node | None]:
    """A prototype, a definition, or a call that the parser took for one of them."""
    parameters = declarator.child_by_field_name("parameters")
    if parameters is not None and _looks_like_arguments(parameters):
        return "call", None
    over = declarator.parent
    while over is not None and over.type.endswith("declarator"):
        over = over.parent
    if over is not None and over.type == "function_definition":
        return ("declaration" if _enclosing(over, _CLASSES) else "own"), None
    return "declaration", None


def _looks_like_arguments(parameters: Node) -> bool:
    for child in parameters.named_children:
        if child.type in ("ERROR", "number_literal", "string_literal", "pointer_expression"):
            return True
    return False


def _declaring_class(node: Node) -> str | None:
    """The class that a method is declared in, or defined for."""
    parent = node.parent
    if parent is not None and parent.type == "qualified_identifier":
        scope = parent.child_by_field_name("scope")
        return _last_name(scope) if scope is not None else None
    if node.type != "field_identifier":
        return None
    over = _enclosing(node, _CLASSES)
    name = over.child_by_field_name("name") if over is not None else None
    return _last_name(name) if name is not None else None


def _last_name(node: Node) -> str:
    return _text(node).rpartition("::")[2].partition("<")[0].strip()


def _enclosing(node: Node, types: set[str]) -> Node | None:
    over = node.parent
    while over is not None and over.type not in types:
        over = over.parent
    return over


def _is_broken(node: Node) -> bool:
    over: Node | None = node
    while over is not None:
        if over.type == "ERROR":
            return True
        if over.type == "function_definition":
            return False
        over = over.parent
    return False


# --- without a tree -------------------------------------------------------------------------------


def _by_words(source: Source, places: list[tuple[int, int]]) -> Iterator[Use]:
    """Names outside of comments and strings; what is followed by a parenthesis is a call. Whose
    function it stands in is not known."""
    texts = [(text.start(), text.end()) for text in TEXT.finditer(source.data)]
    starts = [start for start, _ in texts]
    for start, end in places:
        at = bisect_right(starts, start) - 1
        if at >= 0 and start < texts[at][1]:
            continue
        name = source.data[start:end].decode()
        role = "call" if _OPENS.match(source.data, end) else "mention"
        yield Use(name, start, end, role, broken=True)


# --- what tree-sitter leaves as text --------------------------------------------------------------


def _in_macro(source: Source, node: Node, name: str, start: int, end: int) -> Use | None:
    body = source.data[node.start_byte : node.end_byte]
    at = start - node.start_byte
    for text in TEXT.finditer(body):
        if text.start() <= at < text.end():
            return None
    before = body[:at].rstrip()
    member = before.endswith((b".", b"->")) and not before.endswith(b"...")
    opens = _OPENS.match(source.data, end) is not None
    role = "member" if member else "macro" if opens else "mention"
    value = body.strip() == name.encode() and name.islower() and _macro_around(node) != ""
    return Use(name, start, end, role, function=_macro_around(node), value=value)


_DEFINED = re.compile(rb"[ \t]*#[ \t]*define[ \t]+(\w+)")


def _macro_around(node: Node) -> str:
    definition = _enclosing(node, {"preproc_def", "preproc_function_def"})
    name = _DEFINED.match(definition.text or b"") if definition is not None else None
    return name[1].decode() if name else ""


def _in_gap(source: Source, node: Node, name: str, start: int, end: int) -> Use | None:
    """Bytes that the parser passed over, or joined into something else."""
    if node.type in ("preproc_directive", "preproc_call") or node.child_count == 0:
        return None
    opens = _OPENS.match(source.data, end) is not None
    function, scope = _surroundings(source, node, start)
    role = "call" if opens else "mention"
    return Use(name, start, end, role, broken=True, function=function, scope=scope)


# --- around a use ---------------------------------------------------------------------------------

_HEADER = re.compile(
    rb"^(?!(?:if|for|while|switch|return|else|do|case)\b)(?:[A-Za-z_][^\n;{}#=(]*?[\s*&])?"
    rb"([A-Za-z_~][\w:~]*)[ \t]*\([^;{}]*\)?[^;{}\n]*$",
    re.MULTILINE,
)
_LOOK_BACK = 20000


def _surroundings(source: Source, node: Node, start: int) -> tuple[str, str]:
    """The function around a place, and the class that it is a member of."""
    definition = _enclosing(node, {"function_definition"})
    if definition is not None:
        name = _function_name(definition)
        scope, _, plain = name.rpartition("::")
        if not scope:
            over = _enclosing(definition, _CLASSES)
            title = over.child_by_field_name("name") if over is not None else None
            scope = _last_name(title) if title is not None else ""
        if plain:
            return name, scope.rpartition("::")[2]
    return _macro_around(node) or _header_before(source, start), ""


def _function_name(definition: Node) -> str:
    node = definition.child_by_field_name("declarator")
    while node is not None and node.child_by_field_name("declarator") is not None:
        node = node.child_by_field_name("declarator")
    return _text(node) if node is not None else ""


def _header_before(source: Source, start: int) -> str:
    """Where the tree is broken: the last line at the margin that looks like a function's head."""
    text = source.data[max(0, start - _LOOK_BACK) : start]
    heads = [head[1] for head in _HEADER.finditer(text)]
    return heads[-1].decode("utf-8", "replace") if heads else ""


def _arguments(call: Node | None) -> tuple[str, ...]:
    given = call.child_by_field_name("arguments") if call is not None else None
    if given is None:
        return ()
    children = (child for child in given.named_children if child.type != "comment")
    return tuple(_text(child)[:_ARGUMENT_SHOWN] for child in children)


def _is_used(call: Node) -> bool:
    parent = call.parent
    while parent is not None and parent.type in ("parenthesized_expression", "comma_expression"):
        parent = parent.parent
    if parent is None or parent.type == "expression_statement":
        return False
    if parent.type == "cast_expression":
        kind = parent.child_by_field_name("type")
        return kind is None or kind.text != b"void"
    return True


def _target(node: Node) -> str:
    """What happens to a constant, a type or a field."""
    at: Node = node
    for over in _ancestors(node):
        if over.type == "field_designator":
            return "assigned"
        if over.type == "sizeof_expression":
            return "sizeof"
        if over.type == "cast_expression" and over.child_by_field_name("type") == at:
            return "cast"
        if over.type == "assignment_expression":
            return "assigned" if over.child_by_field_name("left") == at else ""
        if over.type == "binary_expression":
            symbol = _operator(over)
            return "compared" if symbol in ("==", "!=", "<", ">", "<=", ">=") else symbol
        if over.type == "case_statement":
            return "compared"
        if over.type in ("declaration", "parameter_declaration", "field_declaration"):
            return "declared"
        if over.type in ("call_expression", "argument_list") or over.type.endswith("statement"):
            return ""
        at = over
    return ""


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def _ancestors(node: Node) -> Iterator[Node]:
    over = node.parent
    while over is not None:
        yield over
        over = over.parent
