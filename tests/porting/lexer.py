"""Call sites of C and C++ by a second method: a lexer of a few lines, without a grammar.

A name that is followed by a parenthesis is a call, unless what stands before it says that it is
declared there, or belongs to something.
"""

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    rb"""
      (?P<skip> /\*.*?(?:\*/|\Z) | //(?:\\\r?\n|[^\n])* | \\\r?\n )
    | (?P<text> R"(?P<raw>[^()\\\s]{0,16})\(.*?\)(?P=raw)"
              | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' )
    | (?P<word> [A-Za-z_]\w* )
    | (?P<number> \d(?:[eEpP][+-]|[\w.'])* )
    | (?P<sign> -> | :: | \#\# | [^\s\w] )
    """,
    re.VERBOSE | re.DOTALL,
)
_DEFINE = re.compile(rb"[ \t]*#[ \t]*define[ \t]+[A-Za-z_]\w*(?:\([^)]*\))?")
_BEFORE_CALLS = {
    b"return", b"else", b"do", b"case", b"throw", b"co_await", b"co_return", b"co_yield", b"and",
    b"or", b"not", b"goto", b"sizeof", b"if", b"while", b"new", b"delete",
}  # fmt: skip


def calls(data: bytes, names: set[bytes]) -> Iterator[tuple[int, bytes]]:
    """(offset, name) of every call."""
    before: list[tuple[bytes, int]] = [(b"", 0), (b"", 0)]
    waiting: tuple[int, bytes, tuple[bytes, int], tuple[bytes, int]] | None = None
    heads = {found.end() for found in _DEFINE.finditer(data)}
    for token in _TOKEN.finditer(data):
        if token["skip"]:
            continue
        word = token[0]
        if waiting is not None:
            start, name, last, earlier = waiting
            if word == b"(" and start + len(name) not in heads and _is_call(data, last, earlier):
                yield start, name
            waiting = None
        if token["word"] and word in names:
            waiting = (token.start(), word, before[1], before[0])
        before = [before[1], (word, token.start())]


def _is_call(data: bytes, last: tuple[bytes, int], earlier: tuple[bytes, int]) -> bool:
    word = last[0]
    if word in (b".", b"->"):
        return False
    if word == b"::":
        return not re.match(rb"[A-Za-z_>]", earlier[0][-1:] or b" ") or earlier[0] in _BEFORE_CALLS
    if re.match(rb"[A-Za-z_]", word):
        return word in _BEFORE_CALLS
    if word in (b"*", b"&") and (re.match(rb"[A-Za-z_]", earlier[0]) is not None):
        return earlier[0] in _BEFORE_CALLS or _is_spaced(data, last[1])
    return word != b"~"


def _is_spaced(data: bytes, at: int) -> bool:
    """`a * b` is a product, `a *b` a declaration; also for `&`."""
    return data[at + 1 : at + 2].isspace() and data[at - 1 : at].isspace()
