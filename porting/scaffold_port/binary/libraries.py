"""Where this machine keeps its libraries, as ld.so(8) and ldconfig(8) know it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache as remembered
from pathlib import Path

from . import cache

_CONFIGURATION = Path("/etc/ld.so.conf")
_DEPTH = 8

_TRIPLETS = {
    ("EM_X86_64", 64): "x86_64-linux-gnu",
    ("EM_AARCH64", 64): "aarch64-linux-gnu",
    ("EM_386", 32): "i386-linux-gnu",
    ("EM_ARM", 32): "arm-linux-gnueabihf",
    ("EM_RISCV", 64): "riscv64-linux-gnu",
}


@dataclass(frozen=True)
class Libraries:
    """The cache by library name, and the folders of ld.so.conf for where there is no cache."""

    known: Mapping[str, list[str]] = field(default_factory=dict)
    configured: tuple[str, ...] = ()

    def paths(self, name: str, machine: str, bits: int, defaults: bool = True) -> Iterator[Path]:
        """Where a library may be, best first; other machines' are among them."""
        yield from (Path(path) for path in self.known.get(name, ()))
        yield from (Path(folder, name) for folder in self.configured)
        if defaults:
            yield from (Path(folder, name) for folder in default_folders(machine, bits))


def default_folders(machine: str, bits: int) -> list[str]:
    """The folders that need no configuration, on Debian and elsewhere."""
    triplet = _TRIPLETS.get((machine, bits))
    own = [f"/lib/{triplet}", f"/usr/lib/{triplet}"] if triplet else []
    width = [f"/lib{bits}", f"/usr/lib{bits}"]
    return [*own, *width, "/lib", "/usr/lib"]


def tokens(machine: str, bits: int) -> list[str]:
    """What $LIB may stand for."""
    triplet = _TRIPLETS.get((machine, bits))
    return [*([f"lib/{triplet}"] if triplet else []), f"lib{bits}", "lib"]


@remembered
def of_this_machine() -> Libraries:
    """ld.so.cache; without one that can be read, the folders that it would be made of."""
    try:
        return Libraries(cache.parse(cache.PATH.read_bytes()))
    except (OSError, ValueError):
        return Libraries(configured=tuple(configured_folders(_CONFIGURATION)))


def configured_folders(path: Path, depth: int = 0) -> Iterator[str]:
    """The folders of an ld.so.conf and of what it includes."""
    try:
        lines = path.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return
    for line in lines:
        words = line.split("#")[0].split()
        if words[:1] == ["include"]:
            for pattern in words[1:] if depth < _DEPTH else ():
                yield from _included(path.parent, pattern, depth)
        elif words and words[0] != "hwcap":
            yield words[0].split("=")[0]


def _included(folder: Path, pattern: str, depth: int) -> Iterator[str]:
    base = Path("/") if pattern.startswith("/") else folder
    for file in sorted(base.glob(pattern.lstrip("/"))):
        yield from configured_folders(file, depth + 1)
