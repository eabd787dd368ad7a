"""Which language a file is written in, by its name or else by its first line."""

import os
import re
from pathlib import PurePath

LANGUAGES = {
    **dict.fromkeys((".c", ".h", ".y", ".l", ".lex"), "c"),
    **dict.fromkeys((".cc", ".cpp", ".cxx", ".c++", ".C", ".cppm", ".ixx", ".cu"), "c++"),
    **dict.fromkeys((".hh", ".hpp", ".hxx", ".h++", ".H", ".cuh"), "c++"),
    **dict.fromkeys((".inl", ".ipp", ".tcc", ".tpp", ".txx"), "c++"),
    **dict.fromkeys((".yy", ".ypp", ".ll", ".lpp"), "c++"),
    **dict.fromkeys((".py", ".pyi", ".pyw", ".pyx"), "python"),
}
GRAMMARS = {".y", ".l", ".lex", ".yy", ".ypp", ".ll", ".lpp"}
"""Of yacc, bison, lex and flex: C or C++ in braces among their own rules."""
_TEMPLATES = {".in", ".cmake"}
"""What configure and CMake fill in: `a.c.in` is C as well."""
_OTHERS = {
    *(".awk", ".cs", ".el", ".erl", ".f90", ".go", ".hs", ".i", ".java", ".js", ".kt", ".lua"),
    *(".m", ".ml", ".mm", ".php", ".pl", ".pm", ".rb", ".rl", ".rs", ".scala", ".swift", ".tcl"),
    *(".ts", ".vala", ".xs", ".zig"),
}
"""Suffixes of languages that no rule knows."""
INCLUDED = "c"
"""What has findings and, by itself, no language: C or C++ that is included."""
HEAD = 128
"""Bytes of a file that are enough for its first line; Linux takes 256 for an interpreter's path."""
_PYTHON = re.compile(rb"#![^\n]*python", re.IGNORECASE)
_INCLUDE = re.compile(rb'^[ \t]*+#[ \t]*+include[ \t]*+["<]([^">\n]++)', re.MULTILINE)
_LINE = re.compile(rb'^[ \t]*+#[ \t]*+line[ \t]++\d++[ \t]++"([^"\n]++)"', re.MULTILINE)
"""What yacc, bison, lex and flex write into the C that they make (C11 6.10.4)."""
_SCRIPT = re.compile(rb"#!")


def by_name(path: PurePath) -> str | None:
    """The language of its suffix, or of the one before `.in`."""
    return LANGUAGES.get(_suffix(path))


def language(path: PurePath, head: bytes) -> str | None:
    """The language of a file that begins with `head`; None: none that a rule knows."""
    return by_name(path) or ("python" if _PYTHON.match(head) else None)


def is_grammar(path: PurePath) -> bool:
    """Whether its C stands among the rules of a parser or a scanner."""
    return _suffix(path) in GRAMMARS


def is_program(path: PurePath, head: bytes) -> bool:
    """Whether it is source of a language that no rule knows."""
    return _suffix(path) in _OTHERS or _SCRIPT.match(head) is not None


def included(data: bytes) -> set[str]:
    """The names of the files that C includes: `a.h`, `table.inc`, `errors.def`."""
    paths = (PurePath(os.fsdecode(found)) for found in _INCLUDE.findall(data))
    return {path.name for path in paths if path.suffix}


def made_from(data: bytes) -> str:
    """The name of the grammar that a file of C was made from; empty: of none."""
    paths = (PurePath(os.fsdecode(found)) for found in _LINE.findall(data))
    return next((path.name for path in paths if is_grammar(path)), "")


def _suffix(path: PurePath) -> str:
    return PurePath(path.stem).suffix if path.suffix in _TEMPLATES else path.suffix
