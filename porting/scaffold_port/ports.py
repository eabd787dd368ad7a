"""Ports that are tracked: `<folder>/<app>/port.toml`."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .fetch import debian, pypi

FETCHERS: dict[str, Callable[[str, Path, str], Path]] = {
    "debian": debian.fetch,
    "pypi": pypi.fetch,
}


class BadPort(Exception):
    """A port.toml that cannot be used; the text says which, where and why."""


@dataclass(frozen=True)
class Seed:
    """The row of the original's table."""

    version: str
    codebase: int
    changes: int


@dataclass(frozen=True)
class Origin:
    """One source of a program."""

    kind: str  # a key of FETCHERS
    package: str
    version: str = ""  # empty: the newest that can be had

    def fetch(self, folder: Path) -> Path:
        """The unpacked source below `folder`. Raises NotAvailable."""
        folder.mkdir(parents=True, exist_ok=True)
        return FETCHERS[self.kind](self.package, folder, self.version)


@dataclass(frozen=True)
class Build:
    """How the first source is built, in its folder."""

    steps: tuple[tuple[str, ...], ...]
    programs: tuple[str, ...]


@dataclass(frozen=True)
class Port:
    """A program, and what is known of porting it."""

    app: str
    row: str
    licence: str
    seed: Seed | None
    sources: tuple[Origin, ...]
    build: Build | None = None
    note: str = ""


def read(folder: Path, app: str) -> Port:
    """The port of one program. Raises BadPort."""
    path = folder / app / "port.toml"
    try:
        text = tomllib.loads(path.read_text(encoding="utf-8"))
        return _port(app, text)
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


def _port(app: str, text: dict[str, Any]) -> Port:
    sources = tuple(Origin(**one) for one in text["source"])
    for one in sources:
        if one.kind not in FETCHERS:
            raise KeyError(f"source kind {one.kind!r} (known: {', '.join(FETCHERS)})")
    seed = Seed(**text["seed"]) if "seed" in text else None
    build = None
    if "build" in text:
        steps = tuple(tuple(step) for step in text["build"]["steps"])
        build = Build(steps, tuple(text["build"]["programs"]))
    return Port(app, text["row"], text["licence"], seed, sources, build, text.get("note", ""))
