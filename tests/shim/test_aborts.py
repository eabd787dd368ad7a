"""An abort never looks like a clean end, whoever reads and however."""

import subprocess
import sys
from typing import Any

import pytest

from scaffold.lab import Host

ACCEPTED = """
import os, socket, subprocess, sys
s = socket.create_server(("127.0.0.1", 0))
c = socket.create_connection(s.getsockname())
a, _ = s.accept()
c.sendall(b"x"); a.recv(1); a.sendall(b"y"); c.recv(1)
"""
IDLE = ACCEPTED.replace('c.sendall(b"x"); a.recv(1); a.sendall(b"y"); c.recv(1)\n', "")
QUEUED = """
import os, socket, subprocess, sys, time
s = socket.create_server(("127.0.0.1", 0))
c = socket.create_connection(s.getsockname())
c.sendall(b"sent before")
time.sleep(0.2)
"""
WAIT = """
print("ready", flush=True)
sys.stdin.readline()
def tell(call, *args):
    try:
        return repr(call(*args))
    except OSError as error:
        import errno
        return errno.errorcode[error.errno]
"""

CASES = {
    "recv": (ACCEPTED, "print(tell(c.recv, 1), tell(a.recv, 1))", "ECONNRESET ECONNRESET"),
    "nothing was ever sent": (
        IDLE,
        "print(tell(c.recv, 1), tell(a.recv, 1))",
        "ECONNRESET ECONNRESET",
    ),
    "read": (
        ACCEPTED,
        "print(tell(os.read, c.fileno(), 1), tell(os.read, a.fileno(), 1))",
        "ECONNRESET ECONNRESET",
    ),
    "a child without the shim": (
        ACCEPTED,
        "env = {k: v for k, v in os.environ.items() if k != 'LD_PRELOAD'}\n"
        "print(subprocess.run(['cat'], stdin=c, env=env, stderr=-1).returncode,"
        " subprocess.run(['cat'], stdin=a, env=env, stderr=-1).returncode)",
        "1 1",
    ),
    "not accepted yet": (
        QUEUED,
        "a, peer = s.accept()\n"
        "print(tell(a.recv, 100), tell(a.recv, 1), peer == c.getsockname(),"
        " a.getsockname() == s.getsockname(), tell(c.recv, 1))",
        "b'sent before' ECONNRESET True True ECONNRESET",
    ),
    "the next call": (
        ACCEPTED,
        "print(tell(socket.create_connection, s.getsockname()))",
        "ENETDOWN",
    ),
}


def converse(host: Host, code: str, **options: Any) -> "subprocess.Popen[str]":
    process = host.popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line == "ready\n", process.communicate(timeout=10)
    return process


@pytest.mark.parametrize("case", CASES)
def test_kill_of_scaffoldd(host: Host, case: str) -> None:
    prologue, epilogue, expected = CASES[case]
    process = converse(host, prologue + WAIT + epilogue, all_local=True)
    host.kill_scaffoldd()
    output, errors = process.communicate("\n", timeout=20)
    assert output.split("\n")[-2] == expected, errors


def test_stop_of_scaffoldd(host: Host) -> None:
    """An orderly end of scaffoldd is no end of its flows either."""
    process = converse(host, ACCEPTED + WAIT + "print(tell(c.recv, 1))", all_local=True)
    assert host.daemon is not None
    host.daemon.terminate()
    host.daemon.wait(10)
    output, _ = process.communicate("\n", timeout=20)
    assert output == "ECONNRESET\n"


def test_connect_while_scaffoldd_dies(host: Host) -> None:
    """A blocking connect that waits for a silent instance ends with scaffoldd."""
    code = (
        "import socket, sys, errno\n"
        "s = socket.create_server(('127.0.0.1', 0), backlog=0)\n"
        "keep = [socket.create_connection(s.getsockname())]\n"
        "c = socket.socket(); c.setblocking(False)\n"
        "d = socket.socket(); d.setblocking(False)\n"
        "for one in (c, d): one.connect_ex(s.getsockname())\n"
        + WAIT
        + "for one in (c, d): one.setblocking(True)\n"
        "print(tell(d.connect, s.getsockname()) in ('ECONNRESET', 'ENETDOWN', 'ECONNREFUSED'))\n"
    )
    process = converse(host, code, all_local=True)
    host.kill_scaffoldd()
    output, errors = process.communicate("\n", timeout=20)
    assert output == "True\n", errors


def test_listener_survives_scaffoldd(host: Host) -> None:
    """A new scaffoldd finds the listeners that the old one left behind."""
    code = (
        "import socket, sys\n"
        "s = socket.create_server(('127.0.0.1', 0))\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "c = socket.create_connection(s.getsockname())\n"
        "print(s.accept()[1] == c.getsockname())\n"
    )
    process = converse(host, code, all_local=True)
    host.kill_scaffoldd()
    host.scaffoldd()
    output, errors = process.communicate("\n", timeout=20)
    assert output == "True\n", errors
