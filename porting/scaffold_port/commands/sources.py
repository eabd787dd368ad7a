"""What the commands on source have in common: which of it, and one way to analyse it."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from ..analyze import analyze
from ..cache import Cache, fingerprint, folder
from ..files import Choice
from ..findings import Report
from ..ignored import Patterns, absolute, patterns
from ..rules import RULES
from ..settings import BadSettings, Settings, find
from .progress import progress

Command = TypeVar("Command", bound=Callable[..., Any])

KEYS = ("exclude", "fail-on", "gitignore", "ignore", "jobs", "level", "mark", "only", "select")
"""Options that stand in settings: what is the same for every run over a program."""
SETTINGS = """\b
Settings: `scaffold-port.toml`, or [tool.scaffold-port] of pyproject.toml, at
or above the first path; keys are options without dashes. Options win."""


@dataclass(frozen=True)
class Sources:
    """What is analysed, and which findings count."""

    paths: tuple[Path, ...]
    choice: Choice
    rules: frozenset[str]
    jobs: int | None
    cache: Cache | None

    @property
    def root(self) -> Path:
        """The path, or of several what has all of them below it."""
        return self.paths[0] if len(self.paths) == 1 else Path(os.path.commonpath(self.paths))

    def below_one_folder(self) -> "Sources":
        """Several paths as they were given if their names begin at one folder; else absolute."""
        if len(self.paths) == 1 or all(map(_begins_here, self.paths)):
            return self
        return replace(self, paths=tuple(map(absolute, self.paths)))

    def analyze(self) -> Report:
        """With a bar for who waits at a terminal."""
        with progress("analysing") as on_file:
            report = analyze(
                self.paths, choice=self.choice, jobs=self.jobs, cache=self.cache, on_file=on_file
            )
        report.findings = [one for one in report.findings if one.rule in self.rules]
        return report


def _begins_here(path: Path) -> bool:
    return not path.is_absolute() and ".." not in path.parts


def of_sources(command: Command) -> Command:
    """PATH… and the options that say what of it; the command takes them as `sources`."""

    @wraps(command)
    def with_sources(
        paths: tuple[Path, ...],
        exclude: tuple[str, ...],
        gitignore: bool,
        select: frozenset[str],
        ignore: frozenset[str],
        jobs: int | None,
        no_cache: bool,
        **rest: Any,
    ) -> Any:
        choice = Choice(_excluded(exclude, paths), gitignore)
        rules = (select or frozenset(_IDS)) - ignore
        cache = None if no_cache else Cache(folder(), fingerprint())
        return command(sources=Sources(paths, choice, rules, jobs, cache), **rest)

    decorated: Any = with_sources
    for parameter in reversed(_parameters()):
        decorated = parameter(decorated)
    return decorated  # type: ignore[no-any-return]


def _parameters() -> list[Callable[[Command], Command]]:
    """In the order of `--help`."""
    path = click.Path(path_type=Path)
    rule: dict[str, Any] = {"multiple": True, "metavar": "RULE", "callback": _rules}
    return [
        click.argument("paths", nargs=-1, required=True, type=path, is_eager=True, callback=_given),
        click.option("--select", help="Only findings of these rules: a,b.", **rule),
        click.option("--ignore", help="No findings of these rules.", **rule),
        click.option(
            "--exclude", multiple=True, metavar="GLOB", help="Files to leave out, as in .gitignore."
        ),
        click.option(
            "--gitignore/--no-gitignore",
            default=True,
            show_default=True,
            help="Leave out what git ignores.",
        ),
        click.option(
            "--jobs", "-j", type=click.IntRange(1, 256), help="Processes; default: all cores."
        ),
        click.option("--no-cache", is_flag=True, help="Look at every file again."),
    ]


_IDS = {rule.id: rule for rule in RULES}


def _rules(
    context: click.Context, parameter: click.Parameter, given: tuple[str, ...]
) -> frozenset[str]:
    names = [name.strip() for words in given for name in words.split(",") if name.strip()]
    for name in names:
        if name not in _IDS:
            raise click.BadParameter(f"{name!r} is no rule; there are {', '.join(_IDS)}")
    return frozenset(names)


# --- settings -------------------------------------------------------------------------------------


def _given(
    context: click.Context, parameter: click.Parameter, paths: tuple[Path, ...]
) -> tuple[Path, ...]:
    """The paths; the settings beside them become the defaults of every other option."""
    missing = [path for path in paths if not path.exists() and not path.is_symlink()]
    if missing:
        raise click.UsageError(f"{missing[0]}: there is no such file or folder")
    try:
        settings = find(_folder(paths[0]), KEYS)
    except BadSettings as error:
        raise click.UsageError(str(error)) from error
    if settings:
        context.default_map = _defaults(context, settings)
        context.meta[__name__] = settings.path.parent
    return paths


def _folder(path: Path) -> Path:
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


def _excluded(globs: tuple[str, ...], paths: tuple[Path, ...]) -> tuple[Patterns, ...]:
    """Those of settings hold below the folder of the settings, others below each path."""
    if not globs:
        return ()
    context = click.get_current_context()
    from_settings = context.get_parameter_source("exclude") is ParameterSource.DEFAULT_MAP
    bases = [context.meta[__name__]] if from_settings else list(map(_folder, paths))
    try:
        return tuple(patterns(base, globs) for base in bases)
    except ValueError as error:
        raise click.UsageError(f"--exclude: {error}") from error
