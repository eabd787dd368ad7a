"""The CPU time of processes."""

import os
import resource
import subprocess
import sys

import pytest

from scaffold.bench.cpu import Meter, used_us

WORK = "import sys\nfor line in sys.stdin:\n    sum(range(3_000_000)); print(flush=True)\n"
AS_CHILD = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {WORK!r}])\n"
AS_THREAD = (
    "import sys, threading\n"
    "def work():\n"
    "    for line in sys.stdin: sum(range(3_000_000)); print(flush=True)\n"
    "threading.Thread(target=work).start()\n"
)


@pytest.mark.parametrize("program", [WORK, AS_CHILD, AS_THREAD], ids=["own", "child", "thread"])
def test_what_a_process_has_used(program: str) -> None:
    """Its own, its threads' and its children's; and as much as the kernel says in the end."""
    command, pipe = [sys.executable, "-c", program], subprocess.PIPE
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as process:
        assert process.stdin and process.stdout
        meter = Meter({"it": process.pid})
        process.stdin.write(b"\n")
        process.stdin.flush()
        process.stdout.readline()
        used = meter.read()["it"]
        total = used_us(process.pid)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    whole = sum(getattr(after, key) - getattr(before, key) for key in ("ru_utime", "ru_stime"))
    assert used >= 1_000
    assert used <= total <= whole * 1e6 + 20_000


def test_a_meter_counts_from_its_last_reading() -> None:
    meter = Meter({"us": os.getpid(), "nobody": 0})
    sum(range(1_000_000))
    first = meter.read()
    assert first["us"] > 0
    assert first["nobody"] == 0
    assert meter.read()["us"] < used_us(os.getpid())
