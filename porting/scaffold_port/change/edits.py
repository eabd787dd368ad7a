"""Edits of a file's bytes."""

from collections.abc import Iterable
from dataclasses import dataclass

from ..findings import Finding
from ..source import Source


@dataclass(frozen=True, order=True)
class Edit:
    """The bytes from `start` to `end` become `text`."""

    start: int
    end: int
    text: bytes


def fixes(source: Source, findings: Iterable[Finding]) -> set[Edit]:
    """The new names of a file's findings that nothing suppresses."""
    return {
        Edit(
            source.offset(one.line, one.column),
            source.offset(one.line, one.end_column),
            one.fix.encode(),
        )
        for one in findings
        if one.rewritten
    }


def apply(data: bytes, edits: Iterable[Edit]) -> bytes:
    """The data with all edits made; they must not overlap."""
    parts, at = [], 0
    for edit in sorted(set(edits)):
        if edit.start < at:
            raise ValueError(f"two edits at byte {edit.start}")
        parts += [data[at : edit.start], edit.text]
        at = edit.end
    return b"".join([*parts, data[at:]])
