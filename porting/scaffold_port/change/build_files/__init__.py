"""What builds a program gets libscaffold's flags, through pkg-config.

One file for each build system: `change(data, module)` is the file's new content, or raises
NotUnderstood; running it again changes nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from . import autoconf, cmake, make
from .builders import builders
from .errors import NotUnderstood

_SYSTEMS: dict[str, Callable[[bytes, str], bytes]] = {
    "configure.ac": autoconf.change,
    "configure.in": autoconf.change,
    "CMakeLists.txt": cmake.change,
}
_UNKNOWN = ("meson.build", "SConstruct", "BUILD.bazel", "BUILD", "wscript", "build.zig", "setup.py")


@dataclass(frozen=True)
class Left:
    """A build file, or a folder without one, that is left to a human."""

    path: Path
    reason: str


@dataclass
class Plan:
    """(path, old, new) of every build file that changes, and what is left to a human."""

    changes: list[tuple[Path, bytes, bytes]]
    left: list[Left]


def plan(root: Path, sources: Iterable[Path], module: str) -> Plan:
    """For what is built from the changed `sources` below `root`, or at it."""
    ways = [_way(root, folder) for folder in sorted({one.parent for one in sources})]
    built = [builders(way) for way in ways]
    pairs = zip(ways, built, strict=True)
    left = {one for way, files in pairs for one in _not_known(way, files)}
    changes = []
    for path in sorted({path for files in built for path in files}):
        old = path.read_bytes()
        try:
            new = _SYSTEMS.get(path.name, make.change)(old, module)
        except NotUnderstood as error:
            left.add((path, str(error)))
            continue
        if new != old:
            changes.append((path, old, new))
    hint = f"add what `pkg-config --cflags --libs {module}` prints"
    return Plan(changes, [Left(path, f"{why}: {hint}") for path, why in sorted(left)])


def _way(root: Path, folder: Path) -> list[Path]:
    """From `root` down to a folder in it; a file has only itself."""
    way = [one for one in reversed([folder, *folder.parents]) if one.is_relative_to(root)]
    return way or [root]


def _not_known(way: list[Path], found: list[Path]) -> Iterator[tuple[Path, str]]:
    """The build file that is no system's of ours, and why; or the folder, when there is none."""
    names = _UNKNOWN if found else (*_UNKNOWN, "Makefile.am")
    others = [folder / name for folder in way for name in names if (folder / name).is_file()]
    if others:
        yield others[0], "not understood"
    elif not found:
        yield way[-1], "nothing that is understood builds it"
