"""What the commands on tracked programs have in common."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

from ..ports import BadPort, Port, names, read

Command = TypeVar("Command", bound=Callable[..., Any])
_FOLDER = click.Path(path_type=Path, file_okay=False)


def of_programs(command: Command) -> Command:
    """APP… or --all, --ports and --into."""
    for add in (
        click.option(
            "--into",
            type=_FOLDER,
            default=Path("build/ports"),
            show_default=True,
            help="Where sources and programs go.",
        ),
        click.option(
            "--ports",
            type=_FOLDER,
            default=Path("ported-apps"),
            show_default=True,
            help="Where the ports are.",
        ),
        click.option("--all", "every", is_flag=True, help="Every program that has a port.toml."),
        click.argument("apps", nargs=-1),
    ):
        command = add(command)
    return command


def chosen(apps: tuple[str, ...], every: bool, ports: Path) -> Iterator[Port]:
    """The ports that were asked for; usage errors are one line."""
    if bool(apps) == every:
        raise click.UsageError("name programs, or say --all")
    for app in names(ports) if every else apps:
        try:
            yield read(ports, app)
        except BadPort as error:
            raise click.UsageError(str(error)) from error
