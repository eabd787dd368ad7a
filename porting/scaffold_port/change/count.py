"""How many lines a change is, by the hunks of `diff -U0`: a removed and an added line are one that
was modified. Blank lines, comments, build files and new files count; generated files and packaging
do not."""

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_HUNK = re.compile(rb"^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@", re.MULTILINE)
_FILE = re.compile(rb"^(?=--- )", re.MULTILINE)
_NOT_COUNTED = ("configure", "Makefile.in", "aclocal.m4", "config.h.in", ".pc", "debian")


@dataclass(frozen=True)
class Changed:
    """Lines."""

    added: int = 0
    modified: int = 0
    removed: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.added + self.modified + self.removed

    def __add__(self, other: "Changed") -> "Changed":
        """Both."""
        return Changed(
            self.added + other.added,
            self.modified + other.modified,
            self.removed + other.removed,
        )


NOTHING = Changed()


def count(old: Path, new: Path) -> Changed:
    """Between two trees."""
    leave = [f"--exclude={name}" for name in _NOT_COUNTED]
    command = ["diff", "-U0", "-r", "-N", "--text", "--no-dereference", *leave, str(old), str(new)]
    done = subprocess.run(command, capture_output=True)
    if done.returncode > 1:
        raise OSError(done.stderr.decode("utf-8", "replace").strip())
    return count_diff(done.stdout)


def count_diff(text: bytes) -> Changed:
    """Of a diff without context."""
    pairs = ((_number(hunk[1]), _number(hunk[2])) for hunk in _HUNK.finditer(text))
    return _sum(_hunk(removed, added) for removed, added in pairs)


def _number(text: bytes | None) -> int:
    return 1 if text is None else int(text)


def _hunk(removed: int, added: int) -> Changed:
    both = min(removed, added)
    return Changed(added - both, both, removed - both)


def _sum(parts: Iterable[Changed]) -> Changed:
    return sum(parts, NOTHING)
