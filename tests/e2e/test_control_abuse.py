"""Programs that do not keep to the control protocol harm nobody but themselves.

Their requests are those of control.py.
"""

import contextlib
import errno
import select
import struct
import subprocess
import sys
from collections.abc import Iterator

import pytest

from e2e.common import line, within
from e2e.control import (
    PREPARE,
    Address,
    ask_for_flow,
    call,
    client,
    connect,
    outcome,
    pack,
    receive,
    receive_socket,
    send,
    server,
)
from scaffold.lab import Host, Lab

pytestmark = [pytest.mark.hosts, pytest.mark.spread]
EPHEMERAL = 60999 - 32768 + 1
PORT = 4000
SERVER = ("127.0.0.1", PORT)
ECHO = f"""
import socket
s = socket.create_server(("127.0.0.1", {PORT}))
print("ready", flush=True)
while True:
    c, _ = s.accept()
    try:
        c.sendall(c.recv(100))
    except OSError:
        pass
    c.close()
"""
EVERYWHERE = """
import socket, time
s = socket.create_server(("", 0))
print(s.getsockname()[1], flush=True)
time.sleep(60)
"""


@pytest.fixture
def host() -> Iterator[Host]:
    """A host with an echo server on a loopback service."""
    with Lab(["a"], kind="loopback") as lab:
        lab.start()
        command = [sys.executable, "-c", ECHO]
        server = lab["a"].popen(command, all_local=True, stdout=subprocess.PIPE)
        line(server, b"ready\n")
        yield lab["a"]
        assert lab["a"].daemon is not None
        assert lab["a"].daemon.poll() is None
        within(5, lambda: lab["a"].status()["flows"] == [])


def test_a_call_that_outlives_its_flow(host: Host) -> None:
    """The control connection may be closed long after the flow that it opened is over."""
    for _ in range(20):
        with call(host) as control:
            with connect(control, SERVER) as flow:
                flow.sendall(b"hello")
                assert flow.recv(100) == b"hello"
                assert flow.recv(100) == b""
            within(5, lambda: host.status()["flows"] == [])


def test_ports_that_are_asked_for_and_not_used(host: Host) -> None:
    """One after the other, more than there are: nobody serves there."""
    for _ in range(EPHEMERAL + 100):
        with call(host) as control:
            ask_for_flow(control, ("127.0.0.1", PORT + 1), waits=False)
            receive_socket(control)[1].close()
    with call(host) as control:
        connect(control, SERVER).close()


def test_asking_again(host: Host) -> None:
    """scaffoldd hangs up with its last word, and hears nothing more; the flow goes its way."""
    for waits in (True, False):
        with call(host) as control:
            ask_for_flow(control, SERVER, waits=waits)
            reply, flow = receive_socket(control)
            assert not waits or outcome(control, reply) == 0
            with contextlib.suppress(BrokenPipeError):
                ask_for_flow(control, SERVER)
            with contextlib.suppress(ConnectionResetError):
                assert control.recv(1) == b""
            with flow:
                assert select.select([], [flow], [], 10)[1]
                flow.sendall(b"hello")
                assert flow.recv(100) == b"hello"
                assert flow.recv(100) == b""


FOREIGN = ("10.0.0.1", "198.18.0.9", "0.0.0.0", "224.0.0.1", "2001:db8::1")


def prepare_here(host: Host, address: Address, *, datagram: bool) -> int:
    """As a program that takes the address for one of its host's: the errno."""
    with call(host) as control:
        words = (0, ord("4"), 0, datagram, *pack(address))
        send(control, PREPARE, struct.pack("=BBHBx16sH33xB", *words, 1))
        return receive(control).error


def test_an_address_that_is_not_the_hosts_is_nobodys_source(host: Host) -> None:
    """Else a server would be shown whatever its client likes."""
    words = [sys.executable, "-c", EVERYWHERE]
    program = host.popen(words, all_local=True, stdout=subprocess.PIPE)
    assert program.stdout is not None
    port = int(program.stdout.readline())
    with server(host, ("127.0.0.1", 0), wildcard=True) as one, client(host, one.own) as other:
        for foreign in FOREIGN:
            assert prepare_here(host, (foreign, port), datagram=False) == errno.ENOENT
            assert prepare_here(host, (foreign, one.own[1]), datagram=True) == errno.ENOENT
        other.send(b"from another", one.own, own=("10.0.0.1", 0))
        assert other.next_error()[0] == errno.EINVAL
        other.send(b"to another", ("10.0.0.1", one.own[1]))
        assert other.next_error()[0] == errno.ENETUNREACH
        assert one.is_quiet()
        assert prepare_here(host, one.own, datagram=True) == 0
    assert prepare_here(host, ("127.0.0.1", port), datagram=False) == 0
    program.kill()
    program.wait()
