"""One ELF file: what it is, what it loads and what it imports."""

import errno
import os
import stat
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from elftools.elf.segments import InterpSegment

from . import syscalls

_GO_SECTIONS = (".go.buildinfo", ".note.go.buildid")
_EXECUTABLE = 4  # SHF_EXECINSTR
_PIE = 0x08000000  # DF_1_PIE
_NODEFLIB = 0x00000800  # DF_1_NODEFLIB
_FUNCTIONS = (0, 2, 10)  # STT_NOTYPE, STT_FUNC, STT_GNU_IFUNC
_SYMBOL = {64: "IBBHQQ", 32: "IIIBBH"}


class Unreadable(OSError):
    """A file that cannot be audited: one line says which and why."""

    def __str__(self) -> str:
        """The line, without the number."""
        return str(self.strerror)


@dataclass(frozen=True)
class Elf:
    """What the headers, the dynamic section and the file's inode say."""

    path: Path
    kind: str
    """`exec`, `pie` or `shared`."""
    machine: str
    """As elf.h names it: `EM_X86_64`."""
    bits: int
    interpreter: str | None = None
    soname: str | None = None
    needed: tuple[str, ...] = ()
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] | None = None
    """None: there is no such tag. An empty one still hides RPATH."""
    default_folders: bool = True
    """False after `ld -z nodefaultlib`."""
    imports: frozenset[str] = frozenset()
    rights: tuple[str, ...] = ()
    """`setuid`, `setgid`, `file capabilities`: what makes ld.so ignore LD_PRELOAD."""
    go: bool = False
    sections: tuple[tuple[int, int], ...] = field(default=(), repr=False)
    """Offset and size of each executable one."""

    @property
    def static(self) -> bool:
        """No loader is asked for anything."""
        return self.kind != "shared" and self.interpreter is None and not self.needed

    @cached_property
    def direct(self) -> syscalls.Direct:
        """System calls made without libc. In libc's own objects that is no news."""
        return syscalls.find(self.machine, self._code())

    def _code(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            for offset, size in self.sections:
                file.seek(offset)
                yield file.read(size)


def read(path: Path) -> Elf:
    """Read a program or a shared object. Unreadable: it is none, or cut short."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise _problem(path, errno.EINVAL, f"is {_kind_of_file(status.st_mode)}, not a file")
        return _read(path, status.st_mode, status.st_size, status.st_ino, status.st_ctime_ns)
    except Unreadable:
        raise
    except OSError as error:
        text = error.strerror or str(error)
        raise _problem(path, error.errno or errno.EIO, text) from error
    except Exception as error:  # pyelftools has no one exception for damaged files
        raise _problem(path, errno.ENOEXEC, "is a damaged or truncated ELF file") from error


@lru_cache(maxsize=1024)
def _read(path: Path, mode: int, size: int, *_version: int) -> Elf:
    """Programs share most of their libraries."""
    with path.open("rb") as file:
        head = file.read(128)
        if head[:4] != b"\x7fELF":
            raise _problem(path, errno.ENOEXEC, _not_elf(head))
        return _parse(path, ELFFile(file), mode, size)


def _problem(path: Path, code: int, text: str) -> Unreadable:
    return Unreadable(code, f"{path}: {text}")


def _kind_of_file(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a directory", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def _not_elf(head: bytes) -> str:
    if not head:
        return "is empty"
    if not head.startswith(b"#!"):
        return "is not an ELF file"
    interpreter = head[2:].split(b"\n")[0].decode(errors="replace").strip()
    return f"is a script; audit what runs it: {interpreter}"


def _parse(path: Path, elf: ELFFile, mode: int, size: int) -> Elf:
    if elf["e_type"] not in ("ET_EXEC", "ET_DYN"):
        raise _problem(path, errno.ENOEXEC, "is neither a program nor a shared object")
    segments = list(elf.iter_segments())
    _check_length(path, [*segments, *elf.iter_sections()], size)
    interpreter = next(
        (s.get_interp_name() for s in segments if isinstance(s, InterpSegment)), None
    )
    dynamic = next((s for s in segments if isinstance(s, DynamicSegment)), None)
    names = [section.name for section in elf.iter_sections()]
    tags = _Tags(dynamic)
    return Elf(
        path=path,
        kind=_kind(elf["e_type"], interpreter, tags),
        machine=str(elf["e_machine"]),
        bits=int(elf.elfclass),
        interpreter=interpreter,
        soname=next(iter(tags.texts("DT_SONAME")), None),
        needed=tags.texts("DT_NEEDED"),
        rpath=tags.folders("DT_RPATH") or (),
        runpath=tags.folders("DT_RUNPATH"),
        default_folders=not tags.number("DT_FLAGS_1") & _NODEFLIB,
        imports=frozenset(_imports(elf, dynamic, tags)),
        rights=tuple(_rights(path, mode)),
        go=any(name in names for name in _GO_SECTIONS),
        sections=tuple(_executable(elf)),
    )


def _check_length(path: Path, parts: Iterable[Any], size: int) -> None:
    """Every part with bytes in the file must be there."""
    for part in parts:
        if "p_type" in part.header:
            end = part["p_offset"] + part["p_filesz"]
        else:
            end = 0 if part["sh_type"] == "SHT_NOBITS" else part["sh_offset"] + part["sh_size"]
        if end > size:
            text = f"is truncated: {size} bytes of at least {end}"
            raise _problem(path, errno.ENOEXEC, text)


class _Tags:
    """The dynamic section, by tag."""

    _TEXTS = ("DT_NEEDED", "DT_SONAME", "DT_RPATH", "DT_RUNPATH")

    def __init__(self, dynamic: DynamicSegment | None) -> None:
        self._values: dict[str, list[Any]] = {}
        for tag in dynamic.iter_tags() if dynamic else ():
            name = str(tag.entry.d_tag)
            value = getattr(tag, name[3:].lower()) if name in self._TEXTS else tag.entry.d_val
            self._values.setdefault(name, []).append(value)

    def texts(self, tag: str) -> tuple[str, ...]:
        return tuple(self._values.get(tag, ()))

    def folders(self, tag: str) -> tuple[str, ...] | None:
        if tag not in self._values:
            return None
        return tuple(part for text in self._values[tag] for part in text.split(":") if part)

    def number(self, tag: str) -> int:
        return int(self._values.get(tag, [0])[0])


def _kind(elf_type: str, interpreter: str | None, tags: _Tags) -> str:
    if elf_type == "ET_EXEC":
        return "exec"
    if tags.number("DT_FLAGS_1") & _PIE:
        return "pie"
    # libc.so.6 can be run as well, and has a name to be needed by
    return "pie" if interpreter and not tags.texts("DT_SONAME") else "shared"


def _imports(elf: ELFFile, dynamic: DynamicSegment | None, tags: "_Tags") -> Iterator[str]:
    """Undefined symbols. pyelftools has them too, at a hundredth of the speed."""
    if dynamic is None:
        return
    offset = dynamic.get_table_offset("DT_SYMTAB")[1]
    names = dynamic.get_table_offset("DT_STRTAB")[1]
    if offset is None or names is None:
        return
    entry = struct.Struct(("<" if elf.little_endian else ">") + _SYMBOL[elf.elfclass])
    size = _symbol_count(elf, dynamic) * entry.size
    elf.stream.seek(names)
    texts = elf.stream.read(tags.number("DT_STRSZ"))
    elf.stream.seek(offset)
    table = elf.stream.read(size)
    for name, *rest in entry.iter_unpack(table[: len(table) // entry.size * entry.size]):
        info, section = (rest[0], rest[2]) if elf.elfclass == 64 else (rest[2], rest[4])
        if section == 0 and name and info & 15 in _FUNCTIONS:
            yield texts[name : texts.index(b"\0", name)].decode(errors="replace")


def _symbol_count(elf: ELFFile, dynamic: DynamicSegment) -> int:
    """The section's word for it, since an empty GNU hash table does not count what is imported."""
    section = elf.get_section_by_name(".dynsym")
    if isinstance(section, SymbolTableSection):
        return section.num_symbols()
    return dynamic.num_symbols()


def _rights(path: Path, mode: int) -> Iterator[str]:
    if mode & stat.S_ISUID:
        yield "setuid"
    if mode & stat.S_ISGID and mode & stat.S_IXGRP:
        yield "setgid"
    with suppress(OSError):
        if os.getxattr(path, "security.capability"):
            yield "file capabilities"


def _executable(elf: ELFFile) -> Iterator[tuple[int, int]]:
    """The executable sections, or segments where there are no sections."""
    if elf.num_sections():
        for section in elf.iter_sections():
            if section["sh_flags"] & _EXECUTABLE and section["sh_type"] != "SHT_NOBITS":
                yield section["sh_offset"], section["sh_size"]
        return
    for segment in elf.iter_segments():
        if segment["p_type"] == "PT_LOAD" and segment["p_flags"] & 1:
            yield segment["p_offset"], segment["p_filesz"]
