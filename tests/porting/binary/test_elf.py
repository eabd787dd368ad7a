"""One file at a time, also those that are none."""

import os
import random
import socket
from pathlib import Path

import pytest

from scaffold_port.binary.elf import Unreadable, read

from .conftest import Build

EMPTY = "int main(void) { return 0; }"


@pytest.mark.parametrize(
    ("flags", "kind", "static"),
    [
        (["-pie", "-fPIE"], "pie", False),
        (["-no-pie"], "exec", False),
        (["-shared", "-fPIC"], "shared", False),
        (["-shared", "-fPIC", "-nostdlib"], "shared", False),
        (["-static"], "exec", True),
        (["-static-pie", "-fPIE"], "pie", True),
    ],
)
def test_kinds(build: Build, flags: list[str], kind: str, static: bool) -> None:
    found = read(build("it", EMPTY, *flags))
    assert (found.kind, found.static) == (kind, static)
    assert (found.interpreter is not None) == ("libc.so.6" in found.needed and kind != "shared")


def test_what_it_loads(build: Build) -> None:
    flags = ("-Wl,-rpath,$ORIGIN/a:/b", "-Wl,-soname,libit.so.1", "-shared", "-fPIC")
    new = read(build("new", EMPTY, *flags, "-Wl,--enable-new-dtags"))
    old = read(build("old", EMPTY, *flags, "-Wl,--disable-new-dtags"))
    assert (new.runpath, new.rpath, new.soname) == (("$ORIGIN/a", "/b"), (), "libit.so.1")
    assert (old.runpath, old.rpath) == (None, ("$ORIGIN/a", "/b"))
    assert old.default_folders
    assert not read(build("none", EMPTY, *flags, "-Wl,-z,nodefaultlib")).default_folders


@pytest.mark.parametrize("how", ["whole", "stripped", "without sections"])
def test_imports(build: Build, how: str) -> None:
    source = "int socket(); int weak() __attribute__((weak)); int data; extern char **environ;"
    source += "int connect() { return 0; } int main(void) { return weak ? weak() : socket(); }"
    path = build("it", source, "-rdynamic", *(["-s"] if how == "stripped" else []))
    if how == "without sections":
        data = bytearray(path.read_bytes())
        data[40:48], data[58:64] = bytes(8), bytes(6)  # e_shoff; e_shentsize, e_shnum, e_shstrndx
        path.write_bytes(data)
    found = read(path)
    assert {"socket", "weak", "__libc_start_main"} <= found.imports
    assert "connect" not in found.imports
    assert found.sections


def test_rights(build: Build) -> None:
    path = build("it", EMPTY)
    assert read(path).rights == ()
    path.chmod(0o4755)
    assert read(path).rights == ("setuid",)
    path.chmod(0o6755)
    assert read(path).rights == ("setuid", "setgid")
    path.chmod(0o2745)  # no setgid: mandatory locking, once
    assert read(path).rights == ()


def test_file_capabilities(build: Build) -> None:
    path = build("it", EMPTY)
    net_raw = bytes.fromhex("0100000200200000000000000000000000000000")
    try:
        os.setxattr(path, "security.capability", net_raw)
    except OSError as error:
        pytest.skip(f"file capabilities: {error.strerror}")
    assert read(path).rights == ("file capabilities",)


def problem(path: Path) -> str:
    with pytest.raises(Unreadable) as caught:
        read(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    return line


def test_what_is_no_elf_file(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello\n")
    (tmp_path / "script").write_text("#!/bin/sh -e\nexit\n")
    (tmp_path / "empty").touch()
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    assert "is not an ELF file" in problem(tmp_path / "text")
    assert problem(tmp_path / "script").endswith("/bin/sh -e")
    assert "is empty" in problem(tmp_path / "empty")
    assert "symbolic links" in problem(tmp_path / "loop")
    assert "is a directory" in problem(tmp_path)
    assert "is a pipe" in problem(tmp_path / "pipe")
    assert "No such file" in problem(tmp_path / "missing")
    assert "is a device" in problem(Path("/dev/null"))


def test_a_socket_is_no_elf_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("it")
        assert "is a socket" in problem(tmp_path / "it")


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_what_may_not_be_read(build: Build) -> None:
    path = build("it", EMPTY)
    path.chmod(0)
    assert "Permission denied" in problem(path)


def test_an_object_file(build: Build) -> None:
    assert "neither a program nor a shared object" in problem(build("it.o", EMPTY, "-c"))


def test_every_truncation_is_told(build: Build, tmp_path: Path) -> None:
    data = build("whole", EMPTY).read_bytes()
    cut = tmp_path / "cut"
    for size in {4, 5, 16, 17, 20, 63, 64, *range(100, len(data), 701), len(data) - 1}:
        cut.write_bytes(data[:size])
        problem(cut)


def test_damage_is_told_or_survived(build: Build, tmp_path: Path) -> None:
    whole = build("whole", "int main(void) { return socket(2, 1, 0); }").read_bytes()
    random_bytes = random.Random(1)
    path = tmp_path / "damaged"
    unreadable = 0
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(8):
            area = random_bytes.choice([64, 900, 2000, len(data)])
            data[random_bytes.randrange(4, area)] = random_bytes.randrange(256)
        path.write_bytes(data)
        try:
            read(path).direct.count  # noqa: B018
        except Unreadable as error:
            unreadable += 1
            assert "\n" not in str(error)
    assert 0 < unreadable < 300
