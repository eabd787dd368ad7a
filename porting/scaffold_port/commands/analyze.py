"""`scaffold-port analyze`."""

import sys
from collections.abc import Callable
from pathlib import Path

import click

from ..findings import GROUPS, Report
from ..report import FORMATS
from ..suppress import apply_baseline, read_baseline, write_baseline
from . import exits
from .defaults import SETTINGS
from .formats import formatted, write
from .sources import Sources, of_sources

FAIL_ON: dict[str, Callable[[Report], bool]] = {
    "never": lambda report: False,
    "any": lambda report: bool(report.active()),
    "high": lambda report: any(one.confidence == "high" for one in report.active()),
    "manual": lambda report: any(not one.automatic for one in report.active()),
    "decide": lambda report: report.count("decide") > 0,
}


@click.command(
    epilog=f"""\b
Exit status: 0 done; 1 --fail-on found something; 2 wrong usage; 4 something
could not be analysed, everything else was. Of several, the highest.

{SETTINGS}

\b
Example:
  scaffold-port analyze src/
  scaffold-port analyze src/ --only decide --exclude 'test*/'
  scaffold-port analyze src/ --format html -o report.html
  scaffold-port analyze src/ --baseline port.json --fail-on any"""
)
@of_sources
@click.option("--only", type=click.Choice(list(GROUPS)), help="Only findings of this group.")
@formatted(FORMATS, "analyze")
@click.option("-o", "output", type=click.Path(path_type=Path), help="Write the report to a file.")
@click.option(
    "--fail-on", type=click.Choice(sorted(FAIL_ON)), default="never", help="For CI: exit 1."
)
@click.option(
    "--baseline", type=click.Path(path_type=Path), help="Findings in this file are suppressed."
)
@click.option(
    "--write-baseline", "keep", type=click.Path(path_type=Path), help="Write such a file, and end."
)
def analyze(
    sources: Sources,
    only: str | None,
    form: str,
    output: Path | None,
    fail_on: str,
    baseline: Path | None,
    keep: Path | None,
) -> None:
    """Say what a port of this source to services has to change."""
    for target in filter(None, (output, keep)):
        _writable(target)
    left = _baseline(baseline) if baseline else {}
    report = sources.analyze()
    if baseline and not keep:
        report.findings = apply_baseline(report.findings, left, baseline)
    if only:
        report.findings = [one for one in report.findings if one.group == only]
    if keep:
        count = write_baseline(report.findings, keep)
        click.echo(f"{keep}: {count} findings")
        return
    write(FORMATS[form](report), output)
    sys.exit(exits.of(report, found=FAIL_ON[fail_on](report)))


def _writable(path: Path) -> None:
    """Before anything is looked at: nobody wants to wait for this."""
    if path.is_dir():
        raise click.UsageError(f"{path}: this is a folder; name a file")
    if not path.parent.is_dir():
        raise click.UsageError(f"{path}: there is no folder {path.parent}")


def _baseline(path: Path) -> dict[str, int]:
    if not path.is_file():
        raise click.UsageError(f"{path}: no such baseline; --write-baseline makes one")
    try:
        return read_baseline(path)
    except (OSError, ValueError) as error:
        raise click.UsageError(f"{path}: no baseline: {error}") from error
