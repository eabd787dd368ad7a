"""No regular expression of scaffold-port needs more than linear time, whatever stands in a line.

An ambiguous repetition (`(a*)*`), or two neighbours that both take the same characters, can be
tried in exponentially or quadratically many ways before a match fails.
"""

import ast
import importlib
import itertools
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import pytest

import scaffold_port

Look = Callable[[Any], object]
"""One way in which the package uses a pattern, on a whole text."""

_OF_RE = {
    f"re.{name}"
    for name in ("compile", "match", "fullmatch", "search", "findall", "finditer", "sub", "split")
}
_PIECES = (
    *"a 0_-*/\\\n\t\"'()[]{}<>#;:,.&=@",
    *("\r\n", "\\\n", "\\a", '\\"', "//", "/*", "/**/", "/* */ ", "a ", "a,", "a.", "a->", "a::"),
    *("a;\n", "\na", "\n#", "a(", "* ", '"a" ', 'R"(', "&& ", "a b\n"),
)
_HEADS = ("", "(", "a(", '"', "#", " a", "a: ", 'R"a(')
_TAILS = ("", ";", " !\n!")
_REPEATS = (12, 16, 20, 24, 32, 64, 256, 1024)
_WORTH_COMPARING = 2e-3
"""Seconds of CPU time. Below it a pattern is fast, and clocks are coarse."""
_LONG = 0.5
_TIMES, _SLACK = 8, 3
"""A text so many times as long takes so many times as long, and with the caches' misses somewhat
more; with a quadratic pattern it takes the square of it."""


def found() -> dict[str, tuple[re.Pattern[Any], str]]:
    """Every pattern of the package with every method that is called of it."""
    patterns: dict[str, tuple[re.Pattern[Any], str]] = {}
    for module in pkgutil.walk_packages(scaffold_port.__path__, "scaffold_port."):
        if not module.name.endswith("__main__"):
            patterns |= _of_module(importlib.import_module(module.name))
    return patterns


def _of_module(module: Any) -> dict[str, tuple[re.Pattern[Any], str]]:
    with Path(module.__file__).open() as file:
        tree = ast.parse(file.read())
    where = module.__name__.removeprefix("scaffold_port.")
    patterns = {}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)):
            continue
        value = getattr(module, node.value.id, None)
        if isinstance(value, re.Pattern) and callable(getattr(value, node.attr)):
            patterns[f"{where}.{node.value.id}.{node.attr}"] = (value, node.attr)
    for name, value in vars(module).items():
        for number, one in enumerate(value if isinstance(value, (dict, tuple)) else ()):
            for held in (one, *(vars(one).values() if is_dataclass(one) else ())):
                if isinstance(held, re.Pattern):
                    patterns[f"{where}.{name}[{number}]"] = (held, "search")
    for function in (one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)):
        patterns |= _in_function(function, where)
    return patterns


def _in_function(function: ast.FunctionDef, where: str) -> dict[str, tuple[re.Pattern[Any], str]]:
    """Patterns that are written where they are used, or made of a name that is known only then."""
    patterns = {}
    for node in ast.walk(function):
        if not (isinstance(node, ast.Call) and ast.unparse(node.func) in _OF_RE):
            continue
        if isinstance(node.args[0], ast.Call):  # put together: a value of the module has it
            continue
        text = ast.literal_eval(_with_a_name(node.args[0]))
        flags = re.MULTILINE if "MULTILINE" in ast.unparse(node) else re.NOFLAG
        method = ast.unparse(node.func).removeprefix("re.").replace("compile", "search")
        patterns[f"{where}:{node.lineno}.{method}"] = (re.compile(text, flags), method)
    return patterns


def _with_a_name(text: ast.expr) -> ast.expr:
    if isinstance(text, ast.BinOp) and isinstance(text.left, ast.Constant):
        name = b"name" if isinstance(text.left.value, bytes) else "name"
        return ast.Constant(text.left.value % name)
    return text


def texts(pattern: str) -> Iterator[tuple[str, str, str]]:
    """Beginnings, what is repeated and ends, with the words of the pattern itself."""
    words = sorted(set(re.findall(r"[A-Za-z_#][\w-]*[:.]*", re.sub(r"\\[a-zA-Z]", " ", pattern))))
    words = [word for word in words if len(word) > 2][:8]
    heads = (*_HEADS, *words, *(f"{word} " for word in words), *(f"\n#{word} " for word in words))
    pieces = (*_PIECES, *words, *(f"{word} " for word in words), *(f"{word}a\n" for word in words))
    return itertools.product(heads, pieces, _TAILS)


def look(pattern: re.Pattern[Any], method: str) -> Look:
    if method in ("match", "fullmatch", "search"):
        whole: Look = getattr(pattern, method)
        return whole
    return lambda text: sum(1 for _ in pattern.finditer(text))


def seconds(look: Look, text: str | bytes) -> float:
    """The shortest of a few times."""
    times = []
    for _ in range(3):
        start = time.process_time()
        look(text)
        times.append(time.process_time() - start)
        if times[-1] < _WORTH_COMPARING / _TIMES:
            break
    return min(times)


PATTERNS = found()


def test_they_are_found() -> None:
    assert "c.text.TEXT.sub" in PATTERNS
    assert "c.words._OPENS.match" in PATTERNS
    assert len(PATTERNS) > 60


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_time_grows_linearly(name: str) -> None:
    pattern, method = PATTERNS[name]
    is_bytes = isinstance(pattern.pattern, bytes)
    one = look(pattern, method)
    source = pattern.pattern.decode() if is_bytes else pattern.pattern
    for head, piece, tail in texts(source):
        for repeats in _REPEATS:
            text = head + piece * repeats + tail
            given = text.encode() if is_bytes else text
            if seconds(one, given) > _WORTH_COMPARING:
                shorter = head + piece * (repeats // _TIMES) + tail
                before = seconds(one, shorter.encode() if is_bytes else shorter)
                now = seconds(one, given)
                if now < before * _TIMES * _SLACK:
                    break
                # Up to the bound of a {1,400} any pattern is quadratic: longer texts tell.
                longer = now < _LONG and repeats < _REPEATS[-1]
                assert longer, (head, piece, tail, repeats)
