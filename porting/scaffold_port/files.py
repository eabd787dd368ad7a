"""Which files of a tree are looked at."""

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .findings import NotAnalysed
from .ignored import Patterns, is_ignored, of_git, of_git_above
from .languages import HEAD, by_name, is_program, language

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
NO_SOURCE = "nothing in it is C, C++ or Python, but for what is left out"
NOT_SOURCE = "not C, C++ or Python, by its name and its first line"
NO_LANGUAGE = "not source"
NO_FILE = "no regular file"


_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), 127)}


def display(path: str) -> str:
    """A path in one line of UTF-8, whatever the bytes of the name."""
    return os.fsencode(path).decode("utf-8", "backslashreplace").translate(_CONTROLS)


@dataclass(frozen=True)
class Choice:
    """What is left out of folders; a file that is named is looked at all the same."""

    exclude: tuple[Patterns, ...] = ()
    gitignore: bool = True  # what git ignores, too


EVERYTHING = Choice(gitignore=False)
"""For a release's tree: what git ignores there was generated, and is built."""


@dataclass
class Files:
    """The files below some paths, what was left out, and what could not be read."""

    wanted: list[tuple[Path, str]] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)  # counted as no source
    skipped: dict[str, int] = field(default_factory=dict)
    unreadable: list[NotAnalysed] = field(default_factory=list)

    def skip(self, reason: str) -> None:
        """Count a file or folder that is left out."""
        self.skipped[reason] = self.skipped.get(reason, 0) + 1

    def miss(self, path: Path, reason: str) -> None:
        """List a file or folder that should have been looked at."""
        self.unreadable.append(NotAnalysed(str(path), 0, reason))

    def take(self, languages: Mapping[str, str]) -> list[tuple[Path, str]]:
        """The others of these names are source after all; returns them with their languages."""
        taken = [(path, languages[path.name]) for path in self.others if path.name in languages]
        self.others = [path for path in self.others if path.name not in languages]
        self.wanted += taken
        self.skipped.pop(NO_LANGUAGE, None)
        if self.others:
            self.skipped[NO_LANGUAGE] = len(self.others)
        return taken

    @property
    def known(self) -> tuple[int, int, int]:
        """Grows with each file that was found, here or before, or could not be."""
        return len(self.wanted), len(self.unreadable), self.skipped.get("seen before", 0)


def collect(paths: Iterable[Path], choice: Choice = EVERYTHING) -> Files:
    """Every source file at or below these paths, once, in order of their names. Of each path there
    is at least one, or it is listed as not analysed."""
    walk = _Walk(choice)
    for path in paths:
        before = walk.files.known
        walk.at(path)
        if walk.files.known == before:
            walk.files.miss(path, _nothing(path))
    return walk.files


def _nothing(path: Path) -> str:
    """Why there was nothing to look at."""
    if path.is_dir():
        return NO_SOURCE
    return NOT_SOURCE if path.is_file() else NO_FILE


class _Walk:
    def __init__(self, choice: Choice) -> None:
        self.choice = choice
        self.files = Files()
        self._seen: set[tuple[int, int]] = set()

    def at(self, path: Path) -> None:
        """Look at a path that was given."""
        rules = of_git_above(path) if self.choice.gitignore else ()
        self._at(path, rules)

    def _at(self, path: Path, rules: tuple[Patterns, ...]) -> None:
        try:
            about = path.stat()
            if not self._is_new(about):
                self.files.skip("seen before")
            elif stat.S_ISDIR(about.st_mode):
                self._folder(path, rules)
            elif stat.S_ISREG(about.st_mode):
                self._file(path)
            else:
                self.files.skip(NO_FILE)
        except OSError as error:
            self.files.miss(path, _reason(error))

    def _is_new(self, about: os.stat_result) -> bool:
        key = (about.st_dev, about.st_ino)
        if key in self._seen:
            return False
        self._seen.add(key)
        return True

    def _file(self, path: Path) -> None:
        head = b"" if by_name(path) else _head(path)
        found = language(path, head)
        if found:
            self.files.wanted.append((path, found))
        else:
            self._other(path, head)

    def _other(self, path: Path, head: bytes) -> None:
        if is_program(path, head):
            self.files.skip("in another language")
            return
        self.files.skip(NO_LANGUAGE)
        self.files.others.append(path)

    def _folder(self, path: Path, rules: tuple[Patterns, ...]) -> None:
        if self.choice.gitignore:
            rules += of_git(path)
        for entry in sorted(os.scandir(path), key=lambda entry: entry.name):
            reason = self._left_out(entry, path / entry.name, rules)
            if reason:
                self.files.skip(reason)
            else:
                self._at(path / entry.name, rules)

    def _left_out(self, entry: os.DirEntry[str], path: Path, rules: tuple[Patterns, ...]) -> str:
        """Why a folder's entry is left out; empty: it is not."""
        is_folder = entry.is_dir(follow_symlinks=False)
        if is_folder and entry.name in SKIPPED_FOLDERS:
            return SKIPPED_FOLDERS[entry.name]
        if _links_to_folder(entry):
            return "link to a folder"
        if is_ignored(path, self.choice.exclude, is_folder=is_folder):
            return "excluded"
        return "ignored by git" if is_ignored(path, rules, is_folder=is_folder) else ""


def _links_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_symlink() and entry.is_dir()
    except OSError:  # a circle of links: opening it says so
        return False


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD)


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
