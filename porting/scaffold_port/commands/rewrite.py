"""`scaffold-port rewrite`."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from ..change.diff import unified
from ..change.write import replace
from ..files import display
from ..layers import Layers
from ..layers import layers as run
from ..ported import LEVELS
from ..series import write

LEFT = "left-to-you.txt"
"""Beside the patches of a series."""


@click.command(
    epilog="""\b
relink: the sources stay, build files take the header that renames calls;
native: the calls and build files change. What is left to a human is listed
on stderr, and with --mark a comment stands in front of each such line.

\b
Example:
  scaffold-port rewrite src/ --diff | less
  scaffold-port rewrite . --level relink --in-place
  scaffold-port rewrite . --mark -o series/"""
)
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.option("--level", type=click.Choice(LEVELS), default="native", show_default=True)
@click.option("--diff", "diff", is_flag=True, help="Print a patch (default).")
@click.option("--in-place", "in_place", is_flag=True, help="Change the files.")
@click.option(
    "-o",
    "series",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write quilt's patches.",
)
@click.option("--mark", is_flag=True, help="Comments on what is left, as a patch of its own.")
def rewrite(
    path: Path, level: str, diff: bool, in_place: bool, series: Path | None, mark: bool
) -> None:
    """Make a program's source serve and reach services."""
    _one_of({"--diff": diff, "--in-place": in_place, "-o": series})
    done = run(path, level, mark=mark)
    if series:
        for name in write(done.patches, series):
            click.echo(series / name)
        (series / LEFT).write_text("".join(f"{line}\n" for line in _rest(done)))
    elif in_place:
        _in_place(path if path.is_dir() else path.parent, done)
    else:
        for patch in done.patches:
            for change in patch.files:
                sys.stdout.buffer.write(unified(*change))
    for line in _rest(done):
        click.echo(line, err=True)


def _one_of(forms: dict[str, object]) -> None:
    given = [name for name, value in forms.items() if value]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)}: one of them")


def _in_place(root: Path, done: Layers) -> None:
    last = {name: new for patch in done.patches for name, _, new in patch.files}
    for patch in reversed(done.patches):  # sources that have changed ask for no build files
        for name, _, _ in patch.files:
            if name in last:
                replace(root / name, last.pop(name))


def _rest(done: Layers) -> Iterator[str]:
    """Each place that a human has to look at, and why."""
    for one in done.report.active():
        if not one.automatic:
            why = f"left alone, {one.left}" if one.left else "left to you"
            yield f"{display(one.path)}:{one.line}: {why}: {one.message} [{one.rule}]"
    for missed in done.report.not_analysed:
        yield f"{display(missed.path)}: not analysed: {missed.reason}"
    for left in done.build_files:
        yield f"{display(str(left.path))}: left to you: {left.reason}"
