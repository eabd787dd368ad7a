"""Where the instructions of x86-64 begin: their lengths, and nothing else about them."""

from collections.abc import Iterable


def _span(text: str) -> frozenset[int]:
    """Opcodes, written as `80 84-8f`."""
    ends = (part.split("-") for part in text.split())
    return frozenset(n for end in ends for n in range(int(end[0], 16), int(end[-1], 16) + 1))


_PREFIXES = _span("26 2e 36 3e 64-67 f0 f2 f3")
_INVALID = _span("06 07 0e 16 17 1e 1f 27 2f 37 3f 60 61 82 9a ce d4-d6 ea")
_MODRM = _span(
    "00-03 08-0b 10-13 18-1b 20-23 28-2b 30-33 38-3b 63 69 6b 80 81 83-8f c0 c1 c6 c7 d0-d3 d8-df"
    " f6 f7 fe ff"
)
_BYTE = _span("04 0c 14 1c 24 2c 34 3c 6a 6b 70-7f 80 83 a8 b0-b7 c0 c1 c6 cd e0-e7 eb")
_WORD = _span("c2 ca")
_FULL = _span("05 0d 15 1d 25 2d 35 3d 68 69 81 a9 c7")
_BRANCH = _span("e8 e9")
_INVALID_0F = _span("04 0a 0c 0f 24-27 36 39 3b-3f")
_BARE_0F = _span("05-09 0b 0e 30-37 77 a0-a2 a8-aa c8-cf")
_BRANCH_0F = _span("80-8f")
_BYTE_0F = _span("70-73 a4 ac ba c2 c4-c6")
_BYTE_VECTOR = _span("70-73 c2 c4-c6")


def length(code: bytes, at: int) -> int:
    """Bytes of the instruction at an offset; 0 for what is none."""
    try:
        return _end(code, at) - at
    except (IndexError, ValueError):
        return 0


def _end(code: bytes, at: int) -> int:
    short = False
    while code[at] in _PREFIXES:
        short = short or code[at] == 0x66
        at += 1
    wide = False
    if 0x40 <= code[at] <= 0x4F:
        wide = bool(code[at] & 8)
        at += 1
    opcode = code[at]
    if opcode == 0x0F:
        return _two_byte(code, at + 1)
    if opcode in (0xC4, 0xC5, 0x62):
        return _vector(code, at)
    if opcode in _INVALID:
        raise ValueError
    end = at + 1
    if opcode in _MODRM:
        end = _operand(code, end)
    if opcode in (0xF6, 0xF7) and code[at + 1] & 0x38 < 0x10:
        return end + (1 if opcode == 0xF6 else 2 if short else 4)
    return end + _immediate(opcode, short, wide)


def _immediate(opcode: int, short: bool, wide: bool) -> int:
    if 0xB8 <= opcode <= 0xBF:
        return 8 if wide else 2 if short else 4
    if 0xA0 <= opcode <= 0xA3:
        return 8
    if opcode == 0xC8:
        return 3
    sizes = ((_BYTE, 1), (_WORD, 2), (_FULL, 2 if short and not wide else 4), (_BRANCH, 4))
    return next((size for opcodes, size in sizes if opcode in opcodes), 0)


def _two_byte(code: bytes, at: int) -> int:
    opcode = code[at]
    if opcode == 0x38:
        return _operand(code, at + 2)
    if opcode == 0x3A:
        return _operand(code, at + 2) + 1
    if opcode in _INVALID_0F:
        raise ValueError
    if opcode in _BARE_0F:
        return at + 1
    if opcode in _BRANCH_0F:
        return at + 5
    return _operand(code, at + 1) + (opcode in _BYTE_0F)


def _vector(code: bytes, at: int) -> int:
    """VEX and EVEX, whose opcodes are those of the maps 0f, 0f38 and 0f3a."""
    payload = {0xC5: 1, 0xC4: 2, 0x62: 3}[code[at]]
    space = 1 if payload == 1 else code[at + 1] & (0x1F if payload == 2 else 7)
    at += payload + 1
    opcode = code[at]
    if space == 1 and opcode == 0x77 and payload < 3:
        return at + 1
    return _operand(code, at + 1) + (space == 3 or (space == 1 and opcode in _BYTE_VECTOR))


def _operand(code: bytes, at: int) -> int:
    """The end of a ModRM byte and of what belongs to it."""
    mode, base = code[at] >> 6, code[at] & 7
    at += 1
    if mode == 3:
        return at
    if base == 4:
        base = code[at] & 7
        at += 1
    if mode == 0:
        return at + (4 if base == 5 else 0)
    return at + (1 if mode == 1 else 4)


def walk(code: bytes, start: int, stop: int) -> list[int]:
    """Where instructions begin, from an offset up to `stop`, or up to what is none."""
    found = []
    while start <= stop:
        found.append(start)
        size = length(code, start)
        if size == 0:
            break
        start += size
    return found


def leading_to(code: bytes, at: int, starts: Iterable[int]) -> list[int] | None:
    """The instructions before `at`, if one begins there; None if not.

    Instructions have no mark at their beginning, but walks from any bytes run into the true ones
    within a few. So the majority of the walks is right.
    """
    walks = [walk(code, start, at) for start in starts]
    hits = [found for found in walks if found[-1] == at]
    misses = sum(1 for found in walks if found[-1] != at and length(code, found[-1]))
    return hits[0][:-1] if len(hits) > misses else None
