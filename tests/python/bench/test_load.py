"""How busy the machine is."""

import errno
import subprocess
import sys

import pytest

from scaffold.bench import BusyMachine, await_quiet
from scaffold.bench.load import load, runnable


def test_the_kernels_line() -> None:
    assert runnable("0.20 0.18 0.12 3/128 2417\n") == 3


def test_whoever_runs_is_seen() -> None:
    """Two programs that spin: each is running or waits for a CPU, all the time."""
    spinner = "import sys\nprint(flush=True)\nwhile True: pass"
    command = [sys.executable, "-c", spinner]
    busy = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    try:
        for process in busy:
            assert process.stdout and process.stdout.readline()
        assert load() >= 1.5
        with pytest.raises(
            BusyMachine, match=r"the machine is busy: load .* at most 0.5"
        ) as caught:
            await_quiet(0.5, patience_s=0)
        assert caught.value.errno == errno.EBUSY
    finally:
        for process in busy:
            process.kill()
            process.communicate()


def test_nobody_waits_unless_told_to() -> None:
    assert await_quiet(None) >= 0
    assert await_quiet(1e9, patience_s=0) >= 0
