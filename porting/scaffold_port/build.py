"""Builds a program for services: relinked as it is, or with its calls rewritten."""

import os
import shutil
import subprocess
from pathlib import Path

from scaffold import paths

from .analyze import analyze
from .change.tree import changes
from .change.write import replace
from .ports import Port

LEVELS = ("relink", "native")


class BuildError(Exception):
    """A step failed; the text is its last lines."""


def build(port: Port, level: str, source: Path, folder: Path) -> Path:
    """The folder with the ported programs, below `folder`. The source stays as it is."""
    if port.build is None:
        raise BuildError(f"{port.app}: its port.toml has no [build]")
    tree = folder / source.name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, tree, symlinks=True)
    if level == "native":
        rewrite(tree)
    environment = os.environ | flags()
    for step in port.build.steps:
        words = [*step, *header(level)] if step[0] == "make" else step
        done = subprocess.run(words, cwd=tree, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
            raise BuildError(f"{port.app}: {' '.join(step)}: {last}")
    programs = folder / "bin"
    programs.mkdir()
    for program in port.build.programs:
        shutil.copy2(tree / program, programs)
    return programs


def flags() -> dict[str, str]:
    """What makes a compiler and a linker take libscaffold, for configure and make."""
    library = paths.part("libscaffold.so").parent
    return {
        "CFLAGS": _compile(),
        "CXXFLAGS": _compile(),
        "LDFLAGS": f"-L{library} -Wl,-rpath,{library}",
        "LIBS": "-lscaffold",
    }


def header(level: str) -> list[str]:
    """make's arguments for the header that points libc's names at libscaffold.

    Not for configure, which looks at what the preprocessor prints.
    """
    if level != "relink":
        return []
    words = f"{_compile()} -include {_include()}/scaffold/redirect.h"
    return [f"CFLAGS={words}", f"CXXFLAGS={words}"]


def _compile() -> str:
    return f"-O2 -g -fno-lto -I{_include()}"


def _include() -> Path:
    return paths.part("libscaffold.so").parent.parent / "include"


def rewrite(tree: Path) -> int:
    """Give every call below `tree` libscaffold's name; returns how many files changed.

    Their times stay: make must not believe that what was generated from them is old.
    """
    changed = 0
    for path, _, new in changes(analyze([tree])):
        about = path.stat()
        replace(path, new)
        os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
        changed += 1
    return changed
