"""`scaffold-port build`."""

import sys
from pathlib import Path

import click

from ..build import BuildError
from ..fetch.errors import NotAvailable
from ..ported import LEVELS, DoesNotApply
from ..verify import Folders, programs
from .options import chosen, of_programs


@click.command(
    epilog="""\b
Exit status: 0 everything was built; 1 something was not, with the reason.

\b
Example:
  scaffold-port build memcached --level relink
  scaffold-port build --all"""
)
@of_programs
@click.option("--level", type=click.Choice(LEVELS), default="native", show_default=True)
@click.option("--check", is_flag=True, help="Run the sources' own tests, too.")
def build(
    apps: tuple[str, ...], every: bool, ports: Path, into: Path, level: str, check: bool
) -> None:
    """Fetch programs, port them and build them; prints the folders of the programs."""
    status = 0
    for port in chosen(apps, every, ports):
        try:
            click.echo(programs(port, level, Folders(ports, into), checks=check))
        except (NotAvailable, BuildError, DoesNotApply) as error:
            click.echo(str(error), err=True)
            status = 1
    sys.exit(status)
