"""What becomes of the files of a report."""

from collections.abc import Iterator
from pathlib import Path

from ..files import LANGUAGES
from ..findings import Finding, Report
from ..source import Source
from . import c, python

_WRITERS = {"c": c.rewrite, "c++": c.rewrite, "python": python.rewrite}


def changes(report: Report) -> Iterator[tuple[Path, bytes, bytes]]:
    """(path, old, new) of every file that changes."""
    by_path: dict[str, list[Finding]] = {}
    for one in report.findings:
        by_path.setdefault(one.path, []).append(one)
    for name, findings in by_path.items():
        path = Path(name)
        language = LANGUAGES[path.suffix]
        old = path.read_bytes()
        new = _WRITERS[language](Source(name, old, language), findings)
        if new != old:
            yield path, old, new
