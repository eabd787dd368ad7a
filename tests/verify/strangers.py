"""The programs that nobody chose for scaffold-port: each has a folder in `strangers/` with a
`port.toml`, which says in which version it was read, and how it is built."""

from pathlib import Path

from scaffold_port.ports import names, read

FOLDER = Path(__file__).with_suffix("")
_ORIGINS = {one.package: one for app in names(FOLDER) for one in read(FOLDER, app).sources}
PROGRAMS = {package: origin.version for package, origin in _ORIGINS.items()}


def fetch(package: str, folder: Path) -> Path:
    """Its unpacked source."""
    return _ORIGINS[package].fetch(folder)
