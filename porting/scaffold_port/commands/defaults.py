"""Settings beside a program as the defaults of a command's options."""

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from ..settings import BadSettings, Settings, find

KEYS = ("exclude", "fail-on", "gitignore", "ignore", "jobs", "level", "mark", "only", "select")
"""Options that stand in settings: what is the same for every run over a program."""
SETTINGS = """\b
Settings: `scaffold-port.toml`, or [tool.scaffold-port] of pyproject.toml, at
or above the first path; keys are options without dashes. Options win."""


def given(
    context: click.Context, parameter: click.Parameter, paths: tuple[Path, ...]
) -> tuple[Path, ...]:
    """The paths; the settings beside them become the defaults of every other option."""
    missing = [path for path in paths if not path.exists() and not path.is_symlink()]
    if missing:
        raise click.UsageError(f"{missing[0]}: there is no such file or folder")
    try:
        settings = find(folder_of(paths[0]), KEYS, note)
    except BadSettings as error:
        raise click.UsageError(str(error)) from error
    if settings:
        context.default_map = _defaults(context, settings)
        context.meta[__name__] = settings.path.parent
    return paths


def note(line: str) -> None:
    """Say what is done otherwise than was to be expected."""
    click.echo(f"scaffold-port: {line}", err=True)


def folder_of(path: Path) -> Path:
    """The path, or a file's folder."""
    return path if path.is_dir() else path.parent


def _defaults(context: click.Context, settings: Settings) -> dict[str, Any]:
    """By parameter; keys for options of other commands stay unused."""
    found = {}
    for option in context.command.params:
        for key in KEYS:
            if f"--{key}" in option.opts and key in settings.values:
                found[str(option.name)] = _checked(context, option, key, settings)
    return found


def _checked(context: click.Context, option: click.Parameter, key: str, settings: Settings) -> Any:
    """A value that the option takes."""
    value, place = settings.values[key], f"{settings.path}: {key}"
    if option.multiple != isinstance(value, list):
        meant = "a list is" if option.multiple else "one value is"
        raise click.UsageError(f"{place}: {meant} meant")
    try:
        option.process_value(context, value)
    except click.BadParameter as error:
        raise click.UsageError(f"{place}: {error.message}") from error
    return value


def base_of(option: str, paths: tuple[Path, ...]) -> list[Path]:
    """What an option's names are seen from: the folder of the settings that have it, or each path
    that was given."""
    context = click.get_current_context()
    if context.get_parameter_source(option) is ParameterSource.DEFAULT_MAP:
        return [context.meta[__name__]]
    return list(map(folder_of, paths))
