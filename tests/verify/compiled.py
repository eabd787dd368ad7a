"""What the build of a program compiles, and whether a file goes on compiling."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

UNITS = {".c": "c", ".cc": "c++", ".cpp": "c++", ".cxx": "c++"}
"""Suffixes of what is compiled by itself."""
HEADERS = {".h", ".hh", ".hpp", ".hxx"}

_COMPILERS = ("cc", "gcc", "c++", "g++")
_LOGGER = """#!/bin/sh
printf '%s\\0' "$PWD" '{compiler}' "$@" >"$(mktemp '{log}/XXXXXXXX')"
exec '{compiler}' "$@"
"""
"""One file for each call: make runs several at a time."""
_WRITES = {"-c", "-S", "-M", "-MM", "-MD", "-MMD", "-MP"}
_WRITES_TO = {"-o", "-MF", "-MT", "-MQ"}
"""Options that say what is written, without and with the name of a file."""


@dataclass(frozen=True)
class Command:
    """How the build compiles a file."""

    folder: Path
    words: tuple[str, ...]  # without the file, and without what is written
    path: Path

    @property
    def language(self) -> str:
        """C or C++."""
        return UNITS[self.path.suffix]

    def complaints(self, path: Path, *more: str) -> str:
        """What the compiler says of another file, or of this one; empty: it compiles."""
        command = [*self.words, *more, "-fsyntax-only", str(path)]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        return done.stderr if done.returncode != 0 else ""


@contextmanager
def logged(folder: Path) -> Iterator[Path]:
    """A new folder in which every compiler that is started by its name leaves its command line."""
    programs, log = folder / "compilers", folder / "log"
    for path in (programs, log):
        path.mkdir()
    for name in _COMPILERS:
        program = programs / name
        program.write_text(_LOGGER.format(compiler=shutil.which(name), log=log))
        program.chmod(0o755)
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{programs}{os.pathsep}{before}"
    try:
        yield log
    finally:
        os.environ["PATH"] = before


def commands(log: Path, tree: Path) -> dict[Path, Command]:
    """By file of the tree, which is named without links; of several for one, the last: it is the
    build's, and not configure's."""
    found = {}
    for entry in sorted(log.iterdir(), key=lambda path: path.stat().st_mtime_ns):
        folder, *words = os.fsdecode(entry.read_bytes()).split("\0")[:-1]
        names = [word for word in words if Path(word).suffix in UNITS]
        kept = tuple(_reading(word for word in words if word not in names))
        for name in names:
            path = Path(folder, name).resolve()
            if path.is_file() and path.is_relative_to(tree):
                found[path] = Command(Path(folder), kept, path)
    return found


def _reading(words: Iterator[str]) -> Iterator[str]:
    """Without the options that say what is written."""
    for word in words:
        if word in _WRITES_TO:
            next(words, "")
        elif word not in _WRITES:
            yield word


def nearest(path: Path, known: dict[Path, Command]) -> Command | None:
    """The file's own command, or that of a neighbour in its language, the closest by folders."""
    if path in known:
        return known[path]
    language = UNITS.get(path.suffix) or ("" if path.suffix == ".h" else "c++")
    fitting = [one for one in known.values() if language in ("", one.language)]
    return max(fitting, key=lambda one: _shared(one.path, path), default=None)


def _shared(one: Path, other: Path) -> int:
    """How many folders two paths have in common."""
    return len(Path(os.path.commonpath((one.parent, other.parent))).parts)
