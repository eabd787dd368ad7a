"""All objects that ld.so would load for a program, found without running it."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .elf import Elf, Unreadable, read
from .libraries import Libraries, of_this_machine, tokens

MAX_DEPTH = 64
"""Longest chain of libraries that is followed; programs have a dozen."""


@dataclass(frozen=True)
class Closure:
    """The program first, then its libraries in the order in which ld.so loads them."""

    objects: tuple[Elf, ...]
    missing: tuple[str, ...]
    """What is needed and was not found, by the name that it is needed by."""

    @property
    def program(self) -> Elf:
        """What was asked for."""
        return self.objects[0]


@dataclass(frozen=True)
class _Loaded:
    elf: Elf
    loader: "_Loaded | None" = None
    depth: int = 0

    def chain(self) -> Iterator["_Loaded"]:
        """This object, who loaded it, who loaded that one; the program is last."""
        one: _Loaded | None = self
        while one is not None:
            yield one
            one = one.loader


@dataclass
class _Search:
    program: Elf
    libraries: Libraries
    names: set[str] = field(default_factory=set)
    files: set[tuple[int, int]] = field(default_factory=set)
    missing: dict[str, None] = field(default_factory=dict)

    def all(self) -> Iterator[Elf]:
        queue = deque([_Loaded(self.program)])
        self._note(self.program.path.name, self.program)
        while queue:
            one = queue.popleft()
            yield one.elf
            for name in one.elf.needed:
                if name not in self.names:
                    queue.extend(self._load(name, one))

    def _load(self, name: str, loader: _Loaded) -> list[_Loaded]:
        found = self._find(name, loader) if loader.depth < MAX_DEPTH else None
        if found is None:
            self.names.add(name)
            self.missing[name] = None
            return []
        new = self._note(name, found)
        return [_Loaded(found, loader, loader.depth + 1)] if new else []

    def _note(self, name: str, elf: Elf) -> bool:
        """Later needs of the name are served; False when the file is loaded under another one."""
        self.names.update({name, elf.soname or name})
        status = elf.path.stat()
        new = (status.st_dev, status.st_ino) not in self.files
        self.files.add((status.st_dev, status.st_ino))
        return new

    def _find(self, name: str, loader: _Loaded) -> Elf | None:
        for path in self._paths(name, loader):
            if not path.is_file():
                continue
            try:
                elf = read(path)
            except Unreadable:
                continue
            if (elf.machine, elf.bits) == (self.program.machine, self.program.bits):
                return elf
        return None

    def _paths(self, name: str, loader: _Loaded) -> Iterator[Path]:
        """ld.so(8)'s order. A name with a slash is a path."""
        if "/" in name:
            yield from _expand(name, loader.elf)
            return
        if loader.elf.runpath is None:
            for one in loader.chain():
                if one.elf.runpath is None:
                    yield from _inside(one.elf.rpath, one.elf, name)
        else:
            yield from _inside(loader.elf.runpath, loader.elf, name)
        machine, bits = self.program.machine, self.program.bits
        yield from self.libraries.paths(name, machine, bits, loader.elf.default_folders)


def _inside(folders: tuple[str, ...], elf: Elf, name: str) -> Iterator[Path]:
    for folder in folders:
        yield from (path / name for path in _expand(folder, elf))


def _expand(text: str, elf: Elf) -> Iterator[Path]:
    """A path with $ORIGIN, $LIB and $PLATFORM put in."""
    origin = elf.path.resolve() if elf.interpreter else elf.path.absolute()
    platform = {"EM_X86_64": "x86_64", "EM_AARCH64": "aarch64"}.get(elf.machine, "")
    for lib in tokens(elf.machine, elf.bits) if "LIB" in text else [""]:
        values = {"ORIGIN": str(origin.parent), "LIB": lib, "PLATFORM": platform}
        expanded = text
        for token, value in values.items():
            expanded = expanded.replace(f"${{{token}}}", value).replace(f"${token}", value)
        path = Path(expanded)
        yield path.parent.resolve() / path.name if ".." in path.parts else path


def resolve(program: Elf, libraries: Libraries | None = None) -> Closure:
    """What ld.so would load, without LD_LIBRARY_PATH. Each object is there once."""
    search = _Search(program, libraries or of_this_machine())
    return Closure(tuple(search.all()), tuple(search.missing))
