"""What an analysis found, and what it could not look at."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

GROUPS = {
    "decide": "to decide",
    "automatic": "automatic",
    "context": "context",
    "suppressed": "suppressed",
}
"""Findings by who has to do anything: a human, who is asked a question; `rewrite`; nobody, as far
as the tool sees; nobody, because somebody says so."""
FOLDED = ("context", "suppressed")
"""Groups that nobody has to read: counted, and shown on request."""
CONFIDENCES = ("high", "medium", "low")
ASKED = "the question of line "
"""Why nobody is asked where somebody is elsewhere in the file."""


@dataclass(frozen=True)
class Finding:
    """One place that a port has to change, or to look at.

    `line` and `column` count from 1, columns in bytes; `ifdef` is the stack of conditions around
    the place, outermost first; `lines` estimates how many lines change.
    """

    rule: str
    path: str
    line: int
    column: int
    end_column: int
    call: str
    function: str
    ifdef: tuple[str, ...]
    confidence: str  # of CONFIDENCES: that something has to be changed or decided here
    kind: int
    lines: int
    message: str
    text: str  # the source line
    fix: str = ""  # what `rewrite` puts there
    left: str = ""  # why `rewrite` leaves the place alone, and nobody is asked
    question: str = ""  # what a human decides
    suppressed: str = ""  # why, where a comment or the baseline says so

    @property
    def rewritten(self) -> bool:
        """Whether `rewrite` changes the place."""
        return bool(self.fix) and not self.left and not self.suppressed

    @property
    def automatic(self) -> bool:
        """Whether that is all there is to do."""
        return self.group == "automatic"

    @property
    def group(self) -> str:
        """One of GROUPS."""
        if self.suppressed:
            return "suppressed"
        if self.left:
            return "context"
        return "decide" if self.question else "automatic" if self.fix else "context"

    @property
    def rank(self) -> tuple[int, int]:
        """What is to be read first is least: by group, then by confidence."""
        return [*GROUPS].index(self.group), CONFIDENCES.index(self.confidence)

    @property
    def shown(self) -> tuple[int, int]:
        """From where to where it stands in `text`, in characters; beyond when the line is cut."""
        start, end = self.column, self.end_column
        return self._units(start, "utf-32-le", 4), self._units(end, "utf-32-le", 4)

    @property
    def utf16(self) -> tuple[int, int]:
        """Its columns as SARIF counts them, from 1, in units of UTF-16 (SARIF 2.1.0, 3.30.6)."""
        start, end = self.column, self.end_column
        return self._units(start, "utf-16-le", 2) + 1, self._units(end, "utf-16-le", 2) + 1

    def _units(self, column: int, encoding: str, size: int) -> int:
        before = self.text.encode()[: column - 1]
        units = len(before.decode("utf-8", "replace").encode(encoding)) // size
        return units + column - 1 - len(before)

    def to_json(self) -> dict[str, Any]:
        """The finding as the JSON report shows it."""
        return asdict(self) | {"automatic": self.automatic, "group": self.group}


def undecided(finding: Finding, doubt: str, *, asked: bool) -> Finding:
    """One whose name may be another's: it stays, and where it looks like the library's somebody is
    `asked`."""
    if not doubt or not finding.fix:
        return finding
    if not asked:
        return replace(finding, fix="", left=doubt)
    question = f"{doubt}: is this `{finding.call}` libc's?"
    return replace(finding, fix="", confidence="low", question=question)


@dataclass(frozen=True)
class NotAnalysed:
    """A file, or one line of it, that was not looked at."""

    path: str
    line: int  # 0: the whole file
    reason: str


@dataclass
class Report:
    """Of one run over any number of paths."""

    paths: tuple[str, ...] = ()
    findings: list[Finding] = field(default_factory=list)
    not_analysed: list[NotAnalysed] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)  # by reason
    files: int = 0
    bytes: int = 0
    languages: dict[str, int] = field(default_factory=dict)

    def ranked(self) -> list[Finding]:
        """What is to be read first comes first."""
        return sorted(self.findings, key=lambda one: one.rank)

    def to_read(self) -> list[Finding]:
        """Those that somebody reads, in that order; context where there is nothing else."""
        ranked = self.ranked()
        return [one for one in ranked if one.group != "context"] or ranked

    def active(self) -> list[Finding]:
        """Those that nothing suppresses."""
        return [one for one in self.findings if not one.suppressed]

    def count(self, group: str) -> int:
        """How many findings are in one of GROUPS."""
        return sum(one.group == group for one in self.findings)

    def summary(self) -> dict[str, Any]:
        """Counts, by rule, kind and confidence."""
        active = self.active()
        return {
            "files": self.files,
            "bytes": self.bytes,
            "languages": self.languages,
            "findings": len(active),
            "suppressed": self.count("suppressed"),
            "automatic": self.count("automatic"),
            "decide": self.count("decide"),
            "context": self.count("context"),
            "lines": sum(one.lines for one in active),
            "by_kind": _count(str(one.kind) for one in active),
            "by_rule": _count(one.rule for one in active),
            "by_confidence": _count(one.confidence for one in active),
            "not_analysed": len(self.not_analysed),
        }

    def to_json(self) -> dict[str, Any]:
        """The whole, as docs/schemas/analyze.schema.json says."""
        return {
            "schema": 1,
            "summary": self.summary(),
            "findings": [one.to_json() for one in self.findings],
            "not_analysed": [asdict(one) for one in self.not_analysed],
            "skipped": self.skipped,
        }


def _count(values: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return dict(sorted(counts.items()))
