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
        labels = [word for name in sides for word in ("--label", _label(f"{name}/{path}"))]
        command = ["diff", "--text", f"-U{context}", *labels, *sides]
        return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, check=False).stdout


_QUOTED = {code: f"\\{code:03o}" for code in (*range(32), ord('"'), ord("\\"), 127)}
"""In octal, which patch(1) and git read in any name that starts with a quotation mark."""


def _label(name: str) -> str:
    """A file's name as both read it: to the end of the line, or up to a tab if it has spaces."""
    quoted = name.translate(_QUOTED)
    if quoted != name:
        return f'"{quoted}"'
    return f"{name}\t" if " " in name else name
