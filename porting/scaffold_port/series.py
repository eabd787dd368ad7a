"""A port as a series of patches for `patch -p1`, with DEP-3 headers, in quilt's order file."""

import datetime
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from . import __version__
from .change.diff import unified

Files = tuple[tuple[str, bytes, bytes], ...]
"""Of each: its path below the tree, the old content, the new one."""


@dataclass(frozen=True)
class Patch:
    """One step: what it is for, and the files that it changes."""

    name: str
    description: str
    files: Files

    @property
    def names(self) -> list[str]:
        """Of the files."""
        return [name for name, _, _ in self.files]

    def text(self, today: datetime.date) -> bytes:
        """With its header (DEP-3), as `patch -p1` and quilt take it."""
        head = (
            f"Description: {self.description}\n"
            f"Author: scaffold-port {__version__}\n"
            "Forwarded: not-needed\n"
            f"Last-Update: {today.isoformat()}\n"
            "---\n"
        )
        return head.encode() + b"".join(unified(*one) for one in self.files)


def write(patches: Iterable[Patch], folder: Path, by_hand: Iterable[Path] = ()) -> list[str]:
    """The folder with every patch that changes something, then those that were made by hand, and
    `series` with their order. Returns their names."""
    folder.mkdir(parents=True, exist_ok=True)
    today = datetime.datetime.now(datetime.UTC).date()
    names: list[str] = []
    for patch in patches:
        if patch.files:
            names.append(f"{len(names) + 1:04}-{patch.name}.patch")
            (folder / names[-1]).write_bytes(patch.text(today))
    for path in by_hand:
        names.append(f"{len(names) + 1:04}-{path.name}")
        shutil.copyfile(path, folder / names[-1])
    (folder / "series").write_text("".join(f"{name}\n" for name in names))
    return names


def below(root: Path, changes: Iterable[tuple[Path, bytes, bytes]]) -> Files:
    """Changes with their paths as seen from `root`."""
    return tuple((path.relative_to(root).as_posix(), old, new) for path, old, new in changes)
