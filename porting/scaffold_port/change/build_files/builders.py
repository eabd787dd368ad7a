"""Which files build the sources of a folder."""

from collections.abc import Iterator
from pathlib import Path

from . import autoconf, make

_AUTOCONF = ("configure.ac", "configure.in")
_MAKE = ("GNUmakefile", "makefile", "Makefile")
"""Of each the first that is there, as the tools look for them."""


def builders(way: list[Path]) -> list[Path]:
    """On the `way` from the top of a tree to a folder: what configures it, with its parts that have
    a configure of their own; and the makefiles that compile or link, where people wrote them.

    A configure makes all makefiles below; CMake may have some beside it.
    """
    for at, folder in enumerate(way):
        found = [*_first(folder, _AUTOCONF), *_first(folder, ("CMakeLists.txt",))]
        if found and found[0].name in _AUTOCONF:
            return found + _parts(found[0], way[at + 1 :])
        if found:
            return found + [
                path for path in _makefiles(way) if not make.is_generated(path.read_bytes())
            ]
    return list(_makefiles(way))


def _makefiles(way: list[Path]) -> Iterator[Path]:
    for folder in way:
        for path in _first(folder, _MAKE):
            if make.builds(path.read_bytes()):
                yield path


def _parts(configures: Path, below: list[Path]) -> list[Path]:
    if configures.name not in _AUTOCONF:
        return []
    names = autoconf.parts(configures.read_bytes())
    for at, folder in enumerate(below):
        if folder.relative_to(configures.parent).as_posix() in names:
            own = _first(folder, _AUTOCONF)
            return own + [path for one in own for path in _parts(one, below[at + 1 :])]
    return []


def _first(folder: Path, names: tuple[str, ...]) -> list[Path]:
    return [folder / name for name in names if (folder / name).is_file()][:1]
