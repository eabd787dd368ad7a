"""A row of the portability table: what it takes to port a program, and whether the port was seen to
work."""

import shutil
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .. import counter, records
from ..change.count import NOTHING, Changed
from ..fetch.errors import NotAvailable
from ..ported import DoesNotApply
from ..ported import port as port_source
from ..ports import Port, Seed
from ..verify import Folders, fetch

COUNTED = ("relink", "native")


@dataclass(frozen=True)
class Effort:
    """Lines that a level changes."""

    automatic: Changed = NOTHING
    manual: Changed = NOTHING

    @property
    def total(self) -> Changed:
        """By rule and by hand."""
        return self.automatic + self.manual

    def __add__(self, other: "Effort") -> "Effort":
        """Of both."""
        return Effort(self.automatic + other.automatic, self.manual + other.manual)

    def to_json(self) -> dict[str, int]:
        """Lines: who made them, and what kind they are."""
        return {
            "automatic": self.automatic.total,
            "manual": self.manual.total,
            **asdict(self.total),
        }


@dataclass
class Row:
    """Of one program."""

    app: str
    row: str
    seed: Seed | None
    version: str = ""
    code_lines: counter.CodeLines | None = None
    changed: dict[str, Effort] = field(default_factory=dict)
    runs: dict[str, records.Run] = field(default_factory=dict)
    now: frozenset[str] = frozenset()  # the levels that were run this time
    why_not: dict[str, str] = field(default_factory=dict)

    def verified(self, level: str) -> str:
        """yes: it was this time. Else when it was last, or no."""
        run = self.runs.get(level)
        if run is None or not run.verified:
            return "no"
        return "yes" if level in self.now else run.when[:10]

    def to_json(self) -> dict[str, Any]:
        """As docs/schemas/table.schema.json says."""
        return {
            "app": self.app,
            "row": self.row,
            "seed": asdict(self.seed) if self.seed else None,
            "version": self.version,
            "code_lines": self.code_lines.lines if self.code_lines else None,
            "counter": self.code_lines.counter if self.code_lines else None,
            "changed": {level: effort.to_json() for level, effort in self.changed.items()},
            "verified": {level: self.verified(level) for level in records.LEVELS},
            "last_run": {
                level: run.when if (run := self.runs.get(level)) else None
                for level in records.LEVELS
            },
            "why_not": self.why_not,
        }


def row(port: Port, folders: Folders, now: frozenset[str]) -> Row:
    """What is known of a program; `now` are the levels that were run this time."""
    one = Row(port.app, port.row, port.seed, runs=records.load(folders.of(port)), now=now)
    for level in records.LEVELS:
        run = one.runs.get(level)
        if run is None:
            one.why_not[level] = "never run here"
        elif not run.verified:
            one.why_not[level] = run.why_not
    try:
        sources = fetch(port, folders)
    except NotAvailable as error:
        one.why_not["source"] = str(error)
        return one
    names = zip(port.sources, sources, strict=True)
    one.version = ", ".join(origin.version_of(source) for origin, source in names)
    one.code_lines = counter.count(_counted(port, sources))
    for level in COUNTED:
        try:
            one.changed[level] = effort(port, level, sources)
        except DoesNotApply as error:
            one.why_not[level] = str(error)
    return one


def _counted(port: Port, sources: list[Path]) -> list[Path]:
    pairs = zip(port.sources, sources, strict=True)
    return [source / path for origin, source in pairs for path in origin.code]


def effort(port: Port, level: str, sources: list[Path]) -> Effort:
    """Over all sources of a program. Raises DoesNotApply."""
    total = Effort()
    for origin, source in zip(port.sources, sources, strict=True):
        folder = Path(tempfile.mkdtemp(prefix="scaffold-port-"))
        try:
            done = port_source(source, folder / source.name, level, port.changes_of(origin))
            total += Effort(done.automatic, done.manual)
        finally:
            shutil.rmtree(folder)
    return total


def total(rows: list[Row], level: str) -> Effort:
    """Of the rows that the original has, too."""
    return sum((one.changed[level] for one in rows if one.seed and level in one.changed), Effort())
