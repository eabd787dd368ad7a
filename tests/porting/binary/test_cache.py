"""ld.so.cache."""

import shutil
import struct
import subprocess

import pytest

from scaffold_port.binary import cache


def made(*entries: tuple[str, str, int]) -> bytes:
    """A cache as ldconfig writes it: name, path, hwcap."""
    start = 48 + 24 * len(entries)
    table, texts = b"", b""
    for name, path, hwcap in entries:
        at = start + len(texts)
        table += struct.pack("<iIIIQ", 0x303, at, at + len(name) + 1, 0, hwcap)
        texts += f"{name}\0{path}\0".encode()
    head = b"glibc-ld.so.cache1.1" + struct.pack("<II", len(entries), len(texts)) + bytes(20)
    return head + table + texts


def test_names_and_paths() -> None:
    data = made(("libb.so", "/v3/libb.so", 1 << 62), ("libb.so", "/libb.so", 0), ("a", "/a", 0))
    assert cache.parse(data) == {"libb.so": ["/libb.so", "/v3/libb.so"], "a": ["/a"]}


@pytest.mark.parametrize("old", [0, 1, 2, 3])
def test_behind_an_old_cache(old: int) -> None:
    front = b"ld.so-1.7.0\0" + struct.pack("<I", old) + bytes(12 * old)
    front += bytes(-len(front) % 8)
    assert cache.parse(front + made(("a", "/a", 0))) == {"a": ["/a"]}


def test_damage_is_one_kind_of_error() -> None:
    data = made(("libb.so", "/libb.so", 0))
    for size in range(len(data)):
        with pytest.raises(ValueError):
            cache.parse(data[:size])


def test_ldconfig_agrees() -> None:
    ldconfig = shutil.which("ldconfig", path="/sbin:/usr/sbin")
    if ldconfig is None or not cache.PATH.exists():
        pytest.skip("there is no ldconfig, or no cache")
    lines = subprocess.run([ldconfig, "-p"], text=True, capture_output=True, check=True).stdout
    expected = {line.split(" => ")[1] for line in lines.splitlines() if " => " in line}
    found = cache.parse(cache.PATH.read_bytes())
    assert {path for paths in found.values() for path in paths} == expected
