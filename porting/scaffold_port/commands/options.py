"""What the commands on tracked programs have in common."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

from ..ports import BadPort, Port, names, read

Command = TypeVar("Command", bound=Callable[..., Any])
_FOLDER = click.Path(path_type=Path, file_okay=False)


def in_folders(command: Command) -> Command:
    """--ports and --into."""
    for name, default, text in (
        ("--into", "build/ports", "Where sources and programs go."),
        ("--ports", "ported-apps", "Where the ports are."),
    ):
        option = click.option(
            name, type=_FOLDER, default=Path(default), show_default=True, help=text
        )
        command = option(command)
    return command


def of_programs(command: Command) -> Command:
    """APP… or --all, --ports and --into."""
    every = click.option("--all", "every", is_flag=True, help="Every program with a port.toml.")
    return click.argument("apps", nargs=-1)(every(in_folders(command)))


def chosen(apps: tuple[str, ...], every: bool, ports: Path) -> Iterator[Port]:
    """The ports that were asked for; usage errors are one line."""
    if bool(apps) == every:
        raise click.UsageError("name programs, or say --all")
    wanted = names(ports) if every else apps
    if not wanted:
        raise click.UsageError(f"no ports in {ports}; --ports names the folder, `new` starts one")
    for app in wanted:
        try:
            yield read(ports, app)
        except BadPort as error:
            raise click.UsageError(str(error)) from error
