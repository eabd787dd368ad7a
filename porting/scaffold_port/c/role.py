"""What a name is where it stands: a call, a declaration, a member, a type, or a mention."""

from tree_sitter import Node

from .tree import CLASSES, MACROS, enclosing


def role_of(node: Node, opens: bool) -> tuple[str | None, Node | None]:
    """Its role, None where it is nobody's business, and the call, where that is known. `opens`: a
    parenthesis follows."""
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
    if kind in MACROS or (kind == "enumerator" and parent.child_by_field_name("name") == node):
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
    if kind.endswith("declarator") or kind in ("declaration", "parameter_declaration"):
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


def _declared(declarator: Node) -> tuple[str | None, Node | None]:
    """A prototype, a definition, or a call that the parser took for one of them."""
    parameters = declarator.child_by_field_name("parameters")
    if parameters is not None and _looks_like_arguments(parameters):
        return "call", None
    over = declarator.parent
    while over is not None and over.type.endswith("declarator"):
        over = over.parent
    if over is not None and over.type == "function_definition":
        return ("declaration" if enclosing(over, CLASSES) else "own"), None
    return "declaration", None


def _looks_like_arguments(parameters: Node) -> bool:
    for child in parameters.named_children:
        if child.type in ("ERROR", "number_literal", "string_literal", "pointer_expression"):
            return True
    return False


def is_global(node: Node) -> bool:
    """Whether it is called `::name`, or is a member of some scope."""
    return node.parent is not None and node.parent.type == "qualified_identifier"
