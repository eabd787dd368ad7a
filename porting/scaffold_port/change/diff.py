"""Differences of bytes, for `patch -p1`."""

import difflib
from collections.abc import Iterator


def unified(path: str, old: bytes, new: bytes, context: int = 3) -> bytes:
    """A unified diff of one file; empty when nothing changed."""
    lines = difflib.diff_bytes(
        difflib.unified_diff,
        old.splitlines(keepends=True),
        new.splitlines(keepends=True),
        f"a/{path}".encode(),
        f"b/{path}".encode(),
        n=context,
    )
    return b"".join(_ended(lines))


def _ended(lines: Iterator[bytes]) -> Iterator[bytes]:
    for line in lines:
        yield line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"
