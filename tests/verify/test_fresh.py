"""What is green here is green on a bare machine."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from scaffold_port.ports import names
from scaffold_port.records import LEVELS

pytestmark = [pytest.mark.full, pytest.mark.timeout(7200)]
ROOT = Path(__file__).parents[2]
PORTS = ("ported-apps", "docs/howto/port")


def fresh(*command: str) -> "subprocess.CompletedProcess[str]":
    """A command, or `make demo` and `make test`, of HEAD in a bare system of its own."""
    if os.geteuid() != 0:
        pytest.fail("a bare system can be made by root only", pytrace=False)
    done = subprocess.run(
        [ROOT / ".ci/fresh", *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    print(done.stdout)
    assert str(ROOT / "build/fresh") not in Path("/proc/mounts").read_text()
    assert not (ROOT / "build/fresh/root").exists()
    return done


def test_fresh(figures: dict[str, float]) -> None:
    """`make demo` and `make test` of HEAD on a minimal Debian 12, with its own Python."""
    done = fresh()
    for target, code, seconds in re.findall(
        r"^fresh: make (\w+): exit code (\d+) after (\d+) s$", done.stdout, re.MULTILINE
    ):
        figures[f"{target}_s"] = int(seconds)
        assert code == "0", f"make {target} failed"
    assert done.returncode == 0
    assert {"demo_s", "test_s"} <= figures.keys()


@pytest.fixture(scope="module")
def wheel() -> None:
    """Of HEAD, where the next system finds it."""
    assert fresh(".ci/bare-port", "wheel").returncode == 0


@pytest.mark.parametrize(
    ("folder", "app"), [(folder, app) for folder in PORTS for app in names(ROOT / folder)]
)
def test_port(folder: str, app: str, wheel: None) -> None:
    """With the packages that scaffold-port and the port itself ask for, and no others."""
    done = fresh(".ci/bare-port", app, "--ports", folder)
    for level in LEVELS:
        assert f"{app}: verified at level {level}" in done.stdout
    assert done.returncode == 0
