"""What builds a program gets libscaffold's flags, through pkg-config.

One file for each build system: `change(data, module)` is the file's new content, or raises
NotUnderstood; running it again changes nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from . import autoconf, cmake, make
from .errors import NotUnderstood

SYSTEMS: dict[str, Callable[[bytes, str], bytes]] = {
    "configure.ac": autoconf.change,
    "configure.in": autoconf.change,
    "CMakeLists.txt": cmake.change,
    "GNUmakefile": make.change,
    "makefile": make.change,
    "Makefile": make.change,
}
_AUTOCONF = ("configure.ac", "configure.in")
UNKNOWN = ("meson.build", "SConstruct", "BUILD.bazel", "wscript", "build.zig", "Makefile.am")


@dataclass(frozen=True)
class Left:
    """A build file, or a folder without one, that is left to a human."""

    path: Path
    reason: str


def change(root: Path, sources: Iterable[Path], module: str) -> Iterator[tuple[Path, bytes, bytes]]:
    """(path, old, new) of every build file that the changed `sources` below `root` need."""
    for path in _files(root, sources):
        try:
            old = path.read_bytes()
            new = SYSTEMS[path.name](old, module)
        except NotUnderstood:
            continue
        if new != old:
            yield path, old, new


def left(root: Path, sources: Iterable[Path], module: str) -> Iterator[Left]:
    """What `change` could not do."""
    files = _files(root, sources)
    for path in files:
        try:
            SYSTEMS[path.name](path.read_bytes(), module)
        except NotUnderstood as error:
            yield Left(path, str(error))
    for name in UNKNOWN:
        if (root / name).is_file():
            yield Left(root / name, f"add what `pkg-config --cflags --libs {module}` prints")
    if not files and not any((root / name).is_file() for name in UNKNOWN):
        yield Left(root, f"no build file: compile with `pkg-config --cflags --libs {module}`")


def _files(root: Path, sources: Iterable[Path]) -> list[Path]:
    """At the top of the tree what configures it, and makefiles where they are what is written by
    hand: beside the sources, or above them."""
    found = [root / name for name in SYSTEMS if (root / name).is_file()]
    if any(path.name in _AUTOCONF for path in found):
        return [path for path in found if SYSTEMS[path.name] is not make.change]
    if found:
        return found
    folders = sorted({folder for one in sources for folder in one.parents if folder != root})
    below = [folder for folder in folders if folder.is_relative_to(root)]
    return [folder / name for folder in below for name in SYSTEMS if (folder / name).is_file()]
