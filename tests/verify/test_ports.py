"""Tracked programs at the levels that they can be built at."""

import subprocess
import sys
from pathlib import Path

import pytest

from scaffold_port.ported import LEVELS
from scaffold_port.ports import names, read

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]

PORTS = Path(__file__).parents[2] / "ported-apps"
BUILT = [app for app in names(PORTS) if any(one.build for one in read(PORTS, app).sources)]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("app", BUILT)
def test_port(app: str, level: str, tmp_path: Path) -> None:
    command = [Path(sys.executable).parent / "scaffold-port", "verify", app, "--level", level]
    folders = ["--ports", PORTS, "--into", tmp_path]
    done = subprocess.run([*command, *folders], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{app}: verified at level {level}")


def test_the_how_to(tmp_path: Path) -> None:
    """docs/howto/port-a-program.md, whose program is in no table."""
    ports = PORTS.parent / "docs/howto/port"
    command = [Path(sys.executable).parent / "scaffold-port", "verify", "redir"]
    folders = ["--ports", ports, "--into", tmp_path, "--level", "relink", "--level", "native"]
    done = subprocess.run([*command, *folders], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("redir: verified at level") == 2
