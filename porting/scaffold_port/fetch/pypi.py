"""Source distributions of Python's package index, through pip."""

import re
import subprocess
import sys
from pathlib import Path

from .errors import NotAvailable
from .unpack import unpack


def versions(package: str, folder: Path) -> list[str]:
    """Every version, the newest first."""
    command = [sys.executable, "-m", "pip", "index", "versions", package]
    done = subprocess.run(command, capture_output=True, text=True)
    listed = re.search(r"^Available versions: (.*)$", done.stdout, re.MULTILINE)
    if listed is None:
        raise NotAvailable(f"{package}: the index lists no versions")
    return listed[1].split(", ")


def fetch(package: str, folder: Path, version: str = "") -> Path:
    """The unpacked source distribution below `folder`. pip checks the index's digest."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = f"{package}=={version}" if version else package
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", package]
    done = subprocess.run([*command, wanted], cwd=folder, capture_output=True, text=True)
    archives = sorted(folder.glob(f"{package}-*.tar.gz"))
    if done.returncode != 0 or not archives:
        reason = (done.stderr.strip().splitlines() or ["pip download failed"])[-1]
        raise NotAvailable(f"source distribution {wanted}: {reason[:200]}")
    return unpack(archives[-1], folder)
