"""Which of a compiler's arguments decide what a name means: those that choose headers, conditions
and the language. No others reach libclang: a command may come with a program that nobody trusts,
and some write files, load plug-ins, or load what a compiler is said to have made before."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path, PurePath

from ..languages import by_name, is_grammar
from .database import Command

_WITH_VALUE = re.compile(
    r"-(?:[DUI]|imacros|isystem|iquote|idirafter|iprefix|iwithprefix(?:before)?"
    r"|isysroot|target|-sysroot)"
)
_ALONE = re.compile(
    r"-(?:[DUI].+|(?:imacros|isystem|iquote|idirafter|iprefix|isysroot).+"
    r"|-?std=.+|ansi|nostdinc(?:\+\+)?|undef|stdlib=.+|-(?:sysroot|target)=.+"
    r"|m(?:32|64|x32|arch=.+|cpu=.+|sse.*|avx.*)|O.*|pthread"
    r"|f(?:no-)?(?:exceptions|rtti|openmp|ms-extensions|short-enums|short-wchar|signed-char"
    r"|unsigned-char|char8_t|coroutines|freestanding|hosted|pic|PIC|pie|PIE|permissive))"
)
_CAREFULLY = re.compile(r"(-include|-x)(?!-pch)(.*)")
"""With the value behind it, or in the next word."""
_LANGUAGES = {"c", "c++", "c-header", "c++-header"}
"""Of source; others are of what was compiled before."""
_PREPROCESSOR = "-Wp,"
"""In front of arguments for the preprocessor, with commas between them."""
_OURS = ("-Wno-everything", "-ferror-limit=1")
"""Warnings say nothing here; one error is enough."""
_OWN_HEADERS = (
    "usr/lib/clang/*/include",
    "usr/lib/llvm-*/lib/clang/*/include",
    "usr/lib*/gcc/*/*/include",
)
"""Where compilers have stddef.h and its like, which PyPI's libclang comes without."""


def for_clang(command: Command) -> list[str]:
    """The arguments that libclang gets. Raises ValueError."""
    words = command.split()
    found = ["--driver-mode=g++"] if any(map(_is_cpp, words[: _leading(words)])) else []
    found += _deciding(words)
    is_said = any(option == "-x" and value in _LANGUAGES for option, value in pairwise(found))
    if not is_said and not _is_source(PurePath(command.file)):
        raise ValueError("neither C nor C++ by its name")
    headers = _own_headers()
    return [
        *found,
        *_OURS,
        f"-working-directory={command.folder}",
        *(("-idirafter", headers) if headers else ()),
    ]


def _deciding(words: Iterable[str]) -> Iterator[str]:
    rest = iter(words)
    for word in rest:
        if _WITH_VALUE.fullmatch(word):
            yield from (word, next(rest, ""))
        elif _ALONE.fullmatch(word):
            yield word
        elif careful := _CAREFULLY.fullmatch(word):
            yield from _loading_nothing(careful[1], careful[2] or next(rest, ""))
        elif word.startswith(_PREPROCESSOR):
            yield from _deciding(word.removeprefix(_PREPROCESSOR).split(","))


def _loading_nothing(option: str, value: str) -> Iterator[str]:
    """For the file VALUE.pch beside VALUE the driver would look, which is passed over here."""
    if option == "-include":
        yield from ("-Xclang", option, "-Xclang", value)
    elif value in _LANGUAGES:
        yield from (option, value)


def _is_source(path: PurePath) -> bool:
    """By its suffix, as clang goes by it: that of a grammar is one of LLVM's, too."""
    return by_name(path) in ("c", "c++") and not is_grammar(path)


def _leading(words: tuple[str, ...]) -> int:
    """How many words stand in front of the first option: the compiler, and what starts it."""
    return next((at for at, word in enumerate(words) if word.startswith("-")), len(words))


def _is_cpp(word: str) -> bool:
    """A compiler that takes C for C++."""
    return re.search(r"[gc+]\+\+", PurePath(word).name) is not None


@cache
def _own_headers() -> str:
    found = (path for places in _OWN_HEADERS for path in sorted(Path("/").glob(places)))
    return next((str(path) for path in found if (path / "stddef.h").is_file()), "")
