"""Names in C and C++ by a second method: a lexer of a few lines, without a grammar.

A name that is followed by a parenthesis is a call, unless what stands before it says that it is
declared there, or belongs to something.
"""

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass

_TOKEN = re.compile(
    rb"""
      (?P<skip> /\*.*?(?:\*/|\Z) | //(?:\\\r?\n|[^\n])* | \\\r?\n )
    | (?P<define> ^[ \t]*\#[ \t]*define[ \t]+(?P<head>[A-Za-z_]\w*)(?:\([^)]*\))? )
    | (?P<directive> ^[ \t]*\#(?:\\\r?\n|/\*.*?\*/|[^\n])* )
    | (?P<text> R"(?P<raw>[^()\\\s]{0,16})\(.*?\)(?P=raw)"
              | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' )
    | (?P<word> [A-Za-z_]\w* )
    | (?P<number> \d(?:[eEpP][+-]|[\w.'])* )
    | (?P<sign> -> | :: | \#\# | [^\s\w] )
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_BEFORE_CALLS = {
    b"return", b"else", b"do", b"case", b"throw", b"co_await", b"co_return", b"co_yield", b"and",
    b"or", b"not", b"goto", b"sizeof", b"if", b"while", b"new", b"delete",
}  # fmt: skip
_Token = tuple[bytes, int]
_NOTHING: tuple[_Token, _Token] = (b"", 0), (b";", 0)
"""Before the first token, and behind a line of the preprocessor, which is no part of the code."""


@dataclass(frozen=True)
class Word:
    """A name where it stands in the code.

    `form` is call, declared (it looks like a function's head), member (of an object), scoped (of a
    class or namespace), made (by #define), or word (anything else).
    """

    start: int
    name: bytes
    form: str


def words(data: bytes, names: Set[bytes]) -> Iterator[Word]:
    """Every place of these names, but for comments, texts and directives."""
    before = _NOTHING
    waiting: tuple[_Token, tuple[_Token, _Token]] | None = None
    for token in _TOKEN.finditer(data):
        if token["skip"]:
            continue
        if waiting is not None:
            (name, start), around = waiting
            yield Word(start, name, _form(data, token[0], *around))
            waiting = None
        if token["define"] or token["directive"]:
            if token["define"] and token["head"] in names:
                yield Word(token.start("head"), token["head"], "made")
            before = _NOTHING
            continue
        found = token[0], token.start()
        if token["word"] and token[0] in names:
            waiting = found, before
        before = before[1], found


def calls(data: bytes, names: Set[bytes]) -> Iterator[tuple[int, bytes]]:
    """(offset, name) of every call."""
    return ((one.start, one.name) for one in words(data, names) if one.form == "call")


def _form(data: bytes, behind: bytes, earlier: _Token, last: _Token) -> str:
    if last[0] in (b".", b"->"):
        return "member"
    is_scope = re.match(rb"[A-Za-z_>]", earlier[0][-1:]) and earlier[0] not in _BEFORE_CALLS
    if last[0] == b"::" and is_scope:
        return "scoped"
    if behind != b"(":
        return "word"
    return "call" if _is_call(data, last, earlier) else "declared"


def _is_call(data: bytes, last: _Token, earlier: _Token) -> bool:
    word = last[0]
    if re.match(rb"[A-Za-z_]", word):
        return word in _BEFORE_CALLS
    if word in (b"*", b"&") and (re.match(rb"[A-Za-z_]", earlier[0]) is not None):
        return earlier[0] in _BEFORE_CALLS or _is_spaced(data, last[1])
    return word != b"~"


def _is_spaced(data: bytes, at: int) -> bool:
    """`a * b` is a product, `a *b` a declaration; also for `&`."""
    return data[at + 1 : at + 2].isspace() and data[at - 1 : at].isspace()
