"""The classes of a file of C++, as its text has them: where a macro stands in a class's head the
parser takes the class for something else."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from .text import blank

_HEAD = re.compile(rb"\b(?:class|struct)\b([^;{}()=]{1,400})\{")
_BASE = re.compile(rb"(?:public|protected|private|virtual|\s)*+((?:\w++::)*+\w++)")
_BRACE = re.compile(rb"[{}]")


@dataclass(frozen=True)
class Class:
    """One, and from where to where its body is; nowhere, where its end is not clear."""

    name: str
    bases: tuple[str, ...]
    start: int
    end: int


@lru_cache(maxsize=1)  # of the file in hand
def classes(data: bytes) -> tuple[Class, ...]:
    """Those with a body, inner ones before outer ones."""
    if b"class" not in data and b"struct" not in data:
        return ()
    code = blank(data)
    heads = {found.end() - 1: found[1] for found in _HEAD.finditer(code)}
    return tuple(
        Class(*_head(heads[start]), start, end) for start, end in _blocks(code) if start in heads
    )


def _blocks(code: bytes) -> Iterator[tuple[int, int]]:
    open_: list[int] = []
    for brace in _BRACE.finditer(code):
        if brace[0] == b"{":
            open_.append(brace.start())
        elif open_:
            yield open_.pop(), brace.start()
    for start in reversed(open_):
        yield start, start


def _head(text: bytes) -> tuple[str, tuple[str, ...]]:
    """The name and the bases; macros, which have capitals, may stand around the name."""
    head, _, bases = text.replace(b"::", b"\0").partition(b":")
    words = [word for word in head.split() if word != b"final"]
    names = [word for word in words if not word.isupper()] or words or [b""]
    name = names[-1].rpartition(b"\0")[2].decode("utf-8", "replace")
    found = (_BASE.match(base) for base in bases.replace(b"\0", b"::").split(b","))
    return name, tuple(one[1].decode() for one in found if one)
