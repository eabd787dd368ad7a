"""`scaffold-port build`."""

from pathlib import Path

import click

from ..build import BuildError
from ..fetch.errors import NotAvailable
from ..ported import LEVELS, DoesNotApply
from ..verify import Folders, programs
from .formats import Answers, formatted
from .options import chosen, of_programs


@click.command(
    epilog="""\b
Exit status: 0 everything was built; 1 something was not, with the reason.

\b
Example:
  scaffold-port build memcached --level relink
  scaffold-port build --all --json"""
)
@of_programs
@click.option("--level", type=click.Choice(LEVELS), default="native", show_default=True)
@click.option("--check", is_flag=True, help="Run the sources' own tests, too.")
@formatted(("text", "json"), "port-build")
def build(
    apps: tuple[str, ...], every: bool, ports: Path, into: Path, level: str, check: bool, form: str
) -> None:
    """Fetch programs, port them and build them; prints the folders of the programs."""
    answers = Answers(form, "built")
    for port in chosen(apps, every, ports):
        about = {"app": port.app, "level": level}
        try:
            folder = programs(port, level, Folders(ports, into), checks=check)
        except (NotAvailable, BuildError, DoesNotApply) as error:
            answers.not_done(str(error), error, **about, programs=None)
            continue
        answers.done([folder], **about, programs=str(folder))
    answers.end()
