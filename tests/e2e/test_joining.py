"""Who belongs to a router's network: tokens, keys, names; and what others are told."""

import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from e2e.common import within
from scaffold.control import Control
from scaffold.errors import ServiceError
from scaffold.lab import Host, Lab

pytestmark = pytest.mark.hosts


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab(["a", "b", "c"], kind="loopback") as made:
        made["a"].scaffoldd()
        yield made


def scaffold(host: Host, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scaffold", *words, "--runtime-dir", str(host.runtime_dir)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def token(host: Host, *words: str) -> str:
    done = scaffold(host, "join-token", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def await_(condition: Callable[[], bool]) -> None:
    within(20, condition)


def has_joined(host: Host) -> bool:
    return bool(host.status()["router_answers"])


def keys_of(host: Host) -> Path:
    (folder,) = (host.runtime_dir.parent / "state").glob("*/keys")
    return folder


def kept(host: Host) -> list[tuple[int, int]]:
    """Of each invitation in a copy of the state, since its owner keeps others out: the length of
    what is kept of its secret, and how many it still lets in."""
    (folder,) = (host.runtime_dir.parent / "state").glob("*")
    with tempfile.TemporaryDirectory() as copy:
        for file in folder.glob("state.db*"):
            shutil.copy(file, copy)
        with closing(sqlite3.connect(Path(copy) / "state.db")) as db:
            return list(db.execute("SELECT length(hash), uses FROM invitations"))


def restart(host: Host, **options: object) -> None:
    assert host.daemon is not None
    host.daemon.kill()
    host.daemon.wait()
    host.scaffoldd(**options)


def test_a_host_needs_a_token_once(lab: Lab) -> None:
    with pytest.raises(ServiceError, match=r"scaffold join-token.*--join"):
        lab["b"].scaffoldd(join=None)
    lab["b"].scaffoldd(join=token(lab["a"]))
    await_(lambda: has_joined(lab["b"]))
    restart(lab["b"], join=None)
    await_(lambda: has_joined(lab["b"]))


def test_a_token_is_used_up(lab: Lab) -> None:
    once = token(lab["a"])
    lab["b"].scaffoldd(join=once)
    await_(lambda: has_joined(lab["b"]))
    lab["c"].scaffoldd(join=once)
    await_(lambda: "scaffold join-token" in lab["c"].log())
    assert not has_joined(lab["c"])
    assert "join-token" in lab["c"].status()["not_joined"]
    assert "join-token" in scaffold(lab["c"], "status").stdout
    restart(lab["c"], join=token(lab["a"], "--uses", "2", "--expires", "5m"))
    await_(lambda: has_joined(lab["c"]))


def test_a_token_outlives_the_router(lab: Lab) -> None:
    once = token(lab["a"])
    within(20, lambda: kept(lab["a"]) == [(32, 1)])
    restart(lab["a"])
    lab["b"].scaffoldd(join=once)
    await_(lambda: has_joined(lab["b"]))
    restart(lab["a"])
    lab["c"].scaffoldd(join=once)
    await_(lambda: "scaffold join-token" in lab["c"].log())
    assert not has_joined(lab["c"])


def words_of(host: Host) -> bytes:
    with Control(host.runtime_dir) as control:
        return Path(f"/proc/{control.pid}/cmdline").read_bytes()


@pytest.mark.parametrize("way", ["@FILE", "-", "TOKEN"])
def test_a_token_is_not_in_the_list_of_processes(lab: Lab, tmp_path: Path, way: str) -> None:
    once = token(lab["a"])
    file = tmp_path / "token"
    file.write_text(f"{once}\n")
    router = f"127.0.0.1:{lab['a'].port}"
    given = {"@FILE": f"@{file}", "-": "-", "TOKEN": once}[way]
    done = subprocess.run(
        [
            *[sys.executable, "-m", "scaffold", "up", "--name", "b", "--router", router],
            *["--port", "0", "--runtime-dir", str(lab["b"].runtime_dir)],
            *["--state-dir", str(tmp_path / "state"), "--join", given],
        ],
        input=f"{once}\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    try:
        await_(lambda: has_joined(lab["b"]))
        assert b"--join" in words_of(lab["b"]) and b"sc1-" not in words_of(lab["b"])
    finally:
        scaffold(lab["b"], "down")


def test_what_a_token_is(lab: Lab) -> None:
    said = json.loads(scaffold(lab["a"], "join-token", "--json", "--expires", "2h").stdout)
    assert said["token"].startswith("sc1-") and len(said["token"]) == 56
    assert (said["uses"], said["expires_s"]) == (1, 7200)
    for wrong in ("sc1-", said["token"][:-1], said["token"] + "a", "sc2" + said["token"][3:]):
        with pytest.raises(ServiceError, match="a token is sc1-"):
            lab["b"].scaffoldd(join=wrong)
    assert (
        "give a number and m, h or d" in scaffold(lab["a"], "join-token", "--expires", "1y").stderr
    )


def test_another_router_is_not_obeyed(lab: Lab) -> None:
    lab["b"].scaffoldd(join=token(lab["a"]))
    await_(lambda: has_joined(lab["b"]))
    assert lab["a"].daemon is not None
    lab["a"].daemon.kill()
    lab["a"].daemon.wait()
    shutil.rmtree(lab["a"].runtime_dir.parent / "state")
    lab["a"].scaffoldd()
    await_(lambda: not has_joined(lab["b"]))
    assert lab["b"].status()["counters"]["dropped_unopened"] > 0
    restart(lab["b"], join=token(lab["a"]))
    await_(lambda: has_joined(lab["b"]))


def test_hosts_are_listed_and_let_go(lab: Lab) -> None:
    lab["b"].scaffoldd(join=token(lab["a"]))
    await_(lambda: has_joined(lab["b"]))
    listed = json.loads(scaffold(lab["a"], "host", "list", "--json").stdout)
    assert {each["name"] for each in listed} == {"a", "b"}
    assert len({each["key"] for each in listed}) == 2
    assert scaffold(lab["a"], "host", "remove", "b").returncode == 0
    await_(lambda: "scaffold join-token" in lab["b"].log())
    assert not has_joined(lab["b"])
    gone = scaffold(lab["a"], "host", "remove", "b")
    assert gone.returncode == 1 and "no host has joined as b" in gone.stderr
    lab["c"].scaffoldd(name="b", join=token(lab["a"]))
    await_(lambda: has_joined(lab["c"]))
    restart(lab["b"], join=token(lab["a"]))
    await_(lambda: "scaffold host remove b" in lab["b"].log())


def test_only_the_router_invites(lab: Lab) -> None:
    lab["b"].scaffoldd(join=token(lab["a"]))
    done = scaffold(lab["b"], "join-token")
    assert done.returncode == 1 and "not the router" in done.stderr


@pytest.mark.parametrize("which", ["keys", "host.key"])
def test_keys_that_others_can_read_are_refused(lab: Lab, which: str) -> None:
    keys = keys_of(lab["a"])
    path = keys if which == "keys" else keys / which
    assert keys.stat().st_mode & 0o777 == 0o700
    assert (keys / "host.key").stat().st_mode & 0o777 == 0o600
    before = path.stat().st_mode & 0o777
    path.chmod(before | 0o044)
    with pytest.raises(ServiceError, match=f"chmod {before:o}"):
        restart(lab["a"])
    path.chmod(before)
    lab["a"].scaffoldd()


def test_a_damaged_key_is_not_replaced(lab: Lab) -> None:
    path = keys_of(lab["a"]) / "host.key"
    whole = path.read_bytes()
    for wrong in (b"", whole[:-1], whole[:-2] + b"1\n", whole + b"\n"):
        path.write_bytes(wrong)
        with pytest.raises(ServiceError, match="damaged"):
            restart(lab["a"])
        assert path.read_bytes() == wrong
    path.unlink()
    path.symlink_to("/dev/null")
    with pytest.raises(ServiceError, match="a file of yours"):
        lab["a"].scaffoldd()
