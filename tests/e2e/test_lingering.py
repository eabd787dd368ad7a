"""Whatever a stranger puts into a queue of scaffoldd's, others are served meanwhile: a TCP socket
that lingers would keep the task that lets it go.
"""

import array
import contextlib
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.common import KERNELS, in_a_child, line, start_on, stopped, within
from e2e.control import (
    HELLO,
    LISTEN,
    ask_for_flow,
    call,
    client,
    connect,
    receive,
    request,
    send,
)
from scaffold.lab import Host, Lab

pytestmark = pytest.mark.hosts
LINGER_S, ANSWER_S = 600, 10
"""However slow the machine, one is told from the other."""

SERVER = ("127.0.0.1", 4000)
SINK = f"""
import contextlib, socket, threading
def drain(c):
    with c, contextlib.suppress(OSError):
        while c.recv(1 << 16):
            pass
s = socket.create_server({SERVER})
print("ready", flush=True)
while True:
    threading.Thread(target=drain, args=s.accept()[:1], daemon=True).start()
"""


@pytest.fixture(scope="module", params=KERNELS)
def host(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Host]:
    with Lab(["a"], kind="loopback") as lab:
        start_on(lab, request.param, tmp_path_factory.mktemp("kernel"))
        command = [sys.executable, "-c", SINK]
        line(lab["a"].popen(command, all_local=True, stdout=subprocess.PIPE), b"ready\n")
        yield lab["a"]


@pytest.fixture
def sink() -> Iterator[socket.socket]:
    """A server of TCP that never reads."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def lingering(sink: socket.socket) -> int:
    """With more unsent than anybody will take. Nobody here may be the last to close it."""
    one = socket.create_connection(sink.getsockname())
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, LINGER_S))
    one.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while one.send(bytes(1 << 16)):
            pass
    return one.detach()


def rights(number: int) -> list[tuple[int, int, "array.array[int]"]]:
    return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [number]))]


def queued(inner: int) -> int:
    """One whose queue alone holds this."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.sendmsg([b"x"], rights(inner))
    os.close(inner)
    ours.close()
    return theirs.detach()


def nested(sink: socket.socket) -> int:
    return queued(queued(lingering(sink)))


def deeply_nested(sink: socket.socket) -> int:
    """As deep as kernels before 6.10 let it be sent: scaffoldd could not send it on."""
    number = lingering(sink)
    for _ in range(4):
        number = queued(number)
    return number


def put(host: Host, to: socket.socket, number: int, data: bytes, flags: int = 0) -> None:
    """Into scaffoldd's queue, which alone has it from then on."""
    with stopped(host):
        to.sendmsg([data], rights(number), flags)
        os.close(number)


def hand_in(host: Host, number: int, op: int) -> None:
    with call(host) as control:
        put(host, control, number, request(op))


def listen(host: Host, number: int) -> None:
    hand_in(host, number, LISTEN)


def hello(host: Host, number: int) -> None:
    hand_in(host, number, HELLO)


def left_in_the_queue(host: Host, number: int) -> None:
    """Behind the request, when the call is over."""
    with call(host) as control:
        put(host, control, number, b"")


def behind_a_request(host: Host, number: int) -> None:
    with call(host) as control, stopped(host):
        send(control, HELLO, b"")
        control.sendmsg([b""], rights(number))
        os.close(number)


def behind_an_answer(host: Host, number: int) -> None:
    """Which nobody has taken."""
    with call(host) as control:
        ask_for_flow(control, SERVER)
        control.recv(1, socket.MSG_PEEK)
        put(host, control, number, b"x")
        hear(host)


def in_a_flow(host: Host, number: int) -> None:
    with call(host) as control, connect(control, SERVER) as flow:
        put(host, flow, number, b"x")
        hear(host)


def in_bulk(host: Host, number: int) -> None:
    with call(host) as control, connect(control, SERVER) as flow:
        flow.sendall(bytes(100_000))
        put(host, flow, number, bytes(10_000))
        flow.sendall(bytes(1000))
        hear(host)


def urgently(host: Host, number: int) -> None:
    with call(host) as control, connect(control, SERVER) as flow:
        flow.sendall(b"x")
        put(host, flow, number, b"!", socket.MSG_OOB)
        hear(host)


def in_a_flow_that_ends(host: Host, number: int) -> None:
    with call(host) as control, connect(control, SERVER) as flow, stopped(host):
        flow.sendmsg([b"x"], rights(number))
        os.close(number)
        flow.close()


def in_a_datagram(host: Host, number: int) -> None:
    with client(host, SERVER) as endpoint:
        endpoint.packet(1, b"data", SERVER)
        put(host, endpoint.socket, number, bytes(64))
        hear(host)


def in_an_empty_datagram(host: Host, number: int) -> None:
    with client(host, SERVER) as endpoint, stopped(host):
        for _ in range(2):
            endpoint.packet(1, b"data", SERVER)
            endpoint.socket.sendmsg([b""], rights(number))
        os.close(number)


def behind_an_end(host: Host, number: int) -> None:
    with client(host, SERVER) as endpoint, stopped(host):
        endpoint.socket.send(b"")
        endpoint.socket.sendmsg([bytes(64)], rights(number))
        os.close(number)
        endpoint.socket.shutdown(socket.SHUT_WR)


def hear(host: Host) -> None:
    with call(host) as control:
        start = time.monotonic()
        control.settimeout(ANSWER_S)
        send(control, HELLO, b"")
        assert receive(control).error == 0
        assert time.monotonic() - start < ANSWER_S


@pytest.mark.parametrize("passed", [lingering, nested, deeply_nested])
@pytest.mark.parametrize(
    "way",
    [
        listen, hello, left_in_the_queue, behind_a_request, behind_an_answer, in_a_flow, in_bulk,
        urgently, in_a_flow_that_ends, in_a_datagram, in_an_empty_datagram, behind_an_end,
    ],
)  # fmt: skip
def test_others_are_served(
    host: Host,
    sink: socket.socket,
    way: Callable[[Host, int], None],
    passed: Callable[[socket.socket], int],
) -> None:
    before = descriptors(host)

    def act() -> None:
        with contextlib.suppress(PermissionError, ConnectionError):
            way(host, passed(sink))
        hear(host)

    for _ in range(3):
        in_a_child(act)
        hear(host)
    within(ANSWER_S, lambda: descriptors(host) <= before)
    assert host.status()["counters"]["closed_apart_delays"] == 0


def descriptors(host: Host) -> int:
    assert host.daemon is not None
    return len(list(Path(f"/proc/{host.daemon.pid}/fd").iterdir()))


def test_the_end_is_not_kept_waiting(host: Host, sink: socket.socket) -> None:
    """Whatever waits in queues then."""
    assert host.daemon is not None

    def act() -> None:
        with contextlib.suppress(PermissionError):
            hello(host, lingering(sink))

    with stopped(host):
        in_a_child(act)
    host.daemon.terminate()
    assert host.daemon.wait(ANSWER_S) == 0
