"""Differences of bytes, for `patch -p1`."""

import subprocess
import tempfile
from pathlib import Path


def unified(path: str, old: bytes, new: bytes, context: int = 3) -> bytes:
    """A unified diff of one file, by diff(1); empty when nothing changed."""
    if old == new:
        return b""
    with tempfile.TemporaryDirectory(prefix="scaffold-port-") as folder:
        sides = {"a": old, "b": new}
        for name, data in sides.items():
            (Path(folder) / name).write_bytes(data)
        labels = [word for name in sides for word in ("--label", f"{name}/{path}")]
        command = ["diff", "--text", f"-U{context}", *labels, *sides]
        return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, check=False).stdout
