"""Puts a changed file in the place of the old one, whole or not at all."""

import os
import tempfile
from pathlib import Path


def replace(path: Path, data: bytes) -> None:
    """The new content under the old name, with the old mode; a link's target is what changes."""
    target = path.resolve()
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(target.stat().st_mode & 0o7777)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
