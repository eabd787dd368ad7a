"""`scaffold-port rewrite`."""

import sys
from pathlib import Path

import click

from ..analyze import analyze as run
from ..change.diff import unified
from ..change.tree import changes
from ..change.write import replace
from ..findings import Report


@click.command(
    epilog="""\b
C and C++ so far, and the calls; build files, options and Python are yours.
What is left to a human is listed on stderr.

\b
Example:
  scaffold-port rewrite src/ --diff | less
  scaffold-port rewrite src/ --in-place"""
)
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.option("--diff", "form", flag_value="diff", default=True, help="Print a patch (default).")
@click.option("--in-place", "form", flag_value="in-place", help="Change the files.")
def rewrite(path: Path, form: str) -> None:
    """Give the calls of a program libscaffold's names."""
    report = run([path])
    root = path if path.is_dir() else path.parent
    for name, old, new in changes(report):
        if form == "in-place":
            replace(name, new)
        else:
            shown = name.relative_to(root).as_posix()
            sys.stdout.buffer.write(unified(shown, old, new))
    _list_rest(report)


def _list_rest(report: Report) -> None:
    for one in report.active():
        if not one.automatic:
            why = f"left alone, {one.left}" if one.left else "left to you"
            click.echo(f"{one.path}:{one.line}: {why}: {one.message} [{one.rule}]", err=True)
