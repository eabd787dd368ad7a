"""Which files build the sources of a folder."""

from pathlib import Path

from . import autoconf, make

_AUTOCONF = ("configure.ac", "configure.in")
_MAKE = ("GNUmakefile", "makefile", "Makefile")
"""Of each the first that is there, as the tools look for them."""


def builders(way: list[Path]) -> list[Path]:
    """On the `way` from the top of a tree to a folder: what configures it, with its parts that have
    a configure of their own; else the makefiles that compile or link.

    What configures gives its flags to all makefiles below.
    """
    for at, folder in enumerate(way):
        found = [*_first(folder, _AUTOCONF), *_first(folder, ("CMakeLists.txt",))]
        if found:
            return found + _parts(found[0], way[at + 1 :])
    makefiles = [path for folder in way for path in _first(folder, _MAKE)]
    return [path for path in makefiles if make.builds(path.read_bytes())]


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
