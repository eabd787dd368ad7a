"""`scaffold-port fetch`."""

import sys
from pathlib import Path

import click

from ..fetch.errors import NotAvailable
from ..verify import Folders
from .options import chosen, of_programs


@click.command(
    epilog="""\b
Exit status: 0 everything was fetched; 1 something could not be had, the rest
was; 2 wrong usage.

\b
Example:
  scaffold-port fetch wget memcached
  scaffold-port fetch --all --into /tmp/ports"""
)
@of_programs
def fetch(apps: tuple[str, ...], every: bool, ports: Path, into: Path) -> None:
    """Get the sources of programs, verified, and unpack them."""
    status = 0
    for port in chosen(apps, every, ports):
        for origin in port.sources:
            try:
                click.echo(origin.fetch(Folders(ports, into).of(port) / "source"))
            except NotAvailable as error:
                click.echo(f"{port.app}: {error}", err=True)
                status = 1
    sys.exit(status)
