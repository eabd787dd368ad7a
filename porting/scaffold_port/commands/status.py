"""`scaffold-port status` and `scaffold-port refresh`."""

from pathlib import Path

import click

from ..fetch.errors import NotAvailable
from ..ported import DoesNotApply
from ..status import Status
from ..status import refresh as renew
from ..status import status as look
from ..verify import Folders
from .formats import Answers, formatted
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
    answers = Answers(form, "ports")
    for port in chosen(apps, every, ports):
        try:
            found = look(port, Folders(ports, into).of(port) / "source")
        except NotAvailable as error:
            answers.not_done(f"{port.app}: {error}", error, app=port.app, sources=[])
            continue
        lines = [line for one in found for line in _lines(port.app, one)]
        answers.done(lines, app=port.app, sources=[one.to_json() for one in found])
        answers.failed |= any(not one.applies for one in found)
    answers.end()


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
@formatted(("text", "json"), "port-refresh")
def refresh(apps: tuple[str, ...], every: bool, ports: Path, into: Path, form: str) -> None:
    """Bring ports to the newest versions, patches by hand included."""
    answers = Answers(form, "ports")
    for port in chosen(apps, every, ports):
        toml = ports / port.app / "port.toml"
        try:
            done = renew(port, toml, Folders(ports, into).of(port) / "source")
        except (NotAvailable, DoesNotApply) as error:
            answers.not_done(f"{port.app}: {error}", error, app=port.app, sources=[], patches=[])
            continue
        lines = [f"{port.app}: {line}" for line in done.lines()]
        answers.done(lines, app=port.app, **done.to_json())
    answers.end()
