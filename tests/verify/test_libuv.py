"""libuv's own test suite with every loopback socket on a service."""

import multiprocessing
import subprocess
import sys
from pathlib import Path

import pytest

from scaffold.lab import Host
from scaffold_port.fetch.debian import fetch
from verify.foreign import Outcome, compare, outcome

pytestmark = [pytest.mark.full, pytest.mark.timeout(7200)]

OLD_PROJECT = "-DCMAKE_POLICY_VERSION_MINIMUM=3.5"
"""libuv asks for a CMake that newer ones do not stand for any longer."""
PATIENCE_S = 90.0
"""libuv's own limit is 60 s for a test."""


def build(folder: Path) -> Path:
    source = fetch("libuv1", folder)
    made = folder / "build"
    jobs = f"-j{multiprocessing.cpu_count()}"
    cmake = Path(sys.executable).with_name("cmake")  # the environment's, that we are built with
    for command in (
        [cmake, "-S", source, "-B", made, "-DBUILD_TESTING=ON", OLD_PROJECT],
        [cmake, "--build", made, jobs, "--target", "uv_run_tests"],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            pytest.fail(f"{command[1]}: {done.stderr[-2000:]}", pytrace=False)
    return made


def test_libuv_suite(root_only: None, tmp_path: Path, figures: dict[str, float]) -> None:
    made = build(tmp_path)
    program = made / "uv_run_tests"
    environment = {"UV_RUN_AS_ROOT": "1"}
    listed = subprocess.run(
        [program, "--list"], env=environment, check=True, capture_output=True, text=True
    )
    names = [line.split()[0] for line in listed.stdout.splitlines()]
    assert len(names) > 350

    def run(host: Host, name: str, ours: bool) -> Outcome:
        return outcome(
            host,
            [str(program), name],
            PATIENCE_S,
            shim=ours,
            all_local=ours,
            env=environment,
            cwd=made,
        )

    figures |= compare("libuv", names, run, kind="namespaces")
