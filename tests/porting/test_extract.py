"""Archives that want out of their folder. Nothing here asks tarfile's own filters: not every Python
has them."""

import errno
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaffold_port.fetch.errors import NotAvailable
from scaffold_port.fetch.unpack import unpack

Member = tuple[tarfile.TarInfo, bytes]


def member(name: str, kind: bytes, link: str = "", content: bytes = b"") -> Member:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size, info.mode = kind, link, len(content), 0o755
    return info, content


def folder(name: str) -> Member:
    return member(name, tarfile.DIRTYPE)


def file(name: str, content: bytes = b"x") -> Member:
    return member(name, tarfile.REGTYPE, content=content)


def symlink(name: str, target: str) -> Member:
    return member(name, tarfile.SYMTYPE, target)


def hardlink(name: str, target: str) -> Member:
    return member(name, tarfile.LNKTYPE, target)


def archive(path: Path, *members: Member) -> Path:
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture
def into(tmp_path: Path) -> Path:
    """Where archives go. Beside it is what they must not touch."""
    (tmp_path / "victim").write_text("untouched")
    (tmp_path / "room").mkdir()
    (tmp_path / "room/inner").mkdir()
    return tmp_path / "room/inner"


def unpacked(into: Path, *members: Member) -> Path:
    return unpack(archive(into.parents[1] / "it.tar.gz", *members), into)


HOSTILE: dict[str, list[Member]] = {
    "absolute path": [file("/tmp/scaffold-hostile")],
    "up": [file("app/../../victim")],
    "up and down again": [file("app/../app/x")],
    "absolute link": [symlink("app/link", "/etc/passwd")],
    "link up": [symlink("app/link", "../../victim")],
    "link down and up": [folder("app/sub"), symlink("app/link", "sub/../../../victim")],
    "link up through a link": [
        folder("app/deep/er"),
        symlink("app/deep/er/here", "."),
        symlink("app/link", "deep/er/here/../../../../victim"),
    ],
    "link through a link to the top": [
        symlink("app/top", "."),
        symlink("app/link", "top/../../victim"),
    ],
    "write through a link": [symlink("app/link", ".."), file("app/link/x")],
    "write through a link to a file": [symlink("app/link", "x"), file("app/link/y"), file("app/x")],
    "hard link up": [hardlink("app/link", "../victim")],
    "hard link to an absolute path": [hardlink("app/link", "/etc/passwd")],
    "hard link to a symbolic one": [symlink("app/a", ".."), hardlink("app/link", "app/a")],
    "hard link to nothing": [hardlink("app/link", "app/nothing")],
    "fifo": [member("app/fifo", tarfile.FIFOTYPE)],
    "character device": [member("app/null", tarfile.CHRTYPE)],
    "block device": [member("app/disk", tarfile.BLKTYPE)],
    "unknown type": [member("app/what", b"Z")],
    "file for a folder": [file("app/x"), file("app/x/y")],
    "link for a folder": [file("app/x/y"), symlink("app/x", "y")],
    "top that is a link": [symlink("app", "../..")],
    "top that is a file": [file("app")],
    "NUL in a name": [file("app/\0x\u00e9")],
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE)
def test_hostile(into: Path, members: list[Member]) -> None:
    with pytest.raises(NotAvailable, match=r"^it\.tar\.gz: "):
        unpacked(into, *members)
    assert list(into.iterdir()) == []  # not even what stood before the bad member
    assert (into.parents[1] / "victim").read_text() == "untouched"
    beside = {path.name for path in into.parents[1].iterdir()}
    assert beside == {"it.tar.gz", "room", "victim"}


def test_what_a_source_package_holds(into: Path) -> None:
    made = unpacked(
        into,
        folder("app-1"),
        file("./app-1/configure", b"#!/bin/sh\n"),
        symlink("app-1/include", "src/include"),
        file("app-1/src/include/app.h", b"int it;\n"),
        symlink("app-1/src/include/again.h", "../include.h"),
        symlink("app-1/src/include.h", "include/app.h"),
        hardlink("app-1/twin", "app-1/configure"),
        hardlink("app-1/configure", "app-1/configure"),
        symlink("app-1/gone", "nowhere"),
    )
    assert made == into / "app-1"
    assert (made / "include/app.h").read_bytes() == b"int it;\n"
    assert (made / "src/include.h").read_bytes() == b"int it;\n"
    assert (made / "twin").samefile(made / "configure")
    assert str((made / "gone").readlink()) == "nowhere"


