"""`scaffold-port analyze`."""

import sys
from collections.abc import Callable
from pathlib import Path

import click

from ..analyze import analyze as run
from ..cache import Cache, fingerprint, folder
from ..findings import Report
from ..report import FORMATS
from ..suppress import apply_baseline, read_baseline, write_baseline
from .progress import progress

FAIL_ON: dict[str, Callable[[Report], bool]] = {
    "never": lambda report: False,
    "any": lambda report: bool(report.active()),
    "high": lambda report: any(one.confidence == "high" for one in report.active()),
    "manual": lambda report: any(not one.automatic for one in report.active()),
}
FOUND, INCOMPLETE = 1, 4


@click.command(
    epilog="""\b
Exit status: 0 done; 1 --fail-on found something; 2 wrong usage; 4 something
could not be analysed, everything else was.

\b
Example:
  scaffold-port analyze src/
  scaffold-port analyze src/ --format html -o report.html
  scaffold-port analyze src/ --baseline port.json --fail-on any"""
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(sorted(FORMATS)), default="text")
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
@click.option("--jobs", "-j", type=click.IntRange(1, 256), help="Processes; default: all cores.")
@click.option("--no-cache", is_flag=True, help="Look at every file again.")
def analyze(
    paths: tuple[Path, ...],
    form: str,
    output: Path | None,
    fail_on: str,
    baseline: Path | None,
    keep: Path | None,
    jobs: int | None,
    no_cache: bool,
) -> None:
    """Say what a port of this source to services has to change."""
    missing = [path for path in paths if not path.exists() and not path.is_symlink()]
    if missing:
        raise click.UsageError(f"{missing[0]}: there is no such file or folder")
    for target in filter(None, (output, keep)):
        _writable(target)
    left = _baseline(baseline) if baseline else {}
    cache = None if no_cache else Cache(folder(), fingerprint())
    with progress("analysing") as on_file:
        report = run(paths, jobs=jobs, cache=cache, on_file=on_file)
    if keep:
        count = write_baseline(report.findings, keep)
        click.echo(f"{keep}: {count} findings")
        return
    if baseline:
        report.findings = apply_baseline(report.findings, left, baseline)
    text = FORMATS[form](report).encode("utf-8", "backslashreplace")
    if output:
        output.write_bytes(text)
    else:
        sys.stdout.buffer.write(text)
    sys.exit(_status(report, fail_on))


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


def _status(report: Report, fail_on: str) -> int:
    if FAIL_ON[fail_on](report):
        return FOUND
    return INCOMPLETE if report.not_analysed else 0
