"""C and C++ at the native level: libscaffold's names for the calls that have them."""

from collections.abc import Iterable

from ..findings import Finding
from ..source import Source
from .edits import Edit, fixes
from .header import headers


def edits(source: Source, findings: Iterable[Finding]) -> set[Edit]:
    """libscaffold's names, and its header. Without anything to rename there is nothing."""
    found = fixes(source, findings)
    return found | headers(source.data, (edit.start for edit in found))
