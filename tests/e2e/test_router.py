"""What a host says about its service router, in its log and in `scaffold status`."""

import contextlib
import errno
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from e2e.control import PREPARE, call, pack, receive, send
from scaffold.control import Control
from scaffold.lab import Host, Lab

pytestmark = [pytest.mark.hosts, pytest.mark.spread]

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


NOBODYS = "sc1-" + 52 * "a"
"""A token of a router that is not there."""


def test_a_name_that_is_taken() -> None:
    with Lab(["r", "a", "b"], router="r", kind="loopback") as lab:
        lab.start()
        lab["b"].close()
        lab["b"].scaffoldd(name="a")
        await_status(lab["b"], lambda status: bool(status["not_joined"]))
        assert "the name a belongs to a host with another key" in lab["b"].log()
        assert "give this one another --name" in shown(lab["b"])


def test_a_copy_of_a_host() -> None:
    """It has the other's key, and takes its place: who was thrown out does not come back."""
    with Lab(["r", "a", "b"], router="r", kind="loopback") as lab:
        lab.start()
        lab["b"].close()
        for place in ("keys", "state.db"):
            (one,) = (lab["a"].runtime_dir.parent / "state").glob(f"*/{place}")
            (other,) = (lab["b"].runtime_dir.parent / "state").glob(f"*/{place}")
            copy = shutil.copytree if one.is_dir() else shutil.copy2
            shutil.rmtree(other) if other.is_dir() else other.unlink()
            copy(one, other)
        lab["b"].scaffoldd(name="a")
        await_status(lab["b"], lambda status: bool(status["router_answers"]))
        await_status(lab["a"], lambda status: bool(status["name_taken"]))
        assert "knows another host named a" in lab["a"].log()


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
        token = lab["r"].invitation()
        router.send_signal(signal.SIGSTOP)
        lab["a"].scaffoldd(join=token)
        client = lab["a"].popen(
            [sys.executable, "-uc", CONNECT], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert client.stdout and client.stdout.readline() == b"connecting\n"
        assert not lab["a"].status()["router_answers"]
        router.send_signal(signal.SIGCONT)
        output, errors = client.communicate(timeout=30)
        assert output == b"hello\n", errors


CALLS = [(True, False), (False, False), (False, True)]
"""PREPARE by id, by address, and of a datagram socket."""


@contextlib.contextmanager
def prepares(host: Host) -> Iterator[list[socket.socket]]:
    """Such calls under way: the connections that their replies come over."""
    address = pack(("198.18.0.1", 80))  # the router itself
    with contextlib.ExitStack() as stack:
        controls = [stack.enter_context(call(host)) for _ in CALLS]
        for control, (by_service, datagram) in zip(controls, CALLS, strict=True):
            body = struct.pack("=BBHBx16sH", by_service, ord("4"), 0, datagram, *address)
            send(control, PREPARE, body + bytes(32))
        yield controls


def own_address(host: Host) -> str:
    code = f"import socket; print(socket.gethostbyname('{host.name}.host.scaffold'))"
    return host.run([sys.executable, "-c", code]).stdout.strip()


def test_calls_before_the_host_has_joined_wait() -> None:
    """Each gets the address of its host, which the router hands out with its first answer."""
    with Lab(["r", "a"], router="r", kind="loopback") as lab:
        router = lab["r"].scaffoldd()
        token = lab["r"].invitation()
        for _ in range(10):
            router.send_signal(signal.SIGSTOP)
            started = time.monotonic()
            lab["a"].scaffoldd(join=token)
            with prepares(lab["a"]) as waiting:
                assert not lab["a"].status()["router_answers"]
                early = select.select(waiting, [], [], 0)[0]
                router.send_signal(signal.SIGCONT)
                in_time = time.monotonic() - started < 2  # or the machine is too slow to tell
                replies = [receive(control) for control in waiting]
            if in_time:
                break
            lab["a"].kill_scaffoldd()
        assert in_time and not early
        await_status(lab["a"], lambda status: bool(status["router_answers"]))
        for reply in replies:
            assert (reply.error, reply.address[0]) == (0, own_address(lab["a"]))


def test_calls_without_a_router_fail_after_a_lease() -> None:
    with Lab(["r", "a"], router="r", kind="loopback") as lab:
        lab["a"].scaffoldd(join=NOBODYS)
        for _ in range(2):
            with prepares(lab["a"]) as waiting:
                assert [receive(control).error for control in waiting] == [errno.ENETUNREACH] * 3


def test_a_host_that_has_lost_its_key() -> None:
    """It is let go and joins once more; what its programs open meanwhile waits with it."""
    with Lab(["r", "a"], router="r", kind="loopback") as lab:
        lab.start()
        server = lab["r"].popen(
            [sys.executable, "-c", SERVE], service="late.demo.scaffold", stdout=subprocess.PIPE
        )
        assert server.stdout and server.stdout.readline()
        lab["a"].kill_scaffoldd()
        shutil.rmtree(lab["a"].runtime_dir.parent / "state")
        lab["a"].scaffoldd(port=0)
        await_status(lab["a"], lambda status: "scaffold host remove a" in status["not_joined"])
        with Control(lab["r"].runtime_dir) as control:
            control.forget_host("a")
        client = lab["a"].popen([sys.executable, "-c", CONNECT], stdout=subprocess.PIPE)
        output, _ = client.communicate(timeout=30)
        assert output.endswith(b"hello\n")
