"""The package over a real scaffoldd, natively and with the shim preloaded as well."""

import sys
from pathlib import Path

import pytest

from python.on_services import BODIES
from scaffold.lab import Lab

PROGRAM = Path(__file__).with_name("on_services.py")


@pytest.mark.parametrize("shim", [False, True], ids=["native", "shim"])
@pytest.mark.parametrize("body", [body.__name__ for body in BODIES])
def test_body(body: str, shim: bool, hosts: Lab) -> None:
    """With the shim there are two copies of the client in one process."""
    done = hosts["a"].run([sys.executable, "-X", "dev", PROGRAM, body], shim=shim, timeout=40)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_no_scaffoldd() -> None:
    with Lab(["a"], kind="loopback") as lab:
        done = lab["a"].run([sys.executable, PROGRAM, "no_scaffoldd"], shim=False, timeout=20)
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("\n") == 1
