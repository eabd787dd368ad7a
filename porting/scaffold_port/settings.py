"""The settings of a program's own folder: `scaffold-port.toml`, or a table of pyproject.toml."""

import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .owner import strangers

OWN = "scaffold-port.toml"
PYTHON = "pyproject.toml"
_TABLE = ("tool", "scaffold-port")


class BadSettings(Exception):
    """The text names the file, and what is wrong with it."""


@dataclass(frozen=True)
class Settings:
    """What the file at `path` says, by key."""

    path: Path
    values: Mapping[str, Any] = field(default_factory=dict)


def find(
    start: Path, keys: Collection[str], on_note: Callable[[str], None] = lambda line: None
) -> Settings | None:
    """The nearest settings at or above `start`; None: there are none. Raises BadSettings."""
    start = start.absolute()
    for folder in (start, *start.parents):
        for path in (folder / OWN, folder / PYTHON):
            values = _values(path)
            if values is None:
                continue
            if refused := strangers(path, start):
                on_note(refused)
                continue
            _expect_known(path, values, keys)
            return Settings(path, values)
    return None


def _values(path: Path) -> dict[str, Any] | None:
    """None where there is no such file, or no such table in it."""
    if not path.is_file():
        return None
    try:
        text = path.read_text(encoding="utf-8")
        if path.name == PYTHON and _TABLE[-1] not in text:  # whatever else is wrong with it
            return None
        values: Any = tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise BadSettings(f"{path}: {error}") from error
    for name in _TABLE if path.name == PYTHON else ():
        values = values.get(name) if isinstance(values, dict) else None
    if values is not None and not isinstance(values, dict):
        raise BadSettings(f"{path}: {'.'.join(_TABLE)} is no table")
    return values


def _expect_known(path: Path, values: Mapping[str, Any], keys: Collection[str]) -> None:
    unknown = sorted(values.keys() - set(keys))
    if unknown:
        raise BadSettings(f"{path}: unknown key {unknown[0]!r}; there are {', '.join(keys)}")
