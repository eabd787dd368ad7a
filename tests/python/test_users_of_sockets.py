"""`ssl`, asyncio, multiprocessing and gevent with sockets of ours, on a service and on plain IP."""

import sys
from pathlib import Path

import pytest

from python.users_of_sockets import BODIES, UNDER_GEVENT
from scaffold.lab import Lab

PROGRAM = Path(__file__).with_name("users_of_sockets.py")


def run(hosts: Lab, body: str, gevent: str) -> None:
    done = hosts["a"].run(
        [sys.executable, "-W", "error", PROGRAM, body, gevent], shim=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("body", [body.__name__ for body in BODIES])
def test_body(body: str, hosts: Lab) -> None:
    run(hosts, body, "never")


@pytest.mark.parametrize("body", [body.__name__ for body in UNDER_GEVENT])
@pytest.mark.parametrize("patched", ["early", "late"])
def test_under_gevent(body: str, patched: str, hosts: Lab) -> None:
    """`early`: what is ours is imported first."""
    run(hosts, body, patched)
