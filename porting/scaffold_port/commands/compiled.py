"""Which compile_commands.json a command uses, and whether it can."""

import os
from pathlib import Path

import click

from ..compiled.database import NAME, BadDatabase, Database, find, in_folder, read
from ..compiled.libclang import REMEDY, cindex
from .defaults import folder_of, note


def chosen(given: Path | None, paths: tuple[Path, ...]) -> Database | None:
    """The database that was named, or else found; None, with a note, where one that was only found
    is of no use."""
    if given:
        return _named(given)
    path = find(Path(os.path.commonpath([folder_of(one.absolute()) for one in paths])), note)
    try:
        database = _usable(path) if path else None
    except click.UsageError as error:
        note(f"{error.message}; not used")
        return None
    return database


def _named(given: Path) -> Database:
    path = in_folder(given) if given.is_dir() else given
    if path is None or not path.is_file():
        raise click.UsageError(f"-p {given}: there is no {NAME}")
    return _usable(path)


def _usable(path: Path) -> Database:
    if cindex() is None:
        raise click.UsageError(f"{path}: libclang is not installed: {REMEDY}")
    try:
        return read(path)
    except BadDatabase as error:
        raise click.UsageError(str(error)) from error
