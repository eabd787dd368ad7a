"""Every question of checks.py, asked natively and under the shim: the answers are equal."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from scaffold.lab import Host

CHECKS = Path(__file__).with_name("checks.py")


def names() -> list[str]:
    """The questions: functions without parameters that say what they answer."""
    return [
        node.name
        for node in ast.parse(CHECKS.read_text()).body
        if isinstance(node, ast.FunctionDef)
        and not node.args.args
        and node.name not in ("pair", "settle", "closed_address")
    ]


@pytest.mark.parametrize("name", names())
def test_same_as_tcp(shared_host: Host, name: str) -> None:
    command = [sys.executable, str(CHECKS), name]
    native = subprocess.run(command, capture_output=True, text=True, timeout=40, check=True)
    ours = shared_host.run(command, all_local=True, timeout=40)
    assert ours.returncode == 0, ours.stderr
    assert ours.stdout == native.stdout
    assert ours.stderr == ""


def test_the_flows_were_ours(shared_host: Host) -> None:
    """Not the kernel's TCP: scaffoldd saw the program."""
    code = (
        "import socket, sys\n"
        "s = socket.create_server(('127.0.0.1', 0))\n"
        "c = socket.create_connection(s.getsockname()); a, _ = s.accept()\n"
        "print('ready', flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code]
    process = shared_host.popen(
        command, all_local=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    flows = shared_host.status()["flows"]
    assert [flow["pid"] for flow in flows].count(process.pid) == 2
    shared_host.end(process)
