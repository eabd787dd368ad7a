"""What the commands on source have in common: which of it, and one way to analyse it."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from ..analyze import analyze
from ..cache import Cache, fingerprint, folder
from ..compiled.database import Database
from ..files import Choice
from ..findings import Report
from ..ignored import Patterns, absolute, patterns
from ..rules import RULES
from .compiled import chosen
from .defaults import base_of, given, note
from .progress import progress

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class Sources:
    """What is analysed, and which findings count."""

    paths: tuple[Path, ...]
    choice: Choice
    rules: frozenset[str]
    jobs: int | None
    cache: Cache | None
    database: Database | None  # how a compiler is called

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
        notes: list[str] = []  # behind the bar
        with progress("analysing") as on_file:
            report = analyze(
                self.paths,
                choice=self.choice,
                jobs=self.jobs,
                cache=self.cache,
                database=self.database,
                on_file=on_file,
                on_note=notes.append,
            )
        for line in notes:
            note(line)
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
        compile_commands: Path | None,
        ask_compiler: bool,
        **rest: Any,
    ) -> Any:
        choice = Choice(_excluded(exclude, paths), gitignore)
        rules = (select or frozenset(_IDS)) - ignore
        cache = None if no_cache else Cache(folder(), fingerprint())
        database = chosen(compile_commands, paths) if ask_compiler else None
        sources = Sources(paths, choice, rules, jobs, cache, database)
        return command(sources=sources, **rest)

    decorated: Any = with_sources
    for parameter in reversed(_parameters()):
        decorated = parameter(decorated)
    return decorated  # type: ignore[no-any-return]


def _parameters() -> list[Callable[[Command], Command]]:
    """In the order of `--help`."""
    path = click.Path(path_type=Path)
    rule: dict[str, Any] = {"multiple": True, "metavar": "RULE", "callback": _rules}
    return [
        click.argument("paths", nargs=-1, required=True, type=path, is_eager=True, callback=given),
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
        click.option(
            "--compile-commands",
            "-p",
            metavar="DIR",
            type=path,
            help="Where compile_commands.json is; default: at or above PATH, or in build/ there.",
        ),
        click.option(
            "--compiler/--no-compiler",
            "ask_compiler",
            default=True,
            show_default=True,
            help="Ask libclang what names mean, where there is a compile_commands.json.",
        ),
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


def _excluded(globs: tuple[str, ...], paths: tuple[Path, ...]) -> tuple[Patterns, ...]:
    """Of every folder that they hold below."""
    try:
        return tuple(patterns(base, globs) for base in base_of("exclude", paths) if globs)
    except ValueError as error:
        raise click.UsageError(f"--exclude: {error}") from error
