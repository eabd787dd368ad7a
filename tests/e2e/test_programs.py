"""The scenarios of `ported-apps/`, in short form, on every kind of hosts."""

import subprocess
import sys
from pathlib import Path

import pytest

from e2e.common import iperf, memcached, wget
from scaffold import scenario
from scaffold.lab import Lab

pytestmark = pytest.mark.hosts


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


def test_memcached(lab: Lab) -> None:
    assert memcached.run(lab).figures["keys"] == 10_000


def test_iperf(lab: Lab) -> None:
    figures = iperf.run(lab, seconds=2).figures
    assert figures["out_mbit_s"] > 0
    assert figures["back_mbit_s"] > 0


def test_the_demonstration() -> None:
    demo = Path(__file__).with_name("demo.py")
    done = subprocess.run([sys.executable, demo], capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("\n") < 30
