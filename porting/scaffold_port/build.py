"""Builds a program for services: relinked as it is, or with its calls rewritten."""

import os
import shutil
import subprocess
from pathlib import Path

from scaffold import paths

from .binary import calls, elf
from .ported import port
from .ports import Build, Port, Steps


class BuildError(Exception):
    """A step failed; the text is its last lines."""


def build(program: Port, level: str, sources: list[Path], folder: Path) -> Path:
    """The folder with the ported programs, below `folder`. The sources stay as they are.

    Raises BuildError and DoesNotApply.
    """
    recipes = recipes_of(program)
    shutil.rmtree(folder, ignore_errors=True)
    programs = folder / "bin"
    programs.mkdir(parents=True)
    for origin, source in zip(program.sources, sources, strict=True):
        tree = folder / source.name
        port(source, tree, level, program.changes_of(origin))
        recipe = recipes.get(origin.package)
        if recipe:
            run(program, recipe.steps, tree, level)
            for name in recipe.programs:
                shutil.copy2(tree / _fill(name, program, tree), programs)
    keeps = frozenset[str]().union(*(one.keeps for one in recipes.values()))
    for path in [*programs.iterdir(), *_prefix(programs).glob("lib/*.so")]:
        _expect_ported(program.app, path, keeps)
    return programs


def _expect_ported(app: str, path: Path, keeps: frozenset[str]) -> None:
    try:
        left = sorted((elf.read(path).imports & calls.REACHING) - keeps)
    except elf.Unreadable:  # a script
        return
    if left:
        raise BuildError(f"{app}: {path.name} still calls libc's {', '.join(left)}")


def check(program: Port, level: str, sources: list[Path], folder: Path) -> list[str]:
    """Run the tests that come with the sources, where `build` has built them below `folder`.

    Returns the commands. Raises BuildError.
    """
    done = []
    for origin, source in zip(program.sources, sources, strict=True):
        steps = origin.build.checks if origin.build else ()
        run(program, steps, folder / source.name, level)
        done += [" ".join(step) for step in steps]
    return done


def recipes_of(program: Port) -> dict[str, Build]:
    """By package. Raises BuildError where it has none, or Debian packages are missing for one."""
    recipes = {one.package: one.build for one in program.sources if one.build}
    if not recipes:
        raise BuildError(f"{program.app}: its port.toml has no [source.build]")
    needs = {package for recipe in recipes.values() for package in recipe.needs}
    missing = [package for package in sorted(needs) if not _installed(package)]
    if missing:
        raise BuildError(f"{program.app}: to build it: apt-get install {' '.join(missing)}")
    return recipes


def _installed(package: str) -> bool:
    command = ["dpkg-query", "-W", "-f", "${Status}", package]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.endswith("ok installed")


def run(program: Port, steps: Steps, tree: Path, level: str) -> None:
    """Commands of a recipe, in a tree that is at this level. Raises BuildError."""
    prefix = _prefix(tree)
    environment = os.environ | flags(prefix)
    for step in steps:
        words = [_fill(word, program, tree).replace("{header}", header(level)) for word in step]
        if step[0] == "make" and "{header}" not in " ".join(step):
            words += [f"{name}={value}" for name, value in _with_header(level).items()]
        given = environment | (_with_header(level) if step[0] == "cmake" else {})
        try:
            done = subprocess.run(words, cwd=tree, env=given, capture_output=True, text=True)
        except OSError as error:
            raise BuildError(f"{program.app}: {' '.join(step)}: {error.strerror}") from error
        if done.returncode != 0:
            last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
            raise BuildError(f"{program.app}: {' '.join(step)}: {last}")


def _prefix(tree: Path) -> Path:
    return tree.parent / "usr"


def _fill(word: str, program: Port, tree: Path) -> str:
    folders = {"{prefix}": _prefix(tree), "{port}": program.folder.absolute()}
    for name, folder in folders.items():
        word = word.replace(name, str(folder))
    return word


_LIBRARY = "-Wl,--push-state,--no-as-needed -lscaffold -Wl,--pop-state"
"""LDFLAGS stand before the objects, and are all that some builds take."""


def flags(prefix: Path) -> dict[str, str]:
    """What makes a compiler and a linker take libscaffold, and what is installed in `prefix`."""
    folders = [paths.part("libscaffold.so").parent, prefix / "lib"]
    found = [str(folder / "pkgconfig") for folder in folders]
    places = [f"-L{folder} -Wl,-rpath,{folder}" for folder in folders]
    return {
        "CFLAGS": _compile(),
        "CXXFLAGS": _compile(),
        "CPPFLAGS": f"-I{prefix}/include",
        "LDFLAGS": " ".join([*places, _LIBRARY]),
        "LIBS": "-lscaffold",
        "PKG_CONFIG_PATH": os.pathsep.join([*found, os.environ.get("PKG_CONFIG_PATH", "")]),
    }


def header(level: str) -> str:
    """A compiler's option for the header that points libc's names at libscaffold; may be empty.

    Not for configure, which looks at what the preprocessor prints.
    """
    return f"-include {_include()}/scaffold/redirect.h" if level == "relink" else ""


def _with_header(level: str) -> dict[str, str]:
    if level != "relink":
        return {}
    words = f"{_compile()} {header(level)}"
    return {"CFLAGS": words, "CXXFLAGS": words}


def _compile() -> str:
    return f"-O2 -g -fno-lto -I{_include()}"


def _include() -> Path:
    return paths.part("libscaffold.so").parent.parent / "include"
