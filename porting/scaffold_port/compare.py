"""Two ports of one program, hunk by hunk: what `git range-diff` shows to people, for programs."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from .change.diff import unified
from .series import Files

_HUNK = re.compile(rb"^@@.*\n", re.MULTILINE)


@dataclass(frozen=True)
class Hunk:
    """Lines that go and lines that come, wherever in the file."""

    path: str
    removed: tuple[bytes, ...]
    added: tuple[bytes, ...]


@dataclass
class Difference:
    """Of a newer port to an older one, in hunks."""

    same: int = 0
    gone: list[Hunk] = field(default_factory=list)
    new: list[Hunk] = field(default_factory=list)

    @property
    def applies(self) -> bool:
        """Whether the older port's hunks all have their place in the newer source."""
        return not self.gone


def hunks(files: Files) -> list[Hunk]:
    """Of all files, in order."""
    return [
        hunk for path, old, new in files for hunk in _of(path, unified(path, old, new, context=0))
    ]


def _of(path: str, diff: bytes) -> Iterable[Hunk]:
    for part in _HUNK.split(diff)[1:]:
        lines = part.splitlines()
        yield Hunk(
            path,
            tuple(line[1:] for line in lines if line.startswith(b"-")),
            tuple(line[1:] for line in lines if line.startswith(b"+")),
        )


def compare(old: Iterable[Hunk], new: Iterable[Hunk]) -> Difference:
    """What stayed, what has no place any more, and what came."""
    before, after = Counter(old), Counter(new)
    return Difference(
        same=(before & after).total(),
        gone=list((before - after).elements()),
        new=list((after - before).elements()),
    )
