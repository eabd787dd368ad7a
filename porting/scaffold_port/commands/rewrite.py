"""`scaffold-port rewrite`."""

import sys
from pathlib import Path
from typing import Any

import click

from ..change.diff import unified
from ..change.write import replace
from ..files import display
from ..layers import Layers, layers
from ..ported import LEVELS
from ..rest import CONTEXT, NOT_ANALYSED, TO_YOU, Rest, rest
from ..series import write
from . import exits
from .defaults import SETTINGS
from .formats import document, formatted
from .sources import Sources, of_sources

LEFT = "left-to-you.txt"
"""Beside the patches of a series."""


@click.command(
    epilog=f"""\b
relink: the sources stay, build files take the header that renames calls;
native: the calls and build files change. What is left to a human is listed
on stderr, and with --mark a comment stands in front of each such line.

\b
Exit status: 0 nothing is left; 1 something is left to you, or would change
with --check; 2 wrong usage; 4 something could not be analysed, everything
else was. Of several, the highest.

{SETTINGS}

\b
Example:
  scaffold-port rewrite src/ lib/ --diff | less
  scaffold-port rewrite . --level relink --in-place
  scaffold-port rewrite . --mark -o series/
  scaffold-port rewrite . --check"""
)
@of_sources
@click.option("--level", type=click.Choice(LEVELS), default="native", show_default=True)
@click.option("--diff", "diff", is_flag=True, help="Print a patch (default).")
@click.option("--in-place", "in_place", is_flag=True, help="Change the files.")
@click.option(
    "-o",
    "series",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write quilt's patches.",
)
@click.option("--check", is_flag=True, help="Print which files would change, and change none.")
@click.option("--mark", is_flag=True, help="Comments on what is left, as a patch of its own.")
@formatted(("text", "json"), "rewrite")
def rewrite(
    sources: Sources,
    level: str,
    diff: bool,
    in_place: bool,
    series: Path | None,
    check: bool,
    mark: bool,
    form: str,
) -> None:
    """Make a program's source serve and reach services."""
    _one_of({"--diff": diff, "--in-place": in_place, "-o": series, "--check": check})
    sources = sources.below_one_folder()
    done = layers(sources.root, level, sources.analyze(), mark=mark)
    left = list(rest(done))
    if form == "json":
        document(**_about(level, done, left))
    if series:
        _write_series(series, done, left, quiet=form == "json")
    elif in_place:
        _in_place(sources.root, done)
    elif form == "text":
        _show(done, names_alone=check)
    if form == "text":
        for line in _lines(left, TO_YOU, NOT_ANALYSED) if not check else _lines(left, NOT_ANALYSED):
            click.echo(line, err=True)
    found = bool(done.changed) if check else any(one.state == TO_YOU for one in left)
    sys.exit(exits.of(done.report, found=found))


def _lines(left: list[Rest], *states: str) -> list[str]:
    """What is left, for people: beside what is theirs the places of context are counted."""
    lines = [str(one) for one in left if one.state in states]
    context = sum(one.state == CONTEXT for one in left)
    if context and TO_YOU in states:
        lines.append(f"context, shown by scaffold-port analyze --only context: {context}")
    return lines


def _one_of(forms: dict[str, object]) -> None:
    given = [name for name, value in forms.items() if value]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)}: one of them")


def _about(level: str, done: Layers, left: list[Rest]) -> dict[str, Any]:
    """As docs/schemas/rewrite.schema.json says."""
    return {
        "level": level,
        "patches": [
            {"name": patch.name, "description": patch.description, "files": [*patch.names]}
            for patch in done.patches
        ],
        "left": [one.to_json() for one in left],
    }


def _write_series(folder: Path, done: Layers, left: list[Rest], *, quiet: bool) -> None:
    for name in write(done.patches, folder):
        if not quiet:
            click.echo(folder / name)
    lines = _lines(left, TO_YOU, NOT_ANALYSED)
    (folder / LEFT).write_text("".join(f"{line}\n" for line in lines))


def _show(done: Layers, *, names_alone: bool) -> None:
    """What changes, as a patch or by name."""
    if names_alone:
        for name in done.changed:
            click.echo(f"would change: {display(name)}")
        return
    for patch in done.patches:
        for change in patch.files:
            sys.stdout.buffer.write(unified(*change))


def _in_place(root: Path, done: Layers) -> None:
    top = root if root.is_dir() else root.parent
    last = {name: new for patch in done.patches for name, _, new in patch.files}
    for patch in reversed(done.patches):  # sources that have changed ask for no build files
        for name in patch.names:
            if name in last:
                replace(top / name, last.pop(name))
