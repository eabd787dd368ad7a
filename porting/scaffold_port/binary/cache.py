"""/etc/ld.so.cache: where ldconfig found each library."""

import struct
from pathlib import Path

PATH = Path("/etc/ld.so.cache")

_OLD = b"ld.so-1.7.0\0"
_NEW = b"glibc-ld.so.cache1.1"
_HEADER = 48
_ENTRY = struct.Struct("<iIIIQ")
_OLD_ENTRY = 12


def parse(data: bytes) -> dict[str, list[str]]:
    """Libraries by their name, in the cache's order. ValueError: it is not such a cache.

    Builds for some processors only come last, since what they import is the same.
    """
    data = _new_part(data)
    try:
        (count,) = struct.unpack_from("<I", data, len(_NEW))
        entries = [_ENTRY.unpack_from(data, _HEADER + i * _ENTRY.size) for i in range(count)]
        entries.sort(key=lambda entry: bool(entry[4]))
        found: dict[str, list[str]] = {}
        for _, name, path, _, _ in entries:
            found.setdefault(_text(data, name), []).append(_text(data, path))
    except struct.error as error:
        raise ValueError("a truncated cache") from error
    return found


def _new_part(data: bytes) -> bytes:
    """Old caches hold a new one after their own entries."""
    if data.startswith(_OLD):
        (count,) = struct.unpack_from("<I", data, len(_OLD))
        end = len(_OLD) + 4 + count * _OLD_ENTRY
        data = data[(end + 7) // 8 * 8 :]
    if not data.startswith(_NEW):
        raise ValueError("not a cache of glibc's")
    return data


def _text(data: bytes, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode(errors="surrogateescape")
