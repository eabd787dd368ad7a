"""What a host says about its service router, in its log and in `scaffold status`."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from scaffold.lab import Host, Lab

pytestmark = pytest.mark.hosts

CONNECT = """
import socket
print("connecting")
print(socket.create_connection(("late.demo.scaffold", 80), 20).recv(5).decode())
"""
SERVE = """
import socket
listener = socket.create_server(("0.0.0.0", 80))
print("ready", flush=True)
while True:
    listener.accept()[0].send(b"hello")
"""


def await_status(host: Host, expected: Callable[[dict[str, object]], bool]) -> None:
    deadline = time.monotonic() + 20
    while not expected(host.status()):
        assert time.monotonic() < deadline, host.status()
        time.sleep(0.05)


def shown(host: Host) -> str:
    command = [sys.executable, "-c", "from scaffold.cli import main; main()", "status"]
    return host.run(command, shim=False, env={"COLUMNS": "200"}).stdout


def test_a_name_that_is_taken() -> None:
    with Lab(["r", "a", "b"], router="r", kind="loopback") as lab:
        lab.start()
        lab["b"].close()
        lab["b"].scaffoldd(name="a")
        await_status(lab["b"], lambda status: bool(status["name_taken"]))
        assert "knows another host named a" in lab["b"].log()
        assert "give this one another --name" in shown(lab["b"])


def test_a_router_that_is_gone(loopback_lab: Lab) -> None:
    loopback_lab["b"].kill_scaffoldd()
    await_status(loopback_lab["a"], lambda status: not status["router_answers"])
    assert "does not answer any more" in loopback_lab["a"].log()
    assert "does not answer" in shown(loopback_lab["a"])


def test_a_connect_before_the_host_has_joined() -> None:
    with Lab(["r", "a"], router="r", kind="loopback") as lab:
        router = lab["r"].scaffoldd()
        server = lab["r"].popen(
            [sys.executable, "-c", SERVE], service="late.demo.scaffold", stdout=subprocess.PIPE
        )
        assert server.stdout and server.stdout.readline()
        router.send_signal(signal.SIGSTOP)
        lab["a"].scaffoldd()
        client = lab["a"].popen(
            [sys.executable, "-uc", CONNECT], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert client.stdout and client.stdout.readline() == b"connecting\n"
        assert not lab["a"].status()["router_answers"]
        router.send_signal(signal.SIGCONT)
        output, errors = client.communicate(timeout=30)
        assert output == b"hello\n", errors
