"""Debian's programs, as they are installed."""

import os
import shutil
from pathlib import Path

import pytest

from scaffold_port.binary import elf
from scaffold_port.binary.audit import SHIM, TRAP, Binary, audit

PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
PROGRAMS = [
    "iperf",
    "tftp",
    "pdns_server",
    "wget",
    "elinks",
    "civetweb",
    "memcached",
    "memccp",
    "ab",
]


def installed(name: str) -> Path:
    path = shutil.which(name, path=PATH)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return Path(path)


def imports(binary: Binary, library: str) -> tuple[str, ...]:
    """Of the one object whose file name begins so."""
    (found,) = (one for one in binary.objects if one.path.name.startswith(library))
    return found.imports


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_shim_works(name: str) -> None:
    found = audit(installed(name))
    assert (found.verdict, found.missing) == (SHIM, ())
    assert "socket calls" in found.reason
    assert not any(one.path.name.startswith(("libc.so", "ld-linux")) for one in found.objects)


@pytest.mark.parametrize(
    ("name", "library", "call"),
    [
        ("ab", "libapr-1.so", "connect"),
        ("civetweb", "libcivetweb.so", "bind"),
        ("memccp", "libmemcached.so", "connect"),
        ("memcping", "libmemcached.so", "connect"),
    ],
)
def test_a_library_makes_the_calls(name: str, library: str, call: str) -> None:
    found = audit(installed(name))
    assert imports(found, name) == ()
    assert call in imports(found, library)


@pytest.mark.parametrize(
    ("name", "call"), [("wget", "connect"), ("tftp", "sendto"), ("memcached", "accept4")]
)
def test_a_program_makes_the_calls_itself(name: str, call: str) -> None:
    assert call in imports(audit(installed(name)), name)


def test_static_busybox() -> None:
    path = installed("busybox")
    if not elf.read(path).static:
        pytest.skip("this busybox is dynamic (busybox-static)")
    found = audit(path)
    assert (found.verdict, found.missing) == (TRAP, ())
    assert "static" in found.reason
    assert elf.read(path).direct.sockets > 5
