"""Which file the shim is in."""

import re
import subprocess

from scaffold import paths


def shim() -> str:
    """What the library that LD_PRELOAD names stands for: with glibc a filter has its place."""
    command = ["readelf", "-d", str(paths.part(paths.SHIM))]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Filter library: \[\$ORIGIN/(.*)\]", text)
    return found[1] if found else paths.SHIM
