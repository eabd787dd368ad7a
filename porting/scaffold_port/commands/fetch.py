"""`scaffold-port fetch`."""

from pathlib import Path

import click

from ..fetch.errors import NotAvailable
from ..verify import Folders
from .formats import Answers, formatted
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
@formatted(("text", "json"), "port-fetch")
def fetch(apps: tuple[str, ...], every: bool, ports: Path, into: Path, form: str) -> None:
    """Get the sources of programs, verified, and unpack them."""
    answers = Answers(form, "fetched")
    for port in chosen(apps, every, ports):
        for origin in port.sources:
            about = {"app": port.app, "package": origin.package}
            try:
                source = origin.fetch(Folders(ports, into).of(port) / "source")
            except NotAvailable as error:
                answers.not_done(f"{port.app}: {error}", error, **about, source=None)
                continue
            answers.done([source], **about, source=str(source))
    answers.end()
