"""Pointers that lead nowhere are EFAULT under --trap, as natively: the program's memory is another
process's, and is never believed in."""

import subprocess
import sys
from pathlib import Path

from scaffold.lab import Host
from trap.common import trapped

PROGRAM = Path(__file__).with_name("pointers.py")


def test_calls_say_what_the_kernel_says(host: Host) -> None:
    command = [sys.executable, str(PROGRAM)]
    natively = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    environment = {"SCAFFOLD_ALL_LOCAL": "1"}
    ours = host.run(trapped(*command), shim=False, env=environment)
    assert natively.stdout.count("EFAULT") > 20
    assert ours.stdout.splitlines() == natively.stdout.splitlines(), ours.stderr
