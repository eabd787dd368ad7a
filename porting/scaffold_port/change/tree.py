"""What becomes of the files of a report."""

from collections.abc import Iterator
from pathlib import Path

from ..findings import Finding, Report
from ..source import Source
from . import c


def changes(report: Report) -> Iterator[tuple[Path, bytes, bytes]]:
    """(path, old, new) of every file that changes. C and C++ so far."""
    by_path: dict[str, list[Finding]] = {}
    for one in report.findings:
        by_path.setdefault(one.path, []).append(one)
    for name, findings in by_path.items():
        if name.endswith((".py", ".pyw")):
            continue
        path = Path(name)
        old = path.read_bytes()
        new = c.rewrite(Source(name, old, "c"), findings)
        if new != old:
            yield path, old, new
