"""A server that has forbidden itself nearly everything still serves: accept asks for nothing that the
program does not, and what it may not ask is no end of a connection."""

import itertools
import platform
import subprocess
from pathlib import Path

import pytest

from scaffold.lab import Host

SOURCE = Path(__file__).with_name("sandboxed.c")

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="the filter is written for one machine's calls"
)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("sandboxed") / "sandboxed"
    flags = ["-O1", "-Wall", "-Wextra", "-Werror"]
    subprocess.run(["gcc", *flags, "-o", program, SOURCE], check=True, timeout=60)
    return program


CASES = [
    *itertools.product(
        ["refused", "killed"], ["accept", "accept4", "syscall"], ["none", "whole", "little"], ["own"]
    ),
    *itertools.product(["refused"], ["accept4"], ["none", "whole", "little"], ["inherited"]),
]


@pytest.mark.parametrize("case", CASES, ids="-".join)
@pytest.mark.parametrize("shim", [False, True], ids=["native", "shim"])
def test_a_server_in_a_sandbox(
    case: tuple[str, ...], shim: bool, shared_host: Host, program: Path
) -> None:
    done = shared_host.run([program, *case], shim=shim, all_local=shim, timeout=60)
    assert (done.stdout, done.returncode) == ("hello\n", 0), done
