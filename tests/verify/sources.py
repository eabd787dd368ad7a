"""Debian's source packages, through apt, without touching the machine's own configuration."""

import os
import re
import subprocess
from pathlib import Path

SOURCES = Path("/etc/apt/sources.list.d/debian.sources")


def fetch(package: str, folder: Path) -> Path:
    """The unpacked source of `package`, of the version that is installed where that can be had.

    The list of packages is a private one in `folder`; apt checks every file against its signature.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lists, parts = folder / "lists", folder / "parts"
    lists.mkdir(exist_ok=True)
    parts.mkdir(exist_ok=True)
    text = re.sub(r"^Types:.*$", "Types: deb-src", SOURCES.read_text(), flags=re.MULTILINE)
    (parts / "source.sources").write_text(text)
    options = {
        "Dir::Etc::sourceparts": parts,
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::State::lists": lists,
        "APT::Sandbox::User": "root",
    }
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    for command in (["update"], ["source", "--only-source", package]):
        subprocess.run(
            ["apt-get", "-qq", *words, *command],
            cwd=folder,
            env=os.environ | {"LC_ALL": "C"},
            check=True,
            capture_output=True,
            text=True,
        )
    return next(path for path in folder.glob(f"{package}-*") if path.is_dir())
