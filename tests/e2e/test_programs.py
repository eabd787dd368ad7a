"""The scenarios of `ported-apps/`, in short form, on every kind of hosts."""

import pwd
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.common import APPS, OTHERS, iperf, memcached, wget
from scaffold import scenario
from scaffold.lab import Lab

pytestmark = [pytest.mark.hosts, pytest.mark.spread]


def test_wget(lab: Lab) -> None:
    assert wget.run(lab).figures["mbit_s"] > 0


def test_wget_from_nginx(lab: Lab) -> None:
    """Two workers and sendfile on the serving side."""
    folder = lab.folder / "b" / "www"
    digest = scenario.make_file(folder / "blob", 16 << 20)
    server = wget.serve_nginx(lab["b"], folder)
    lab.await_service(f"{wget.SERVICE}:80", process=server)
    target = lab.folder / "a" / "blob"
    wget.fetch(lab["a"], "blob", target)
    assert scenario.sha256(target) == digest


def test_memcached(kind: str) -> None:
    """As root it drops to another user before it binds, whom scaffoldd has to know."""
    nobody = pwd.getpwnam("nobody").pw_uid
    with Lab(["a", "b"], router="b", kind=kind, allow_uids=[nobody]) as lab:
        lab.start()
        assert memcached.run(lab).figures["keys"] == 10_000


@pytest.mark.parametrize("app", OTHERS)
def test_program(kind: str, app: str) -> None:
    nobody = pwd.getpwnam("nobody").pw_uid
    with Lab(["a", "b"], router="b", kind=kind, allow_uids=[nobody]) as lab:
        lab.start()
        assert scenario.load(APPS, app).run(lab).figures


def test_iperf(lab: Lab) -> None:
    figures = iperf.run(lab, seconds=2).figures
    assert figures["out_mbit_s"] > 0
    assert figures["back_mbit_s"] > 0
    assert figures["udp_out_mbit_s"] > 0


def test_the_demonstration() -> None:
    demo = Path(__file__).with_name("demo.py")
    done = subprocess.run([sys.executable, demo], capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("\n") < 30


def test_an_interrupted_demonstration_leaves_nothing() -> None:
    """Ctrl-C in the middle: everything that it started ends."""
    demo = Path(__file__).with_name("demo.py")
    process = subprocess.Popen([sys.executable, demo], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for text in process.stdout:
        if text.startswith("1."):
            break
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "everything started has ended" in output
    namespaces = Path("/run/netns")
    if namespaces.is_dir():
        assert not list(namespaces.glob(f"sc{process.pid}x*"))