@pytest.mark.parametrize(
    ("stored", "kept"),
    [(0o4777, 0o755), (0o666, 0o644), (0o000, 0o600), (0o011, 0o600), (0o2711, 0o711)],
)
def test_modes_and_times(into: Path, stored: int, kept: int) -> None:
    info, content = file("app/x")
    info.mode, info.mtime, info.uid, info.uname = stored, 1_000_000_000, 12345, "somebody"
    made = unpacked(into, (info, content)) / "x"
    assert made.stat().st_mode & 0o7777 == kept
    assert made.stat().st_mtime == 1_000_000_000
    assert made.stat().st_uid == os.getuid()


def test_the_mode_of_a_folder_is_the_users_own(into: Path) -> None:
    info, _ = folder("app")
    info.mode = 0o7777
    made = unpacked(into, (info, b""))
    assert made.stat().st_mode & 0o7022 == 0


def test_a_later_member_of_a_name_counts(into: Path) -> None:
    made = unpacked(into, file("app/x", b"one"), hardlink("app/y", "app/x"), file("app/x", b"two"))
    assert (made / "x").read_bytes() == b"two"
    assert (made / "y").read_bytes() == b"one"


def test_what_lies_there_already_is_replaced(into: Path) -> None:
    """A link of an earlier archive, or of somebody's own, leads nowhere."""
    (into / "app").mkdir()
    (into / "app/sub").symlink_to(into.parents[1])
    made = unpacked(into, file("app/sub/victim", b"new"))
    assert (made / "sub/victim").read_bytes() == b"new"
    assert (into.parents[1] / "victim").read_text() == "untouched"


@pytest.mark.parametrize("suffix", ["gz", "bz2", "xz"])
@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_damage(into: Path, suffix: str, damage: str) -> None:
    path = into.parents[1] / f"it.tar.{suffix}"
    with tarfile.open(path, f"w:{suffix}") as tar:
        info, content = file("app/x", os.urandom(100_000))
        tar.addfile(info, io.BytesIO(content))
    raw = bytearray(path.read_bytes())
    if damage == "changed":
        raw[50_000:50_100] = bytes(100)
    path.write_bytes(raw[:60_000] if damage == "cut" else raw)
    with pytest.raises(NotAvailable, match=r"^it\.tar"):
        unpack(path, into)
    assert list(into.iterdir()) == []


NAMES = st.lists(st.sampled_from(["app", "a", "b", ".", "..", ""]), min_size=1, max_size=4)
PATHS = NAMES.map("/".join)
MAKERS: list[Callable[[str, str], Member]] = [
    lambda name, _: file(name),
    lambda name, _: folder(name),
    symlink,
    hardlink,
]


def goes_in_circles(link: Path) -> bool:
    """Then it leads nowhere, and what realpath makes of it is no path."""
    try:
        link.stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(MAKERS), PATHS, PATHS), max_size=6))
def test_nothing_gets_out(
    tmp_path_factory: pytest.TempPathFactory,
    members: list[tuple[Callable[[str, str], Member], str, str]],
) -> None:
    root = tmp_path_factory.mktemp("out")
    into = root / "room/inner"
    into.mkdir(parents=True)
    path = archive(root / "it.tar.gz", *[make(f"app/{one}", two) for make, one, two in members])
    try:
        unpack(path, into)
    except NotAvailable:
        assert list(into.iterdir()) == []
    assert sorted(one.name for one in root.iterdir()) == ["it.tar.gz", "room"]
    assert list((root / "room").iterdir()) == [into]
    for found in into.rglob("*"):
        assert goes_in_circles(found) or Path(os.path.realpath(found)).is_relative_to(into)
