"""What libc promises about socket calls beyond their results holds under the shim: signals, forks,
threads, cancellation, and no allocation on the data path."""

import subprocess
from pathlib import Path

import pytest

from scaffold.lab import Host

SOURCE = Path(__file__).with_name("safety.c")
PROMISES = ["allocation", "cancellation", "signals", "threads", "fork"]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("safety") / "safety"
    flags = ["-O1", "-Wall", "-Wextra", "-Werror", "-Wno-nonnull", "-pthread"]
    subprocess.run(["gcc", *flags, "-o", program, SOURCE], check=True, timeout=60)
    return program


@pytest.mark.parametrize("promise", PROMISES)
@pytest.mark.parametrize("shim", [False, True], ids=["native", "shim"])
def test_promise(promise: str, shim: bool, host: Host, program: Path) -> None:
    done = host.run([program, promise], shim=shim, all_local=shim, timeout=120)
    assert done.stdout == "ok\n", done
