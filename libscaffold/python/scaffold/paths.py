"""Where the parts are: what pip installed, and the runtime directory of a scaffoldd."""

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from .errors import ServiceError

DISTRIBUTION = "scaffold-net"

SHIM = "libscaffold_shim.so"
DAEMON = "scaffoldd"
TRAP = "scaffold-trap"
BENCH_PEER = "scaffold-bench-peer"


@cache
def part(name: str) -> Path:
    """The absolute path of an installed part.

    A CMake build tree named by SCAFFOLD_BUILD_DIR comes before what pip installed.
    """
    tree = os.environ.get("SCAFFOLD_BUILD_DIR")
    if tree:
        for folder in ("", "libscaffold/python"):
            path = Path(tree, folder, name).absolute()
            if path.is_file():
                return path
    for places in (_beside, _recorded):
        for path in places(name):
            if path.is_file():
                return path.resolve()
    raise ServiceError(2, f"{name} is not installed; pip install ., or set SCAFFOLD_BUILD_DIR")


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


def find_runtime_dir() -> Path:
    """Where programs look for scaffoldd: the user's own place once it exists, else the system's
    when a scaffoldd has its control socket there.
    """
    own = own_runtime_dir()
    if "SCAFFOLD_RUNTIME_DIR" in os.environ or own.is_dir():
        return own
    return SYSTEM_RUNTIME_DIR if (SYSTEM_RUNTIME_DIR / "ctl").exists() else own


def own_runtime_dir() -> Path:
    """Where this user's scaffoldd lives: SCAFFOLD_RUNTIME_DIR, $XDG_RUNTIME_DIR/scaffold; without
    either /run/scaffold for root, and for others a private folder under /tmp.
    """
    explicit = os.environ.get("SCAFFOLD_RUNTIME_DIR")
    if explicit:
        return Path(explicit).absolute()
    xdg = os.environ.get("XDG_RUNTIME_DIR")
    if xdg and Path(xdg).is_dir():
        return Path(xdg, "scaffold")
    if os.geteuid() == 0:
        return SYSTEM_RUNTIME_DIR
    import tempfile  # which takes a while

    return Path(tempfile.gettempdir(), f"scaffold-{os.getuid()}")


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
