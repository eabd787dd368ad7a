"""Comments in front of the lines that a human has to look at."""

import io
import re
import tokenize
from collections.abc import Iterable
from pathlib import PurePath

from ..c.text import TEXT
from ..findings import Finding
from ..languages import is_grammar
from ..source import Source
from .edits import Edit

_MARK = re.compile(rb"[ \t]*(?:/\*|#) scaffold-port: left to you \[([\w-]+)\]")
_INDENT = re.compile(rb"[ \t]*")


def marks(source: Source, findings: Iterable[Finding]) -> set[Edit]:
    """A comment for each rule and line, where none stands yet: what is context gets none."""
    wanted: dict[int, dict[str, str]] = {}
    inside = _inside(source)
    for one in findings:
        if one.group == "decide":
            line = _free_line(source, one.line, inside)
            wanted.setdefault(line, {}).setdefault(one.rule, one.question)
    return {
        Edit(start, start, text)
        for line, messages in wanted.items()
        for start in [source.starts[line - 1]]
        if (text := _comments(source, line, messages))
    }


def _comments(source: Source, line: int, messages: dict[str, str]) -> bytes:
    """What is to stand in front of a line, without what stands there."""
    there = _there(source, line)
    start = source.starts[line - 1]
    end = source.starts[line] if line < len(source.starts) else len(source.data)
    indent = _INDENT.match(source.data, start, end)
    assert indent is not None
    before = indent[0] or _margin(source)
    newline = b"\r\n" if source.data[start:end].endswith(b"\r\n") else b"\n"
    head, tail = (b"# ", b"") if source.language == "python" else (b"/* ", b" */")
    return b"".join(
        before + head + _note(rule, message) + tail + newline
        for rule, message in messages.items()
        if rule not in there
    )


def _margin(source: Source) -> bytes:
    """What keeps a comment off the margin, where lex takes it for a pattern."""
    return b" " if is_grammar(PurePath(source.path)) else b""


def _note(rule: str, message: str) -> bytes:
    """In one line, and without an end of a comment."""
    text = " ".join(message.replace("*/", "* /").replace("\\", "/").split())
    return f"scaffold-port: left to you [{rule}]: {text}".encode("ascii", "replace")


def _there(source: Source, line: int) -> set[str]:
    """The rules of the marks right above a line."""
    rules = set()
    while line > 1 and (mark := _MARK.match(source.data, source.starts[line - 2])):
        rules.add(mark[1].decode())
        line -= 1
    return rules


def _free_line(source: Source, line: int, inside: set[int]) -> int:
    """The line, or the one above it in front of which a comment stands by itself: not behind a
    backslash, nor within a text."""
    while line > 1 and (line in inside or _goes_on(source, line - 1)):
        line -= 1
    return line


def _goes_on(source: Source, line: int) -> bool:
    end = source.starts[line] if line < len(source.starts) else len(source.data)
    return source.data[source.starts[line - 1] : end].rstrip(b"\r\n").endswith(b"\\")


def _inside(source: Source) -> set[int]:
    """The lines that begin within a comment or a string."""
    spans = _python(source) if source.language == "python" else _c(source)
    return {line for first, last in spans for line in range(first + 1, last + 1)}


def _c(source: Source) -> Iterable[tuple[int, int]]:
    """(first line, last line) of each text."""
    for found in TEXT.finditer(source.data):
        yield source.position(found.start())[0], source.position(found.end() - 1)[0]


def _python(source: Source) -> Iterable[tuple[int, int]]:
    """The same; the parts of an f-string lie within it. Whatever cannot be read as tokens was
    not analysed either."""
    opened = []
    for token in tokenize.tokenize(io.BytesIO(source.data).readline):
        kind = tokenize.tok_name[token.type]
        if kind == "FSTRING_START":
            opened.append(token.start[0])
        elif kind == "FSTRING_END":
            yield opened.pop(), token.end[0]
        elif kind == "STRING":
            yield token.start[0], token.end[0]
