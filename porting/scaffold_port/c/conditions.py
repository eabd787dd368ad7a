"""The preprocessor's conditions around each line, as text, without evaluating any."""

import re
from bisect import bisect_right

from ..source import Source
from .text import uncommented

_DIRECTIVE = re.compile(
    rb"^[ \t]*#[ \t]*(if|ifdef|ifndef|elif|else|endif)\b((?:\\\r?\n|[^\n])*)", re.MULTILINE
)
_CONTINUED = re.compile(rb"\\\r?\n")
LENGTH_MAX = 1000
"""Of a condition; longer ones are not written by people. What was cut is neither true nor false."""
DEPTH_MAX = 200
"""Deeper nesting is not written by people; what is shown stops there."""


class Conditions:
    """Stacks of `#if` conditions, outermost first."""

    def __init__(self, source: Source) -> None:
        self._at = [0]
        self._stacks: list[tuple[str, ...]] = [()]
        stack: list[str] = []
        for found in _DIRECTIVE.finditer(uncommented(source.data)):
            _turn(stack, found[1].decode(), _text(found[2]))
            self._at.append(found.end())
            self._stacks.append(tuple(stack[:DEPTH_MAX]))

    def around(self, offset: int) -> tuple[str, ...]:
        """The conditions in force at an offset."""
        return self._stacks[bisect_right(self._at, offset) - 1]


def _turn(stack: list[str], word: str, condition: str) -> None:
    if word in ("if", "ifdef", "ifndef"):
        stack.append(f"#{word} {condition}")
    elif not stack:
        return
    elif word == "endif":
        stack.pop()
    elif word == "elif":
        stack[-1] = f"#elif {condition}"
    else:
        stack[-1] = f"#else of {stack[-1].removeprefix('#else of ')}"


def _text(raw: bytes) -> str:
    text = " ".join(_CONTINUED.sub(b" ", raw).decode("utf-8", "replace").split())
    return text if len(text) <= LENGTH_MAX else f"{text[:LENGTH_MAX]} …"
