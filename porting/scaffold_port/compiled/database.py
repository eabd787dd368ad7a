"""compile_commands.json: how each unit of a program is compiled."""

import json
import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..owner import strangers

NAME = "compile_commands.json"
_BUILD = "build"
"""Where many have the program built, beside its source."""


class BadDatabase(Exception):
    """The text names the file, and what is wrong with it."""


@dataclass(frozen=True)
class Command:
    """How one file is compiled, in which folder."""

    file: str
    folder: str
    words: tuple[str, ...] | str  # a text is for a shell

    def split(self) -> tuple[str, ...]:
        """The compiler and its arguments. Raises ValueError."""
        return tuple(shlex.split(self.words)) if isinstance(self.words, str) else self.words


@dataclass(frozen=True)
class Database:
    """The file, and all that it says."""

    path: Path
    commands: tuple[Command, ...]


def in_folder(folder: Path) -> Path | None:
    """The one of a folder, or of the folder that it is built in."""
    places = (folder / NAME, folder / _BUILD / NAME)
    return next((path for path in places if path.is_file()), None)


def find(start: Path, on_note: Callable[[str], None]) -> Path | None:
    """The nearest at or above `start`."""
    start = start.absolute()
    for path in filter(None, map(in_folder, (start, *start.parents))):
        if not (refused := strangers(path, start)):
            return path
        on_note(refused)
    return None


def read(path: Path) -> Database:
    """As clang's "JSON Compilation Database Format Specification" has it. Raises BadDatabase."""
    try:
        entries = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise BadDatabase(f"{path}: {error}") from error
    if not isinstance(entries, list):
        raise BadDatabase(f"{path}: no list of commands")
    commands = (_command(path, entry) for entry in entries)
    return Database(path, tuple(dict.fromkeys(commands)))


def _command(path: Path, entry: Any) -> Command:
    try:
        folder = path.parent.absolute() / entry["directory"]
        file = str(folder / entry["file"])
        words = entry["arguments"] if "arguments" in entry else entry["command"]
        if b"\0" in os.fsencode(file):
            raise ValueError("a path with a zero byte")
        return Command(file, str(folder), words if isinstance(words, str) else tuple(words))
    except (KeyError, TypeError, ValueError) as error:
        what = f"an entry without its {error}" if isinstance(error, KeyError) else str(error)
        raise BadDatabase(f"{path}: {what}") from error
