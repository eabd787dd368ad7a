"""The tests of Go's package net, a static program under --trap with every loopback socket on a
service. The short ones: the others ask name servers of the Internet."""

import os
import subprocess
from pathlib import Path

import pytest

from scaffold.lab import Host
from scaffold.scenario import MissingProgram
from trap.common import trapped
from verify.foreign import Outcome, compare, outcome

pytestmark = [pytest.mark.full, pytest.mark.timeout(7200)]

PATIENCE_S = 120.0


def build(folder: Path) -> tuple[Path, Path]:
    """The test program, and the folder that it is run in."""
    try:
        asked = subprocess.run(["go", "env", "GOROOT"], capture_output=True, text=True, check=True)
    except FileNotFoundError:
        raise MissingProgram("go is not installed (golang-go)") from None
    source = Path(asked.stdout.strip()) / "src/net"
    program = folder / "net.test"
    environment = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "", "GOCACHE": str(folder / "cache")}
    command = ["go", "test", "-c", "-o", program, "."]
    subprocess.run(command, cwd=source, env=environment, check=True, capture_output=True)
    return program, source


def test_go_net(tmp_path: Path, figures: dict[str, float]) -> None:
    program, source = build(tmp_path)
    command = [program, "-test.list", "^Test"]
    listed = subprocess.run(command, cwd=source, check=True, capture_output=True, text=True)
    names = [name for name in listed.stdout.split() if name.startswith("Test")]
    assert len(names) > 200

    def run(host: Host, name: str, ours: bool) -> Outcome:
        command = [str(program), "-test.short", "-test.run", f"^{name}$"]
        environment = {"SCAFFOLD_ALL_LOCAL": "1"} if ours else {}
        return outcome(
            host,
            trapped(*command) if ours else command,
            PATIENCE_S,
            shim=False,
            env=environment,
            cwd=source,
        )

    figures |= compare("Go net", names, run, kind="loopback")
