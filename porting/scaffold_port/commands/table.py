"""`scaffold-port table`."""

import sys
from pathlib import Path

import click

from ..records import LEVELS
from ..table import FORMATS
from ..table.rows import row
from ..verify import Folders, NotVerified, verify
from .formats import formatted, write
from .options import chosen, of_programs
from .progress import progress


@click.command(
    epilog="""\b
Exit status: 0; 1 when --verify was given and something is not verified.

\b
Example:
  scaffold-port table --all
  scaffold-port table --all --verify --format html -o table.html"""
)
@of_programs
@click.option("--verify", "levels", is_flag=True, help="Run every level of every program first.")
@click.option("--full", is_flag=True, help="With --verify: the long forms.")
@formatted(FORMATS, "table")
@click.option("-o", "output", type=click.Path(path_type=Path), help="Write it to a file.")
def table(
    apps: tuple[str, ...],
    every: bool,
    ports: Path,
    into: Path,
    levels: bool,
    full: bool,
    form: str,
    output: Path | None,
) -> None:
    """Say what each port costs in lines, and whether it works."""
    folders = Folders(ports, into)
    rows, status = [], 0
    programs = list(chosen(apps, every, ports))
    with progress("programs") as on_program:
        for number, port in enumerate(programs):
            on_program(number, len(programs))
            for level in LEVELS if levels else ():
                try:
                    verify(port, level, folders, full=full)
                except NotVerified:  # the row says why
                    status = 1
            rows.append(row(port, folders, frozenset(LEVELS if levels else ())))
    write(FORMATS[form](rows), output)
    sys.exit(status)
