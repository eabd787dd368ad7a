"""The table as words: its columns, a row's cells, and the sums."""

from .rows import COUNTED, Effort, Row, total

HEADS = (
    "program",
    "original: version",
    "original: lines",
    "original: changes",
    "version",
    "code lines",
    "relink: changed",
    "native: changed",
    "by rule",
    "by hand",
    "added/modified/removed",
    "automatic",
    "shim",
    "relink",
    "native",
)
NUMBERS = frozenset(range(2, 4)) | frozenset(range(5, 10)) | {11}
"""The columns that are numbers."""


def cells(row: Row) -> list[str]:
    """One for each of HEADS; empty where nothing is known."""
    seed = row.seed
    return [
        row.row,
        *([seed.version, f"{seed.codebase:,}", f"{seed.changes:,}"] if seed else ["", "", ""]),
        row.version,
        f"{row.code_lines.lines:,}" if row.code_lines else "",
        *_effort(row.changed),
        row.verified("shim"),
        row.verified("relink"),
        row.verified("native"),
    ]


def sums(rows: list[Row]) -> list[str]:
    """Of the original's rows alone, and of its own figures."""
    seeds = [row.seed for row in rows if row.seed]
    lines = [row.code_lines.lines for row in rows if row.seed and row.code_lines]
    return [
        f"{len(seeds)} programs",
        "",
        f"{sum(seed.codebase for seed in seeds):,}",
        f"{sum(seed.changes for seed in seeds):,}",
        "",
        f"{sum(lines):,}",
        *_effort({level: total(rows, level) for level in COUNTED}),
        *(_seen(rows, level) for level in ("shim", "relink", "native")),
    ]


def _effort(changed: dict[str, Effort]) -> list[str]:
    relink, native = changed.get("relink"), changed.get("native")
    first = f"{relink.total.total:,}" if relink else ""
    if native is None:
        return [first, "", "", "", "", ""]
    every = native.total
    share = f"{native.automatic.total / every.total:.1%}" if every.total else ""
    return [
        first,
        f"{every.total:,}",
        f"{native.automatic.total:,}",
        f"{native.manual.total:,}",
        f"{every.added:,}/{every.modified:,}/{every.removed:,}",
        share,
    ]


def _seen(rows: list[Row], level: str) -> str:
    ours = [row for row in rows if row.seed]
    return f"{sum(row.verified(level) != 'no' for row in ours)} of {len(ours)}"


def notes(rows: list[Row]) -> list[str]:
    """Who counted, what the words mean, and why something is missing."""
    counters = sorted({row.code_lines.counter for row in rows if row.code_lines})
    lines = [
        f"Code lines by {', '.join(counters) or 'nothing: cloc is not installed'}; "
        "changed lines by diff -U0: added + modified + removed.",
        "The original: SCAFFOLD, Princeton, 2010; it does not say which counter it used.",
        "Verified: yes, this time; a date, then and not again since; no, never or not any more.",
    ]
    lines += [f"Not summed: {row.row} (no row of the original)." for row in rows if not row.seed]
    lines += [
        f"{row.row}, {what}: {why.splitlines()[0] if why else 'no reason was given'}"
        for row in rows
        for what, why in row.why_not.items()
    ]
    return lines
