"""Ports that are tracked: `<folder>/<app>/port.toml`."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from .fetch import debian, git, pypi
from .ported import Changes

FETCHERS: dict[str, Callable[[str, Path, str], Path]] = {
    "debian": debian.fetch,
    "git": git.fetch,
    "pypi": pypi.fetch,
}
VERSIONS: dict[str, Callable[[str, Path], list[str]]] = {
    "debian": debian.versions,
    "git": git.versions,
    "pypi": pypi.versions,
}


Steps = tuple[tuple[str, ...], ...]
"""Commands, each as its words."""


class BadPort(Exception):
    """A port.toml that cannot be used; the text says which, where and why."""


@dataclass(frozen=True)
class Seed:
    """The row of the original's table."""

    version: str
    codebase: int
    changes: int


@dataclass(frozen=True)
class Build:
    """How a source is built, in its folder.

    `{prefix}` in a step stands for a folder that all sources of a program share, `{port}` for the
    folder of port.toml, `{header}` for the relink level's option of a compiler: where a makefile
    cannot do without its own CFLAGS.
    """

    steps: Steps
    programs: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()  # Debian packages
    checks: Steps = ()  # the program's own tests
    keeps: frozenset[str] = frozenset()  # libc's calls that reach no services, with a reason


@dataclass(frozen=True)
class Origin:
    """One source of a program."""

    kind: str  # a key of FETCHERS
    package: str
    version: str = ""  # upstream's; empty: the newest that can be had
    paths: tuple[str, ...] = (".",)  # what the port is about, below the source
    code: tuple[str, ...] = (".",)  # what is counted as the program's code
    build: Build | None = None

    @property
    def name(self) -> str:
        """The package's, where that is a place as well."""
        return PurePath(self.package).name.removesuffix(".git")

    def version_of(self, source: Path) -> str:
        """Of what `fetch` has unpacked."""
        return source.name.removeprefix(f"{self.name}-")

    def at(self, version: str) -> "Origin":
        """The same at another version."""
        return replace(self, version=version)

    def fetch(self, folder: Path) -> Path:
        """The unpacked source below `folder`. Raises NotAvailable."""
        folder.mkdir(parents=True, exist_ok=True)
        return FETCHERS[self.kind](self.package, folder, self.version)

    def versions(self, folder: Path) -> list[str]:
        """Every version that can be had, the newest first. Raises NotAvailable."""
        folder.mkdir(parents=True, exist_ok=True)
        return VERSIONS[self.kind](self.package, folder)


@dataclass(frozen=True)
class Port:
    """A program, and what is known of porting it."""

    app: str
    row: str
    licence: str
    seed: Seed | None
    sources: tuple[Origin, ...]
    note: str = ""
    patches: tuple[Path, ...] = ()  # by hand, on top of what `rewrite` does, in their order
    before: tuple[Path, ...] = ()  # the same below it, at both levels
    folder: Path = Path()  # where it is described

    def changes_of(self, origin: Origin) -> Changes:
        """What is made of one of the sources: with several, its package begins the names of its
        patches."""
        patches, before = self._of(origin, self.patches), self._of(origin, self.before)
        return Changes(origin.paths, patches, before)

    def _of(self, origin: Origin, patches: tuple[Path, ...]) -> list[Path]:
        several = len(self.sources) > 1
        return [one for one in patches if not several or one.name.startswith(f"{origin.name}-")]


def read(folder: Path, app: str) -> Port:
    """The port of one program. Raises BadPort."""
    path = folder / app / "port.toml"
    try:
        text = tomllib.loads(path.read_text(encoding="utf-8"))
        return _port(path.parent, text)
    except FileNotFoundError:
        known = ", ".join(names(folder)) or "none"
        raise BadPort(f"{path}: there is no port of that name; there are: {known}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadPort(f"{path}: {error}") from error
    except (KeyError, TypeError) as error:
        raise BadPort(f"{path}: {error} is missing or misplaced") from error


def names(folder: Path) -> list[str]:
    """Every program that has a port.toml."""
    return sorted(path.parent.name for path in folder.glob("*/port.toml"))


def _port(folder: Path, text: dict[str, Any]) -> Port:
    sources = tuple(_origin(one) for one in text["source"])
    seed = Seed(**text["seed"]) if "seed" in text else None
    patches = tuple(sorted((folder / "manual").glob("*.patch")))
    note = text.get("note", "")
    row, licence = text["row"], text["licence"]
    before = tuple(sorted((folder / "manual/before").glob("*.patch")))
    return Port(folder.name, row, licence, seed, sources, note, patches, before, folder)


def _origin(text: dict[str, Any]) -> Origin:
    if text["kind"] not in FETCHERS:
        raise KeyError(f"source kind {text['kind']!r} (known: {', '.join(FETCHERS)})")
    paths = tuple(text.get("paths", ["."]))
    build = _build(text["build"]) if "build" in text else None
    code = tuple(text.get("code", paths))
    return Origin(text["kind"], text["package"], text.get("version", ""), paths, code, build)


def _build(text: dict[str, Any]) -> Build:
    words = {name: tuple(text.get(name, [])) for name in ("programs", "needs")}
    steps, checks = (tuple(map(tuple, text.get(name, []))) for name in ("steps", "checks"))
    return Build(steps, checks=checks, keeps=frozenset(text.get("keeps", {})), **words)
