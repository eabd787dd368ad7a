"""Results by content: a file that was looked at before is not looked at again."""

import hashlib
import os
import pickle
import tempfile
from pathlib import Path
from typing import Any

VERSION = 3
"""Raised when what is kept changes its shape."""


def folder() -> Path:
    """Where results are kept; XDG's base directories."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "scaffold-port"


def fingerprint() -> bytes:
    """Of the rules themselves: another version of them looks again."""
    digest = hashlib.sha256(str(VERSION).encode())
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.digest()


class Cache:
    """One pickle per content, of our own making, in the user's own folder."""

    def __init__(self, where: Path, mark: bytes) -> None:
        self.where = where
        self.mark = mark

    def _path(self, parts: tuple[bytes, ...]) -> Path:
        digest = hashlib.sha256(self.mark)
        for part in parts:
            digest.update(b"%d:" % len(part))
            digest.update(part)
        name = digest.hexdigest()
        return self.where / name[:2] / name[2:40]

    def get(self, *parts: bytes) -> Any | None:
        """The result that was kept for these parts of a key, or None."""
        try:
            return pickle.loads(self._path(parts).read_bytes())
        except (OSError, pickle.PickleError, EOFError, AttributeError):
            return None

    def put(self, result: Any, *parts: bytes) -> None:
        """Keep a result; a full disk only costs time."""
        target = self._path(parts)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
                pickle.dump(result, file)
            Path(file.name).replace(target)
        except OSError:
            return
