"""Where the parts are: what pip installed, and the runtime directory of a scaffoldd."""

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NoReturn

from ._native import ffi, lib
from .errors import ServiceError

DISTRIBUTION = "scaffold-net"

SHIM = "libscaffold_shim.so"
DAEMON = "scaffoldd"
TRAP = "scaffold-trap"
BENCH_PEER = "scaffold-bench-peer"
_TREE = ("", "libscaffold/python")
"""Where a build tree has them."""


@cache
def part(name: str, tree: Path | None = None) -> Path:
    """The absolute path of an installed part.

    A CMake build tree named by SCAFFOLD_BUILD_DIR comes before what pip installed. From `tree` it
    comes from there, or not at all.
    """
    if tree is not None:
        return _built(name, tree) or _none(name, tree)
    variable = os.environ.get("SCAFFOLD_BUILD_DIR")
    if variable and (path := _built(name, Path(variable))):
        return path
    for places in (_beside, _recorded):
        for path in places(name):
            if path.is_file():
                return path.resolve()
    raise ServiceError(2, f"{name} is not installed; pip install ., or set SCAFFOLD_BUILD_DIR")


def _built(name: str, tree: Path) -> Path | None:
    places = (Path(tree, folder, name).absolute() for folder in _TREE)
    return next((path for path in places if path.is_file()), None)


def _none(name: str, tree: Path) -> NoReturn:
    raise ServiceError(2, f"{tree} has no {name}; name a build tree")


def _beside(name: str) -> Iterator[Path]:
    """By pip's record beside this package. importlib.metadata takes longer than all the rest."""
    site = Path(__file__).absolute().parents[1]
    for record in site.glob(f"{DISTRIBUTION.replace('-', '_')}-*.dist-info/RECORD"):
        for line in record.read_text("utf-8").splitlines():
            file = line.rsplit(",", 2)[0].strip('"')
            if file.rpartition("/")[2] == name:
                yield site / file


def _recorded(name: str) -> Iterator[Path]:
    """By the record of whatever is installed: an editable package's is not beside it."""
    import importlib.metadata

    try:
        files = importlib.metadata.files(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return
    yield from (Path(str(file.locate())) for file in files if file.name == name)


SYSTEM_RUNTIME_DIR = Path("/run/scaffold")


def running_dir() -> Path | None:
    """Where the scaffoldd is that this process's environment leads to: the first of the places
    that answers. None when none does."""
    place = lib.sc_control_find()
    return None if place < 0 else _place(place)


def own_runtime_dirs() -> list[Path]:
    """Where this user may start a scaffoldd, the best place first."""
    places = lib.sc_daemon_places()
    return [_place(index) for index in range(places.count) if places.at[index].own]


def trusted_uid(folder: Path) -> int:
    """Who, besides root, is scaffoldd to us when he answers there: the directory's owner. Among the
    places of this user nobody but him is, for anybody can make a folder in /tmp."""
    places = lib.sc_daemon_places()
    known = {_place(index): int(places.at[index].id.uid) for index in range(places.count)}
    try:
        return known[folder] if folder in known else folder.stat().st_uid
    except OSError:
        return os.geteuid()


def searched() -> str:
    """The places where scaffoldd is looked for, as a text."""
    room = ffi.new("char[]", lib.SC_CTL_TEXT)
    lib.sc_daemon_text(room, lib.SC_CTL_TEXT)
    return os.fsdecode(ffi.string(room))


def _place(index: int) -> Path:
    return Path(os.fsdecode(ffi.string(lib.sc_daemon_places().at[index].dir))).absolute()


def make_runtime_dir(path: Path) -> None:
    """Create the directory, for all only where it is the system's; refuse somebody else's."""
    try:
        path.mkdir(mode=0o755 if path == SYSTEM_RUNTIME_DIR else 0o700, parents=True, exist_ok=True)
        owner = path.stat().st_uid
    except OSError as error:
        text = f"{path}: {error.strerror}; choose another --runtime-dir"
        raise ServiceError(error.errno, text) from None
    if owner != os.geteuid():
        raise ServiceError(13, f"{path} belongs to uid {owner}; choose another --runtime-dir")
