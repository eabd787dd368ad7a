"""What `scaffold run` finds out about a program before it starts it."""

import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from scaffold import launch


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., str]:
    """A file that can be run."""

    def made(name: str, content: bytes | str) -> str:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(0o755)
        return str(path)

    return made


# 64 bits, little-endian, of no machine: what the preload library is never built for
FOREIGN = b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<2HI3QI6H", 2, 0xFFFE, 1, 0, 0, 0, 0, 64,
                                                     56, 0, 64, 0, 0)  # fmt: skip


@pytest.fixture
def foreign(make: Callable[..., str]) -> str:
    return make("foreign", FOREIGN)


def test_what_is_in_the_way(foreign: str) -> None:
    found = launch.obstacle([foreign, "word"])
    assert found
    assert "is built for machine 65534" in found.why
    assert not found.trap
    assert launch.obstacle([str(shutil.which("sh")), foreign]) is None
    assert launch.obstacle(["no-such-program"]) is None
    assert launch.obstacle([]) is None


def test_scripts_are_their_interpreters(make: Callable[..., str], foreign: str) -> None:
    script = make("script", f"#! {foreign} -x\n")
    assert launch.obstacle([script])
    assert launch.obstacle([make("second", f"#!{script}\n")])
    assert launch.obstacle([make("shell", "#!/bin/sh\n")]) is None
    assert launch.obstacle([make("empty", "#!\n")]) is None
    itself = make("itself", "")
    Path(itself).write_text(f"#!{itself}\n")
    assert launch.obstacle([itself]) is None


@pytest.mark.parametrize(
    "words",
    [
        "{}",
        "-i {}",
        "A=b C= {} word",
        "-u HOME -C / {}",
        "-- {}",
        "- {}",
        "-S {} word",
    ],
)
def test_env_is_what_it_starts(make: Callable[..., str], foreign: str, words: str) -> None:
    env = str(shutil.which("env"))
    assert launch.obstacle([env, *words.format(foreign).split()])
    assert launch.obstacle([env, *words.format("sh").split()]) is None
    if "-S" in words:
        assert launch.obstacle([make("script", f"#!{env} {words.format(foreign)}\n")])


@pytest.mark.parametrize("words", ["", "-i", "A=b", "--help", "--unknown {}", "-u"])
def test_env_alone(foreign: str, words: str) -> None:
    assert launch.obstacle(["env", *words.format(foreign).split()]) is None


def test_rights_of_its_own(
    root_only: None, make: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the preload library nor the trap is for these."""
    program = make("program", Path(shutil.which("true") or "").read_bytes())
    assert launch.obstacle([program]) is None
    os.setxattr(program, "security.capability", struct.pack("<5I", 0x0200_0001, 1 << 10, 0, 0, 0))
    assert launch.obstacle([program]) is None  # root gains nothing by them
    with monkeypatch.context() as patch:
        patch.setattr(os, "getuid", lambda: 65534)
        found = launch.obstacle([program])
    assert found == launch.Obstacle(
        "has file capabilities, so that the preload library is left out", trap=False
    )
    os.chown(program, 1, 1)
    Path(program).chmod(0o4755)
    found = launch.obstacle([program])
    assert found
    assert "setuid" in found.why
    assert not found.trap
    assert launch.obstacle(["env", program]) == found
