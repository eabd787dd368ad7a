"""`scaffold-port verify`."""

from pathlib import Path

import click

from ..records import LEVELS
from ..verify import Folders, NotVerified
from ..verify import verify as run
from .formats import Answers, formatted
from .options import chosen, of_programs


@click.command(
    epilog="""\b
Exit status: 0 verified; 1 something is not, with the reason.

\b
Example:
  scaffold-port verify memcached --level native
  scaffold-port verify --all --level shim --full"""
)
@of_programs
@click.option(
    "--level",
    "levels",
    type=click.Choice(LEVELS),
    multiple=True,
    default=LEVELS,
    help="Default: all three.",
)
@click.option("--full", is_flag=True, help="The long form, and the sources' own tests.")
@formatted(("text", "json"), "port-verify")
def verify(
    apps: tuple[str, ...],
    every: bool,
    ports: Path,
    into: Path,
    levels: tuple[str, ...],
    full: bool,
    form: str,
) -> None:
    """Run programs' scenarios between two hosts, by service name."""
    answers = Answers(form, "verified")
    for port in chosen(apps, every, ports):
        for level in levels:
            about = {"app": port.app, "level": level}
            try:
                figures = run(port, level, Folders(ports, into), full=full)
            except NotVerified as error:
                said = f"{port.app}: not verified at level {level}: {error}"
                answers.not_done(said, error, **about, figures={})
                continue
            shown = ", ".join(f"{name} {value:,.6g}" for name, value in figures.items())
            said = f"{port.app}: verified at level {level}: {shown}"
            answers.done([said], **about, figures=figures)
    answers.end()
