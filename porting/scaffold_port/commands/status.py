"""`scaffold-port status` and `scaffold-port refresh`."""

import json
import sys
from pathlib import Path

import click

from ..fetch.errors import NotAvailable
from ..ported import DoesNotApply
from ..status import Status
from ..status import refresh as renew
from ..status import status as look
from ..verify import Folders
from .formats import formatted
from .options import chosen, of_programs


@click.command(
    epilog="""\b
Exit status: 0 every port applies to the newest version; 1 one does not, or
cannot be looked at.

\b
Example:
  scaffold-port status wget
  scaffold-port status --all --json"""
)
@of_programs
@formatted(("text", "json"), "port-status")
def status(apps: tuple[str, ...], every: bool, ports: Path, into: Path, form: str) -> None:
    """Compare ports with those of newer versions, change by change."""
    failed, document = False, []
    for port in chosen(apps, every, ports):
        try:
            found = look(port, Folders(ports, into).of(port) / "source")
        except NotAvailable as error:
            click.echo(f"{port.app}: {error}", err=True)
            failed = True
            continue
        failed |= any(not one.applies for one in found)
        document.append({"app": port.app, "sources": [one.to_json() for one in found]})
        if form == "text":
            for one in found:
                click.echo("\n".join(_lines(port.app, one)))
    if form == "json":
        click.echo(json.dumps({"schema": 1, "ports": document}, indent=1))
    sys.exit(int(failed))


def _lines(app: str, about: Status) -> list[str]:
    """Like range-diff: = the same, < gone, > new."""
    head = f"{app}: {about.package} {about.tracked}"
    lines = [f"{head}: {version} is missing: {why}" for version, why in about.missing.items()]
    if not about.newer and not lines:
        return [f"{head}: nothing newer is listed"]
    for newer in about.newer:
        rules = newer.rules
        verdict = "applies" if newer.applies else "does not apply"
        lines.append(
            f"{head} {verdict} to {newer.version}: = {rules.same}, "
            f"< {len(rules.gone)}, > {len(rules.new)}"
        )
        for sign, hunks in (("<", rules.gone), (">", rules.new)):
            for hunk in hunks:
                lines.append(f"  {sign} {hunk.path}: {_first(hunk.removed or hunk.added)}")
        lines += [f"  ! {name}: {why}" for name, why in newer.patches.items() if why]
    return lines


def _first(lines: tuple[bytes, ...]) -> str:
    return lines[0].decode("utf-8", "replace").strip()[:90] if lines else ""


@click.command(
    epilog="""\b
Exit status: 0 done; 1 a patch has no place in the new version, and nothing
was changed for that program.

\b
Example:
  scaffold-port refresh wget"""
)
@of_programs
def refresh(apps: tuple[str, ...], every: bool, ports: Path, into: Path) -> None:
    """Bring ports to the newest versions, patches by hand included."""
    failed = False
    for port in chosen(apps, every, ports):
        toml = ports / port.app / "port.toml"
        try:
            for line in renew(port, toml, Folders(ports, into).of(port) / "source"):
                click.echo(f"{port.app}: {line}")
        except (NotAvailable, DoesNotApply) as error:
            click.echo(f"{port.app}: {error}", err=True)
            failed = True
    sys.exit(int(failed))
