"""System calls that machine code makes itself."""

import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from . import x86
from .calls import IO_URING_NUMBERS, NUMBERS

_BACK = 64
"""Bytes before a system call that are looked at: its number is loaded close to it."""


@dataclass(frozen=True)
class Direct:
    """How many system call instructions there are, by the number that they load."""

    machine: str = ""
    numbers: Counter[int | None] = field(default_factory=Counter)
    """None: the number comes from elsewhere, as in Go's and libc's general functions."""

    @property
    def count(self) -> int:
        """All of them."""
        return self.numbers.total()

    @property
    def sockets(self) -> int:
        """Those that are certainly socket calls."""
        known = NUMBERS.get(self.machine, frozenset())
        return sum(n for number, n in self.numbers.items() if number in known)

    @property
    def unknown(self) -> int:
        """Those that may be anything."""
        return self.numbers[None]

    @property
    def io_uring(self) -> bool:
        """Whether one of them is io_uring's."""
        return any(number in IO_URING_NUMBERS for number in self.numbers)


def find(machine: str, sections: Iterable[bytes]) -> Direct:
    """The system calls in executable sections of a machine's code."""
    search = {"EM_X86_64": _x86_64, "EM_AARCH64": _aarch64}.get(machine)
    found: Counter[int | None] = Counter()
    for code in sections if search else ():
        assert search is not None
        found.update(search(code))
    return Direct(machine, found)


def _positions(code: bytes, pattern: bytes) -> Iterator[int]:
    at = code.find(pattern)
    while at >= 0:
        yield at
        at = code.find(pattern, at + 1)


def _x86_64(code: bytes) -> Iterator[int | None]:
    """`syscall`; the same two bytes inside another instruction are left out."""
    for at in _positions(code, b"\x0f\x05"):
        first = max(0, at - _BACK)
        starts = [0] if first == 0 else range(first, at - _BACK // 2)
        before = x86.leading_to(code, at, starts)
        if before is not None:
            yield _number_x86_64(code, before, at)


def _number_x86_64(code: bytes, before: list[int], at: int) -> int | None:
    ends = [*before[1:], at]
    for start, end in zip(reversed(before), reversed(ends), strict=True):
        text = code[start:end]
        if text[0] == 0xB8 and len(text) == 5:  # mov $number, %eax
            return int(struct.unpack_from("<i", text, 1)[0])
        if text[:3] == b"\x48\xc7\xc0":  # mov $number, %rax
            return int(struct.unpack_from("<i", text, 3)[0])
        if text in (b"\x31\xc0", b"\x33\xc0"):  # xor %eax, %eax
            return 0
        if _may_set_eax(text):
            return None
    return None


def _may_set_eax(text: bytes) -> bool:
    extended = 0
    if 0x40 <= text[0] <= 0x4F:
        extended, text = text[0], text[1:]
    if text[0] in (0xE8, 0xE9, 0xEB, 0xC3, 0x58, 0xFF):  # calls, jumps, returns; pop
        return True
    if len(text) < 2:
        return False
    register, other = text[1] >> 3 & 7, text[1] & 7
    if text[0] in (0x8B, 0x63, 0x8D, 0x03, 0x33):  # into the register
        return register == 0 and not extended & 4
    if text[0] in (0x89, 0x01, 0x31, 0x83, 0x81):  # into the other one
        return other == 0 and text[1] >= 0xC0 and not extended & 1
    return False


def _aarch64(code: bytes) -> Iterator[int | None]:
    """`svc #0`, at multiples of four only."""
    for at in _positions(code, b"\x01\x00\x00\xd4"):
        if at % 4 == 0:
            yield _number_aarch64(code[max(0, at - _BACK) : at])


def _number_aarch64(before: bytes) -> int | None:
    for (word,) in reversed(list(struct.iter_unpack("<I", before))):
        if word & 0x7FE0001F == 0x52800008:  # mov w8 or x8, #number
            return int(word >> 5 & 0xFFFF)
        # another move into x8, a load of it, a call, a return
        if word & 0x7FE0FFFF == 0x2A0003E8 or word & 0xBFC0001F == 0xB9400008:
            return None
        if word & 0xFC000000 in (0x94000000, 0x14000000) or word == 0xD65F03C0:
            return None
    return None
