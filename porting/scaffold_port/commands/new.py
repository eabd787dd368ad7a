"""`scaffold-port new`."""

import re
import sys
from pathlib import Path

import click

from ..analyze import analyze
from ..fetch.errors import NotAvailable
from ..start import CannotStart, origin, start
from .formats import document, formatted
from .options import in_folders


@click.command(
    epilog="""\b
Exit status: 0 done; 1 the source cannot be had, or there is such a port.

\b
Example:
  scaffold-port new redis --source debian:redis
  scaffold-port new greet --source git:https://example.org/greet@v1.2"""
)
@click.argument("app")
@click.option("--source", "text", required=True, help="debian:, git: or pypi: and the package.")
@in_folders
@formatted(("text", "json"), "port-new")
def new(app: str, text: str, ports: Path, into: Path, form: str) -> None:
    """Start the port of any program: its files, and what it has to change."""
    if not re.fullmatch(r"\w[\w.+-]*", app):
        raise click.UsageError(f"{app!r}: a port's name is that of a folder: letters, digits, .+-_")
    try:
        source = origin(text)
        unpacked = source.fetch(into.absolute() / app / "source")
        files = start(app, source, unpacked, ports / app)
    except (CannotStart, NotAvailable) as error:
        click.echo(f"{app}: {error}", err=True)
        sys.exit(1)
    about = analyze([unpacked]).summary()
    if form == "json":
        counts = {name: about[name] for name in ("files", "findings", "automatic")}
        document(app=app, source=str(unpacked), created=[*map(str, files)], **counts)
        return
    for path in files:
        click.echo(path)
    click.echo(
        f"{about['findings']} findings, {about['automatic']} of them automatic, in "
        f"{about['files']} files; next: complete {ports / app}/port.toml and scenario.py, then "
        f"scaffold-port verify {app}"
    )
