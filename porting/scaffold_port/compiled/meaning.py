"""Whose function a name is, by the declaration that the compiler takes it for."""

from typing import Any

from ..c.signature import TAKES


def meaning(cursor: Any, place: tuple[int, int], name: str) -> bool | None:
    """Whether what stands at a line and column is libc's function of that name; None: the compiler
    does not say. What it passed over, as in a condition or in a macro's body, is for it a part of
    what is around that."""
    if cursor.spelling != name:
        return None
    if cursor.kind.is_declaration() and (cursor.location.line, cursor.location.column) != place:
        return None
    means = cursor.referenced
    kind = means.kind.name if means is not None else "NO_DECL_FOUND"
    if kind in ("NO_DECL_FOUND", "OVERLOADED_DECL_REF"):  # a template's argument decides
        return None
    if kind == "MACRO_DEFINITION":
        return _is_systems(means)
    if kind != "FUNCTION_DECL" or means.get_usr() != f"c:@F@{name}":
        return False  # of a class, a namespace or a file, or an overload
    return _is_libcs(means, name)


def _is_libcs(function: Any, name: str) -> bool | None:
    """Of a function with C's linkage: it is as the system's headers declare it, unless the program
    has its own. What the program alone declares may be either, if it takes as much."""
    definition = function.get_definition()
    if definition is not None and not _is_systems(definition):
        return False
    if _is_systems(function) or _is_systems(function.canonical):
        return True
    takes = function.type
    is_known = takes.kind.name == "FUNCTIONPROTO"
    return False if is_known and len(takes.argument_types()) != len(TAKES[name]) else None


def makes_text(cursor: Any) -> bool:
    """Whether it is the use of a macro that makes a text or another name of something that it is
    given: a function's name there may be nothing but a name, or a name as well."""
    macro = cursor.referenced if cursor.kind.name == "MACRO_INSTANTIATION" else None
    return macro is not None and any(one.spelling in ("#", "##") for one in macro.get_tokens())


def _is_systems(cursor: Any) -> bool:
    return bool(cursor.location.is_in_system_header)
