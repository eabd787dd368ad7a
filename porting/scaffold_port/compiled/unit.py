"""What one unit says: a file with all that it includes, as one command compiles it."""

import hashlib
import os
import resource
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ..cache import Cache
from ..source import Source
from .arguments import for_clang
from .database import Command
from .libclang import cindex, version
from .meaning import makes_text, meaning

SECONDS_MAX = 60
"""Of CPU time for one unit; the slowest of a known program takes 5 s."""
WAIT_SECONDS_MAX = 300
"""Of time, for what uses none of the CPU's: an include may name a pipe, or a terminal. A unit that
ends gets it on a machine that sixty others share."""
MEMORY_MAX = 4 << 30
"""Of addresses; a unit of C++ takes some 200 MB, and libclang itself 500 MB of addresses."""
CRASHED = (
    f"libclang crashed, or took more than {SECONDS_MAX} s of CPU time, {WAIT_SECONDS_MAX} s or"
    f" {MEMORY_MAX >> 30} GB"
)


@dataclass(frozen=True)
class Place:
    """A name in a file, by its real path; line and column as a finding has them."""

    path: str
    line: int
    column: int
    name: str
    macro: str = field(default="", compare=False)  # may be one, and is given the name itself


Asked = Mapping[str, frozenset[Place]]
"""The places that are asked for, by their path."""


@dataclass
class Seen:
    """The files of a unit, and what the places in them mean: libc's function or another."""

    files: dict[str, str] = field(default_factory=dict)  # with what they hold, in short
    asked: set[Place] = field(default_factory=set)
    meanings: dict[Place, bool] = field(default_factory=dict)
    trouble: str = ""  # why the unit says nothing

    def holds(self, asked: Asked) -> bool:
        """Whether it would say the same again."""
        same = all(_digest(path) == held for path, held in self.files.items())
        return same and self.asked == _asked_in(self.files, asked)


def look(command: Command, asked: Asked, kept: Cache | None) -> Seen:
    """At one unit, in a process that may end with it; never raises for what it finds."""
    key = (version().encode(), repr(command).encode())
    seen = kept.get(*key) if kept else None
    if isinstance(seen, Seen) and seen.holds(asked):
        return seen
    _limit()
    try:
        seen = _parse(command, asked)
    except Exception as error:  # one unit's trouble is not the others'
        return Seen(trouble=str(error)[:200])
    finally:
        signal.alarm(0)
    if kept and not seen.trouble:  # a header that is missing may be there the next time
        kept.put(seen, *key)
    return seen


def _parse(command: Command, asked: Asked) -> Seen:
    clang: Any = cindex()
    if not Path(command.file).is_file():
        return Seen(trouble="no such file")
    options = clang.TranslationUnit.PARSE_DETAILED_PROCESSING_RECORD  # where macros are used
    unit = clang.Index.create().parse(command.file, for_clang(command), options=options)
    trouble = _trouble(clang, unit)
    if trouble:
        return Seen(trouble=trouble)
    seen = Seen()
    for path, file in _files(unit, command):
        seen.files[path] = _digest(path)
        for place in asked.get(path, ()):
            seen.asked.add(place)
            means = _meaning(clang, unit, file, place)
            if means is not None:
                seen.meanings[place] = means
    return seen


def _meaning(clang: Any, unit: Any, file: Any, place: Place) -> bool | None:
    at = clang.SourceLocation.from_position(unit, file, place.line, place.column)
    cursor = clang.Cursor.from_location(unit, at)
    means = meaning(cursor, (place.line, place.column), place.name)
    if not place.macro or not makes_text(_given_to(clang, unit, file, place)):
        return means
    is_text = cursor.spelling != place.name
    return False if is_text or means is False else None


def _given_to(clang: Any, unit: Any, file: Any, place: Place) -> Any:
    """The use of the macro that a place is given to; of a function: something else."""
    source = Source(place.path, Path(place.path).read_bytes(), "c")
    start = source.data.rfind(place.macro.encode(), 0, source.offset(place.line, place.column))
    at = clang.SourceLocation.from_offset(unit, file, max(start, 0))
    return clang.Cursor.from_location(unit, at)


def _limit() -> None:
    """What the next unit may take; beyond it the process ends."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # whoever forked may have had a handler
    signal.alarm(WAIT_SECONDS_MAX)
    used = resource.getrusage(resource.RUSAGE_SELF)
    for what, most in (
        (resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + SECONDS_MAX),
        (resource.RLIMIT_AS, MEMORY_MAX),
    ):
        hard = resource.getrlimit(what)[1]
        resource.setrlimit(what, (most if hard < 0 else min(most, hard), hard))


def _trouble(clang: Any, unit: Any) -> str:
    """The first error of the source; empty: there is none. What is behind one may mean anything.
    Errors without a place are about options, which gcc may know."""
    for one in unit.diagnostics:
        of_source = one.severity >= clang.Diagnostic.Error and one.location.file is not None
        if of_source or one.severity == clang.Diagnostic.Fatal:
            return str(one.spelling)
    return ""


def _files(unit: Any, command: Command) -> Iterator[tuple[str, Any]]:
    """All, by their real paths."""
    yield os.path.realpath(command.file), unit.get_file(command.file)
    for one in unit.get_includes():
        yield os.path.realpath(Path(command.folder, one.include.name)), one.include


def _asked_in(files: Mapping[str, str], asked: Asked) -> set[Place]:
    return {place for path in files for place in asked.get(path, ())}


@cache  # headers are the same for many units
def _digest(path: str) -> str:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return ""
