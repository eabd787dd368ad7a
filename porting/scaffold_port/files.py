"""Which files of a tree are looked at."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .findings import NotAnalysed

LANGUAGES = {
    **dict.fromkeys((".c", ".h"), "c"),
    **dict.fromkeys((".cc", ".cpp", ".cxx", ".c++", ".hh", ".hpp", ".hxx", ".inl", ".C"), "c++"),
    **dict.fromkeys((".py", ".pyw"), "python"),
}
SKIPPED_FOLDERS = {
    ".pc": "patch backups",
    ".git": "version control",
    ".hg": "version control",
    ".svn": "version control",
    ".bzr": "version control",
    "CVS": "version control",
    "_darcs": "version control",
    ".tox": "build",
    ".venv": "build",
    "__pycache__": "build",
    "node_modules": "build",
    "CMakeFiles": "build",
    "autom4te.cache": "build",
}


_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), 127)}


def display(path: str) -> str:
    """A path in one line of UTF-8, whatever the bytes of the name."""
    return os.fsencode(path).decode("utf-8", "backslashreplace").translate(_CONTROLS)


@dataclass
class Files:
    """The files below some paths, what was left out, and what could not be read."""

    wanted: list[tuple[Path, str]] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)
    unreadable: list[NotAnalysed] = field(default_factory=list)

    def skip(self, reason: str) -> None:
        """Count a file or folder that is left out."""
        self.skipped[reason] = self.skipped.get(reason, 0) + 1


def collect(paths: list[Path]) -> Files:
    """Every source file at or below these paths, once, in order of their names."""
    files = Files()
    seen: set[tuple[int, int]] = set()
    for path in paths:
        for one in _walk(path, files, seen):
            language = LANGUAGES.get(one.suffix)
            if language is None:
                files.skip("not source")
            else:
                files.wanted.append((one, language))
    return files


def _walk(path: Path, files: Files, seen: set[tuple[int, int]]) -> Iterator[Path]:
    try:
        about = path.stat()
    except OSError as error:
        files.unreadable.append(NotAnalysed(str(path), 0, _reason(error)))
        return
    if stat.S_ISDIR(about.st_mode):
        yield from _walk_folder(path, (about.st_dev, about.st_ino), files, seen)
    elif stat.S_ISREG(about.st_mode):
        key = (about.st_dev, about.st_ino)
        if key in seen:
            files.skip("seen before")
            return
        seen.add(key)
        yield path
    else:
        files.skip("no regular file")


def _walk_folder(
    path: Path, key: tuple[int, int], files: Files, seen: set[tuple[int, int]]
) -> Iterator[Path]:
    if key in seen:
        files.skip("seen before")
        return
    seen.add(key)
    try:
        entries = sorted(os.scandir(path), key=lambda entry: entry.name)
    except OSError as error:
        files.unreadable.append(NotAnalysed(str(path), 0, _reason(error)))
        return
    for entry in entries:
        reason = SKIPPED_FOLDERS.get(entry.name)
        if reason and entry.is_dir(follow_symlinks=False):
            files.skip(reason)
        elif _links_to_folder(entry):
            files.skip("link to a folder")
        else:
            yield from _walk(path / entry.name, files, seen)


def _links_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_symlink() and entry.is_dir()
    except OSError:  # a circle of links: opening it says so
        return False


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
