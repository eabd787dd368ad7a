"""What a program's file says of itself: as much of ELF as it takes to know who will load it.

`scaffold run` reads it before each program, so it has to be quick, and never to fail in a new way.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

_PT_LOAD, _PT_DYNAMIC, _PT_INTERP, _PT_NOTE = 1, 2, 3, 4
_DT_NEEDED, _DT_STRTAB = 1, 5
_ROOM = 1 << 23
"""No table that is read here comes near it; sizes in damaged files do."""
_NAME_ROOM = 4096
_FAR = (1 << 63) - 1 - _ROOM
"""No file reaches that far, and no seek beyond."""


class NotElf(ValueError):
    """No ELF file, or a damaged one."""


class Segment(NamedTuple):
    """One program header."""

    type: int
    offset: int
    address: int
    size: int
    align: int


class Elf:
    """An ELF file that is open for reading. Every method may raise NotElf or OSError."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        ident = self._at(0, 16)
        if ident[:4] != b"\x7fELF" or not {ident[4], ident[5]} <= {1, 2}:
            raise NotElf("no ELF file")
        self.bits = 32 * ident[4]
        self._order = "<>"[ident[5] - 1]
        self._word = "IQ"[ident[4] - 1]
        head = self._unpack(f"2HI3{self._word}I6H", 16)
        self.machine: int = head[1]
        _, _, _, _, start, _, _, _, size, count, *_ = head
        self.segments = list(self._segments(start, size, count))

    def loader(self) -> str:
        """The path of the program that loads this one; empty where the kernel alone does."""
        for segment in self.segments:
            if segment.type == _PT_INTERP:
                return self._text(segment.offset)
        return ""

    def needed(self) -> list[str]:
        """The names of the libraries that the program asks for."""
        entries = list(self._dynamic())
        table = next((value for tag, value in entries if tag == _DT_STRTAB), None)
        if table is None:
            return []
        strings = self._offset(table)
        return [self._text(strings + value) for tag, value in entries if tag == _DT_NEEDED]

    def note_owners(self) -> set[bytes]:
        """Who has left notes: b"GNU", b"Go"."""
        found: set[bytes] = set()
        for segment in self.segments:
            if segment.type == _PT_NOTE:
                found.update(self._owners(segment))
        return found

    def _segments(self, start: int, size: int, count: int) -> Iterator[Segment]:
        layout = struct.Struct(self._order + {32: "8I", 64: "2I6Q"}[self.bits])
        if count and size != layout.size:
            raise NotElf("its program headers are of another size")
        for entry in layout.iter_unpack(self._at(start, size * count)):
            if self.bits == 32:
                kind, offset, address, _, length, _, _, align = entry
            else:
                kind, _, offset, address, _, length, _, align = entry
            yield Segment(kind, offset, address, length, align)

    def _dynamic(self) -> Iterator[tuple[int, int]]:
        entry = struct.Struct(f"{self._order}2{self._word}")
        for segment in self.segments:
            if segment.type == _PT_DYNAMIC:
                raw = self._at(segment.offset, segment.size - segment.size % entry.size)
                yield from entry.iter_unpack(raw)

    def _offset(self, address: int) -> int:
        """Where in the file the byte stands that is loaded at an address."""
        for one in self.segments:
            if one.type == _PT_LOAD and one.address <= address < one.address + one.size:
                return address - one.address + one.offset
        raise NotElf(f"nothing is loaded at {address:#x}")

    def _owners(self, segment: Segment) -> Iterator[bytes]:
        raw = self._at(segment.offset, segment.size)
        unit = 8 if segment.align == 8 else 4
        at = 0
        while at + 12 <= len(raw):
            name, content, _ = struct.unpack_from(f"{self._order}3I", raw, at)
            yield raw[at + 12 : at + 12 + name].rstrip(b"\0")
            at += -(-(12 + name) // unit) * unit
            at += -(-content // unit) * unit

    def _text(self, offset: int) -> str:
        return self._read(offset, _NAME_ROOM).partition(b"\0")[0].decode(errors="replace")

    def _unpack(self, form: str, offset: int) -> tuple[int, ...]:
        layout = struct.Struct(self._order + form)
        return layout.unpack(self._at(offset, layout.size))

    def _at(self, offset: int, size: int) -> bytes:
        """So many bytes from an offset on; NotElf when there are fewer."""
        raw = self._read(offset, size)
        if len(raw) < size:
            raise NotElf("the file ends before its tables do")
        return raw

    def _read(self, offset: int, size: int) -> bytes:
        if size > _ROOM or offset > _FAR:
            raise NotElf("its tables make no sense")
        self._file.seek(offset)
        return self._file.read(size)
