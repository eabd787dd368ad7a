"""What a call is given: how many arguments, and of which kinds (signature.py)."""

import re

from tree_sitter import Node

from ..source import Source
from .signature import Parameters
from .text import TEXT
from .tree import enclosing, last_name, text


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NUMBERS = _words("""
    int unsigned signed long short char bool size_t ssize_t socklen_t off_t in_port_t in_addr_t
    sa_family_t uint8_t uint16_t uint32_t uint64_t int8_t int16_t int32_t int64_t u_int u_short
    u_long u_char u_int16_t u_int32_t SOCKET
""")
_BLOCKS = _words("""
    compound_statement if_statement else_clause for_statement for_range_loop while_statement
    do_statement switch_statement case_statement labeled_statement try_statement catch_clause
    parameter_list function_definition preproc_if preproc_ifdef preproc_else preproc_elif
""")
"""What declarations stand in."""
_DECLARATIONS = {"declaration", "parameter_declaration", "optional_parameter_declaration"}
_LENGTH_MAX, _DEPTH_MAX = 2000, 30
"""Of a call's arguments that are read as text; others are tables, or never end."""
_PART = re.compile(TEXT.pattern + rb"| [][(){},;<\#]", TEXT.flags)
_OPENS, _CLOSES = (b"(", b"[", b"{"), (b")", b"]", b"}")
_CAST = re.compile(
    r"\(\s*+(?:const\s++)?(?:struct\s++|unsigned\s++)?([\w:]++)\s*+(?:const\s*+)?(\*?)[\s*]*+\)\s*+[\w(&*]"
)
_ADDRESS = re.compile(r"\bsockaddr(?:_\w+)?\b")
_TEXTS: dict[str, re.Pattern[str]] = {
    "a": re.compile(r"reinterpret_cast<[^>]*\bsockaddr"),
    "p": re.compile(
        r'(?:L|u8?|U)?"|&|R"|(?:this|nullptr)$|new\b|SIGNAL\(|SLOT\(|reinterpret_cast<'
    ),
    "x": re.compile(r"\[|.*\b_[1-9]\b|(?:std::)?c?ref\(", re.DOTALL),
    "0": re.compile(r"(?:0[xX]?0*+[uUlL]*+|NULL)$"),
    "i": re.compile(
        r"-?\d|'|sizeof\b|(?:true|false)$|[AP]F_[A-Z]|SOCK_[A-Z]|IPPROTO_[A-Z]|SOL_[A-Z]"
    ),
    "m": re.compile(r"[A-Z_][A-Z0-9_]*(?:$|\()|.*\.\.\.$", re.DOTALL),
}
"""What an argument is by how it begins, in the order in which it is looked at."""


def kind(argument: str) -> str:
    """Of an argument, by its text alone."""
    cast = _CAST.match(argument)
    if cast:
        return _pointer(cast[1]) if cast[2] else "i" if cast[1] in _NUMBERS else "?"
    return next((one for one, begins in _TEXTS.items() if begins.match(argument)), "?")


def _pointer(of: str) -> str:
    return "a" if _ADDRESS.search(of) else "p"


def parameters(declarator: Node, language: str) -> Parameters | None:
    """Of a function's declarator; None: it does not say."""
    listed = declarator.child_by_field_name("parameters")
    children = [one for one in listed.named_children if one.type != "comment"] if listed else []
    if listed is None or not children:
        return Parameters("", 0) if language == "c++" else None
    if any(one.type not in _DECLARATIONS for one in children) or b"..." in (listed.text or b""):
        return None
    kinds = [_declared_kind(one) for one in children]
    if len(kinds) == 1 and text(children[0]) == "void":
        return Parameters("", 0)
    optional = sum(one.type == "optional_parameter_declaration" for one in children)
    return Parameters("".join(kinds), len(kinds) - optional)


def _declared_kind(declaration: Node) -> str:
    return _kind_of(declaration, declaration.child_by_field_name("declarator"))


def _kind_of(declaration: Node, declarator: Node | None) -> str:
    """The kind of what one declarator of a declaration declares."""
    while declarator is not None and declarator.type == "init_declarator":
        declarator = declarator.child_by_field_name("declarator")
    shape = declarator.type if declarator is not None else ""
    of = declaration.child_by_field_name("type")
    if "pointer" in shape or "array" in shape:
        return _pointer(text(of)) if of is not None else "p"
    if shape not in ("", "identifier"):
        return "?"
    if of is None or of.type in ("type_identifier", "qualified_identifier", "primitive_type"):
        return "i" if of is not None and last_name(of) in _NUMBERS else "?"
    return {"sized_type_specifier": "i", "struct_specifier": "x", "lambda_expression": "x"}.get(
        of.type, "?"
    )


class Variables:
    """The variables and parameters of a file's functions, by where the function begins."""

    def __init__(self) -> None:
        self._of: dict[int, dict[str, str]] = {}

    def kinds(self, node: Node, arguments: tuple[str, ...]) -> str:
        """Of a call's arguments."""
        if not arguments:
            return ""
        function = enclosing(node, {"function_definition"})
        known = self._known(function) if function is not None else {}
        return "".join(known.get(one) or kind(one) for one in arguments)

    def _known(self, function: Node) -> dict[str, str]:
        if function.start_byte not in self._of:
            self._of[function.start_byte] = _variables(function)
        return self._of[function.start_byte]


def _variables(function: Node) -> dict[str, str]:
    """Two of one name and of different kinds are not told apart."""
    found: dict[str, str] = {}
    open_ = [function]
    while open_:
        for child in open_.pop().named_children:
            if child.type in _DECLARATIONS:
                for declarator in child.children_by_field_name("declarator"):
                    name, of = _name(declarator), _kind_of(child, declarator)
                    found[name] = of if found.get(name, of) == of else "?"
            elif child.type in _BLOCKS or child.type.endswith("declarator"):
                open_.append(child)
    return found


def _name(declarator: Node | None) -> str:
    while declarator is not None and declarator.type != "identifier":
        declarator = declarator.child_by_field_name("declarator") or (
            declarator.named_children[-1] if declarator.named_children else None
        )
    return text(declarator) if declarator is not None else ""


def given_text(source: Source, end: int) -> tuple[str, ...] | None:
    """The arguments behind a name that ends there, without a tree; None: it cannot be told."""
    start = source.data.find(b"(", end)
    depth, begins, found = 0, start + 1, []
    for part in _PART.finditer(source.data, max(start, 0), start + _LENGTH_MAX):
        sign = part[0]
        if sign in (b"#", b"<") or (sign == b";" and depth == 1) or depth > _DEPTH_MAX:
            return None
        depth += (sign in _OPENS) - (sign in _CLOSES)
        if (sign == b"," and depth == 1) or depth == 0:
            found.append(source.data[begins : part.start()].decode("utf-8", "replace").strip())
            begins = part.end()
        if depth == 0:
            return tuple(found) if found != [""] else ()
    return None
