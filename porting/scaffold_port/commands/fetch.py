"""`scaffold-port fetch`."""

import sys
from pathlib import Path

import click

from ..fetch.errors import NotAvailable
from ..ports import BadPort, names, read


@click.command(
    epilog="""\b
Exit status: 0 everything was fetched; 1 something could not be had, the rest
was; 2 wrong usage.

\b
Example:
  scaffold-port fetch wget memcached
  scaffold-port fetch --all --into /tmp/sources"""
)
@click.argument("apps", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every program that has a port.toml.")
@click.option(
    "--ports",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("ported-apps"),
    show_default=True,
    help="Where the ports are.",
)
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build/sources"),
    show_default=True,
    help="Where the sources go.",
)
def fetch(apps: tuple[str, ...], every: bool, ports: Path, into: Path) -> None:
    """Get the source of programs, verified, and unpack it."""
    if bool(apps) == every:
        raise click.UsageError("name programs, or say --all")
    status = 0
    for app in names(ports) if every else apps:
        try:
            port = read(ports, app)
        except BadPort as error:
            raise click.UsageError(str(error)) from error
        for origin in port.sources:
            try:
                click.echo(origin.fetch(into / app))
            except NotAvailable as error:
                click.echo(f"{app}: {error}", err=True)
                status = 1
    sys.exit(status)
