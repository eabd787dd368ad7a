"""A source at one of the levels: as `rewrite` leaves it, and with the patches by hand on top."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .analyze import analyze
from .change.count import NOTHING, Changed, count
from .change.write import replace
from .layers import layers
from .tools import absent

LEVELS = ("relink", "native")


class DoesNotApply(Exception):
    """A patch does not fit the source; the text says which, and where."""


@dataclass(frozen=True)
class Ported:
    """What a level changes in a source."""

    tree: Path
    automatic: Changed
    manual: Changed


@dataclass(frozen=True)
class Changes:
    """What is made of a source: the paths that `rewrite` is given, and patches by hand."""

    paths: Sequence[str] = (".",)
    patches: Sequence[Path] = ()  # at native, after `rewrite`
    before: Sequence[Path] = ()  # at both levels, and before


def port(source: Path, tree: Path, level: str, changes: Changes) -> Ported:
    """A copy of `source` at `tree`, changed for `level`. The source stays as it is.

    Raises DoesNotApply.
    """
    shutil.copytree(source, tree, symlinks=True)
    manual = _by_hand(tree, changes.before)
    if level == "relink":
        return Ported(tree, NOTHING, manual)
    with _kept(tree) as patched:
        rewrite(tree, level, changes.paths)
        automatic = count(patched, tree)
    return Ported(tree, automatic, manual + _by_hand(tree, changes.patches))


@contextmanager
def _kept(tree: Path) -> Iterator[Path]:
    """A copy of the tree as it is now, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="scaffold-port-") as folder:
        yield Path(shutil.copytree(tree, Path(folder) / tree.name, symlinks=True))


def _by_hand(tree: Path, patches: Sequence[Path]) -> Changed:
    if not patches:
        return NOTHING
    with _kept(tree) as before:
        for patch in patches:
            apply(patch, tree)
        return count(before, tree)


def rewrite(tree: Path, level: str = "native", paths: Sequence[str] = (".",)) -> int:
    """Make every change that `rewrite` makes below `paths` of a tree; returns how many files.

    Their times stay: make must not believe that what was generated from them is old.
    """
    report = analyze([tree / path for path in paths])
    files = [one for patch in layers(tree, level, report).patches for one in patch.files]
    for name, _, new in files:
        path = tree / name
        about = path.stat()
        replace(path, new)
        os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    return len(files)


def apply(patch: Path, tree: Path) -> None:
    """`patch -p1`, by at most one line of context off. Raises DoesNotApply."""
    if lack := absent("patch"):
        raise DoesNotApply(f"{patch.name}: {lack}")
    command = ["patch", "-p1", "--fuzz=1", "--batch", "--no-backup-if-mismatch", "-i"]
    command.append(str(patch.absolute()))
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True)
    if done.returncode != 0:
        raise DoesNotApply(f"{patch.name}: {done.stdout.strip() or done.stderr.strip()}")
