"""What becomes of the files of a report."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from ..findings import Finding, Report
from ..languages import INCLUDED, is_grammar, language
from ..source import Source
from .edits import Edit, apply
from .marks import marks

Change = tuple[Path, bytes, bytes]
"""(path, old, new) of a file that changes."""

_GRAMMAR = ".grammar"
_EDITS = {"c": ".c", "c++": ".c", "python": ".python"}
"""Modules, imported when they are needed: most programs need one language's grammar."""


def changes(report: Report) -> Iterator[Change]:
    """With the names of libscaffold and of scaffold."""
    for path, source, findings in _files(report):
        new = apply(source.data, _names(source, findings))
        if new != source.data:
            yield path, source.data, new


def marked(report: Report, *, renamed: bool) -> Iterator[Change]:
    """With comments on what is left to a human; `renamed`: on top of `changes`."""
    for path, source, findings in _files(report):
        edits = _names(source, findings) if renamed else set()
        notes = marks(source, findings)
        if notes:
            yield path, apply(source.data, edits), apply(source.data, edits | notes)


def _names(source: Source, findings: list[Finding]) -> set[Edit]:
    kind = _GRAMMAR if is_grammar(Path(source.path)) else _EDITS[source.language]
    edits: set[Edit] = import_module(kind, __package__).edits(source, findings)
    return edits


def _files(report: Report) -> Iterator[tuple[Path, Source, list[Finding]]]:
    by_path: dict[str, list[Finding]] = {}
    for one in report.findings:
        by_path.setdefault(one.path, []).append(one)
    for name, findings in by_path.items():
        path = Path(name)
        data = path.read_bytes()
        yield path, Source(name, data, language(path, data) or INCLUDED), findings
