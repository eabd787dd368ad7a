"""Another uid cannot pose as scaffoldd, and serves only if it may. Who connects to a server:
test_who_connects.py."""

import errno
import grp
import os
import pwd
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.common import SERVICE
from e2e.control import BIND, call, receive, send
from scaffold.control import Control, _abstract_name
from scaffold.lab import Lab

pytestmark = [pytest.mark.hosts, pytest.mark.spread, pytest.mark.usefixtures("root_only")]
NOBODY = 65534


def as_nobody(act: Callable[[], str], gid: int = NOBODY, groups: tuple[int, ...] = ()) -> str:
    """What `act` returns, or its exception, in a child process of another uid."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups(groups)
        os.setresgid(gid, gid, gid)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        try:
            text = act()
        except BaseException as error:
            text = repr(error)
        os.write(writer, text.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return text


def test_squatting_on_the_control_name() -> None:
    """Whoever answers under scaffoldd's name must be scaffoldd's user."""
    with Lab(["a"], kind="loopback") as lab:
        name = _abstract_name(0, lab["a"].runtime_dir)
        ready, go = os.pipe()

        squatter = os.fork()
        if squatter == 0:
            os.setresuid(NOBODY, NOBODY, NOBODY)
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            listener.bind(name)
            listener.listen()
            os.write(go, b"1")
            time.sleep(30)
            os._exit(0)
        try:
            os.read(ready, 1)
            start = time.monotonic()
            code = "import socket; socket.create_connection(('198.18.0.9', 80))"
            done = lab["a"].run([sys.executable, "-c", code], timeout=20)
            assert "Network is down" in done.stderr
            assert time.monotonic() - start < 10
        finally:
            os.kill(squatter, 9)
            os.waitpid(squatter, 0)
            os.close(ready)
            os.close(go)


def test_stopping_and_binding(loopback_lab: Lab) -> None:
    """The default: scaffoldd serves its own user and root."""
    folder = loopback_lab["b"].runtime_dir
    for path in (loopback_lab.folder, folder.parent, folder):
        path.chmod(0o755)

    def stop() -> str:
        with Control(folder) as control:
            control.stop()
        return "stopped"

    assert "Error" in as_nobody(stop) or "NotAllowed" in as_nobody(stop)
    assert loopback_lab["b"].status()["schema"] == 1


def test_a_server_of_another_user_is_refused(loopback_lab: Lab) -> None:
    python = "/usr/bin/python3"
    if subprocess.run([python, "-c", ""], check=False).returncode != 0:
        pytest.skip(f"{python} is missing")
    for path in (loopback_lab.folder, loopback_lab["b"].runtime_dir.parent):
        path.chmod(0o755)
    loopback_lab["b"].runtime_dir.chmod(0o755)
    code = "import socket; s = socket.socket(); s.bind(('', 4000)); s.listen()"
    shim = Path(loopback_lab["b"].environment()["LD_PRELOAD"].split(":")[-1])
    probe = as_nobody(lambda: str(os.access(shim, os.R_OK)))
    if probe != "True":
        pytest.skip("the shim is not readable by other users here")
    done = loopback_lab["b"].run([python, "-c", code], service=SERVICE, user=NOBODY, timeout=10)
    assert "Permission denied" in done.stderr, done.stderr


# --- [allow] --------------------------------------------------------------------------------------

GROUP = 64999
"""Of nobody's, and without a name."""


def binds(lab: Lab, control: socket.socket | None = None) -> str:
    """The errno of a bind, or "0"."""
    body = struct.pack("=256s16sHBB", SERVICE.encode(), bytes(16), 0, 0, ord("4"))
    with control or call(lab["b"]) as asking:
        send(asking, BIND, body)
        return str(receive(asking).error)


def allowing(text: str) -> Lab:
    """A lab whose host b has this in its configuration, and can be reached by every user."""
    lab = Lab(["b"], kind="loopback").__enter__()
    config = lab.folder / "scaffoldd.toml"
    config.write_text(text)
    lab["b"].scaffoldd(config=config)
    for path in (lab.folder, lab["b"].runtime_dir.parent, lab["b"].runtime_dir):
        path.chmod(0o755)
    return lab


ALLOWED, REFUSED = "0", str(errno.EACCES)


@pytest.mark.parametrize(
    ("text", "gid", "groups", "outcome"),
    [
        ("", NOBODY, (GROUP,), REFUSED),
        (f"[allow]\nuids = [{NOBODY}]", NOBODY, (), ALLOWED),
        (f"[allow]\nusers = [{NOBODY}]", NOBODY, (), ALLOWED),
        (f'[allow]\nusers = ["{pwd.getpwuid(NOBODY).pw_name}"]', NOBODY, (), ALLOWED),
        ('[allow]\nusers = ["daemon"]', NOBODY, (), REFUSED),
        ('[allow]\nusers = ["*"]', NOBODY, (), ALLOWED),
        (f"[allow]\ngroups = [{NOBODY}]", NOBODY, (), ALLOWED),
        (f"[allow]\ngroups = [{GROUP}]", NOBODY, (), REFUSED),
        (f"[allow]\ngroups = [{GROUP}]", GROUP, (), ALLOWED),
        (f"[allow]\ngroups = [1, {GROUP}]", NOBODY, (7, GROUP, 9), ALLOWED),
        (f"[allow]\ngroups = [{GROUP}]", NOBODY, tuple(range(70000, 70500)), REFUSED),
        (f"[allow]\ngroups = [{GROUP}]", NOBODY, (*range(70000, 70500), GROUP), ALLOWED),
        (f'[allow]\ngroups = ["{grp.getgrgid(NOBODY).gr_name}"]', NOBODY, (), ALLOWED),
        # A uid is no gid, nor the other way round.
        (f"[allow]\nusers = [{GROUP}]", GROUP, (GROUP,), REFUSED),
    ],
)
def test_who_may_serve(text: str, gid: int, groups: tuple[int, ...], outcome: str) -> None:
    lab = allowing(text)
    try:
        assert as_nobody(lambda: binds(lab), gid, groups) == outcome
        assert binds(lab) == ALLOWED
    finally:
        lab.close()


def test_a_group_counts_as_it_was_when_the_call_was_made() -> None:
    """A process that gives its groups up has called before; the kernel keeps what it had then."""
    lab = allowing(f"[allow]\ngroups = [{GROUP}]")

    try:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.setgroups([GROUP])
            os.setegid(NOBODY)
            os.seteuid(NOBODY)
            control = call(lab["b"])
            os.seteuid(0)
            os.setgroups([])
            os.seteuid(NOBODY)
            os.write(writer, binds(lab, control).encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as answer:
            assert answer.read() == ALLOWED
        os.waitpid(child, 0)
    finally:
        lab.close()


def test_a_refusal_says_who_and_names_the_setting() -> None:
    lab = allowing("")
    try:
        assert as_nobody(lambda: binds(lab)) == REFUSED
        log = lab["b"].log()
        assert f"info: refused BIND {SERVICE}:0 of pid " in log
        assert f"uid {NOBODY}: EACCES: uid {NOBODY} may not serve here; add" in log
    finally:
        lab.close()
