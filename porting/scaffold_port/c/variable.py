"""Variables and parameters, and where they hold."""

from tree_sitter import Node

from .tree import ancestors, is_macro

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


def seen_from_to(node: Node) -> tuple[int, int]:
    """Where a variable or a parameter holds; of a function, a field or a macro: nowhere."""
    parent = node.parent
    if node.type != "identifier" or parent is None or parent.type == "function_declarator":
        return 0, 0
    if is_macro(node):
        return 0, 0
    for over in ancestors(node):
        is_type = over.type == "parameter_list" and not _is_of_definition(over)
        if over.type in _HOLDS or is_type:
            return over.start_byte, over.end_byte
    return 0, 0


def _is_of_definition(parameters: Node) -> bool:
    for over in ancestors(parameters):
        if not over.type.endswith("declarator"):
            return over.type in ("function_definition", "lambda_expression")
    return False
