"""Results by content: a file that was looked at before is not looked at again."""

import contextlib
import hashlib
import os
import pickle
from pathlib import Path
from typing import Any

VERSION = 3
"""Raised when what is kept changes its shape."""
_DIGEST = hashlib.sha256().digest_size


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
    """One pickle per content, of our own making, in the user's own folder, behind its digest: what
    another run is writing, or a full disk has cut off, is looked at again."""

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
            kept = self._path(parts).read_bytes()
        except OSError:
            return None
        digest, data = kept[:_DIGEST], kept[_DIGEST:]
        return pickle.loads(data) if hashlib.sha256(data).digest() == digest else None

    def put(self, result: Any, *parts: bytes) -> None:
        """Keep a result; a full disk only costs time."""
        target, data = self._path(parts), pickle.dumps(result)
        with contextlib.suppress(OSError):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(hashlib.sha256(data).digest() + data)
