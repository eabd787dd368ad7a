"""What is prepared, or passed along, and how it ends, leaves nothing behind in scaffoldd."""

import array
import contextlib
import errno
import fcntl
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.common import line, within
from e2e.control import BIND, PREPARE, call, receive, receive_socket, send
from e2e.test_control_abuse import NEVER, PORT, ask_to_prepare, error_of, hand_over, prepare
from scaffold.lab import Host, Lab

pytestmark = pytest.mark.hosts
EACH = 200
SINK = f"""
import socket, threading
def drain(c):
    with c, __import__("contextlib").suppress(OSError):
        while c.recv(100):
            pass
s = socket.create_server(("127.0.0.1", {PORT}), backlog=512)
print("ready", flush=True)
while True:
    threading.Thread(target=drain, args=s.accept()[:1], daemon=True).start()
"""
# what a program passes along, and what it keeps until it ends
Kind = Callable[[socket.socket], tuple[int, list[object]]]


@pytest.fixture
def host() -> Iterator[Host]:
    """A host with a server that reads everything, and one that accepts nothing."""
    with Lab(["a"], kind="loopback") as lab:
        lab.start()
        for code in (SINK, NEVER):
            command = [sys.executable, "-c", code]
            line(lab["a"].popen(command, all_local=True, stdout=subprocess.PIPE), b"ready\n")
        yield lab["a"]
        assert lab["a"].daemon is not None
        assert lab["a"].daemon.poll() is None


def descriptors(host: Host) -> int:
    assert host.daemon is not None
    return len(list(Path(f"/proc/{host.daemon.pid}/fd").iterdir()))


def unread(control: socket.socket) -> int:
    """Of what the caller has sent: bytes that scaffoldd has yet to take."""
    return int.from_bytes(fcntl.ioctl(control, termios.TIOCOUTQ, bytes(4)), sys.byteorder)


def listening(_: socket.socket) -> tuple[int, list[object]]:
    one = socket.socket(socket.AF_UNIX)
    one.bind("\0" + os.urandom(8).hex())
    one.listen(1)
    return one.detach(), []


def listening_at_itself(_: socket.socket) -> tuple[int, list[object]]:
    """With a connection in its queue, of which nobody else has the other end."""
    number, _keep = listening(_)
    with socket.socket(fileno=os.dup(number)) as one, socket.socket(socket.AF_UNIX) as other:
        other.connect(one.getsockname())
        other.send(b"x")
    return number, []


def unconnected(_: socket.socket) -> tuple[int, list[object]]:
    return socket.socket(socket.AF_UNIX).detach(), []


def peer_is_gone(_: socket.socket) -> tuple[int, list[object]]:
    ours, theirs = socket.socketpair()
    ours.send(b"p")
    ours.close()
    return theirs.detach(), []


def holds_its_peer(_: socket.socket) -> tuple[int, list[object]]:
    ours, theirs = socket.socketpair()
    ours.send(b"p")
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [ours.fileno()]))]
    ours.sendmsg([b"x"], rights)
    return theirs.detach(), [ours]


def holds_it_in_another(_: socket.socket) -> tuple[int, list[object]]:
    """Its queue holds a socket whose queue holds the peer."""
    ours, theirs = socket.socketpair()
    one, other = socket.socketpair()
    ours.send(b"p")
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [ours.fileno()]))]
    one.sendmsg([b"x"], rights)
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [other.fileno()]))]
    ours.sendmsg([b"x"], rights)
    return theirs.detach(), [ours, one, other]


def the_conversation_itself(control: socket.socket) -> tuple[int, list[object]]:
    return os.dup(control.fileno()), []


def seqpacket(_: socket.socket) -> tuple[int, list[object]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    return theirs.detach(), [ours]


def datagram(_: socket.socket) -> tuple[int, list[object]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    return theirs.detach(), [ours]


def inet(_: socket.socket) -> tuple[int, list[object]]:
    return socket.socket(socket.AF_INET).detach(), []


def pipe(_: socket.socket) -> tuple[int, list[object]]:
    reader, writer = os.pipe()
    os.close(writer)
    return reader, []


def file(_: socket.socket) -> tuple[int, list[object]]:
    return os.open("/dev/null", os.O_RDWR), []


def event(_: socket.socket) -> tuple[int, list[object]]:
    return os.eventfd(0), []


KINDS: list[Kind] = [
    listening, listening_at_itself, unconnected, peer_is_gone, holds_its_peer, holds_it_in_another,
    the_conversation_itself, seqpacket, datagram, inet, pipe, file, event,
]  # fmt: skip


def in_a_child(act: Callable[[], None]) -> None:
    """So that whatever is left over would be scaffoldd's alone."""
    child = os.fork()
    if child == 0:
        try:
            act()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def unwanted(host: Host) -> int:
    return int(host.status()["counters"]["unwanted_descriptors"])


@pytest.mark.parametrize("kind", KINDS)
def test_what_nobody_asked_for_is_closed_and_counted(host: Host, kind: Kind) -> None:
    """Whatever a program passes along: the flow is opened as without it."""
    before, counted = descriptors(host), unwanted(host)

    def act() -> None:
        for _ in range(EACH):
            with call(host) as control, prepare(control):
                number, _keep = kind(control)
                hand_over(control, number)
                os.close(number)
                assert error_of(control) == 0

    in_a_child(act)
    within(10, lambda: descriptors(host) <= before)
    within(10, lambda: host.status()["flows"] == [])
    assert unwanted(host) == counted + EACH


@pytest.mark.parametrize("taken", [False, True])
def test_prepared_and_left(host: Host, taken: bool) -> None:
    """The program ends its call instead of opening a flow."""
    before = descriptors(host)
    for _ in range(EACH):
        with call(host) as control:
            if taken:
                prepare(control).close()
            else:
                ask_to_prepare(control)
                assert select.select([control], [], [], 10)[0]
    within(10, lambda: descriptors(host) <= before)


def test_prepared_again(host: Host) -> None:
    """What was prepared before is given up: its program hears of it."""
    with call(host) as control:
        with prepare(control) as first, prepare(control) as second:
            with pytest.raises(ConnectionResetError):
                first.recv(1)
            hand_over(control)
            assert error_of(control) == 0
            second.sendall(b"hello")
            assert control.recv(1) == b""  # the outcome was scaffoldd's last word


def test_nothing_was_prepared(host: Host) -> None:
    with call(host) as control:
        hand_over(control)
        with pytest.raises(OSError, match="refused"):
            receive_socket(control)


def test_prepared_and_bound(host: Host) -> None:
    """A call that prepares a stream and binds a datagram socket instead has given its port back."""
    loopback = bytes(10) + b"\xff\xff\x7f\0\0\1"
    for _ in range(3):
        with call(host) as control:
            send(control, PREPARE, struct.pack("=BBHBx16sH", 0, ord("4"), 40000, 0, loopback, PORT))
            stream = receive_socket(control)[1]
            body = struct.pack("=256x16sHBBBBBB", loopback, 0, 0, ord("4"), 0, 0, 1, 0)
            send(control, BIND, body)
            with stream, receive_socket(control)[1], pytest.raises(ConnectionResetError):
                stream.recv(1)


def test_asked_again_before_the_answer_was_taken(host: Host) -> None:
    """The first answer is the last one."""
    before = descriptors(host)
    with call(host) as control:
        ask_to_prepare(control)
        assert select.select([control], [], [], 10)[0]
        ask_to_prepare(control)
        within(10, lambda: unread(control) == 0)
        control.settimeout(0.5)
        reply, first = receive_socket(control)
        with first, pytest.raises(ConnectionResetError):
            first.recv(1)
        assert reply.error == 0
        with pytest.raises(TimeoutError):
            control.recv(1)
    within(10, lambda: descriptors(host) <= before)


def test_a_program_that_is_gone_before_its_flow_is_open(host: Host) -> None:
    before = descriptors(host)
    for _ in range(EACH):
        with call(host) as control:
            prepare(control).close()
            hand_over(control)
            receive(control)
    within(10, lambda: descriptors(host) <= before)
    within(10, lambda: host.status()["flows"] == [])


def test_a_call_that_waits_for_itself(host: Host) -> None:
    """Behind a socket that nobody takes comes the caller's own end: both go when it is closed."""
    before = descriptors(host)
    for _ in range(EACH):
        with call(host) as control:
            ask_to_prepare(control)
            assert select.select([control], [], [], 10)[0]
            send(control, PREPARE, b"", control.fileno())
    within(10, lambda: descriptors(host) <= before)


@pytest.mark.parametrize("packet", [b"", b"x"], ids=["empty", "byte"])
def test_a_call_that_waits_for_itself_behind_others(packet: bytes, host: Host) -> None:
    """Several hundred, or as many more as the kernel lets it: 768 bytes are charged for each."""
    before = descriptors(host)
    for _ in range(5):
        with call(host) as control:
            ask_to_prepare(control)
            assert select.select([control], [], [], 10)[0]
            host.daemon.send_signal(signal.SIGSTOP)
            control.setblocking(False)
            control.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
            room = control.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
            for _ in range(room // 1024):
                control.send(packet)
            send(control, PREPARE, b"", control.fileno())
        host.daemon.send_signal(signal.SIGCONT)
    within(10, lambda: descriptors(host) <= before)


class Opening:
    """A call that opens a flow to the server that accepts nothing."""

    def __init__(self, host: Host):
        self.control = call(host)
        self.flow = prepare(self.control, PORT + 1)
        hand_over(self.control)

    def waits(self) -> bool:
        self.control.settimeout(0.5)
        try:
            assert error_of(self.control) == 0
        except TimeoutError:
            self.control.settimeout(10)
            return True
        return False

    def close(self) -> None:
        self.control.close()
        self.flow.close()


@pytest.fixture
def full(host: Host) -> Iterator[list[Opening]]:
    """The queue of that server is full; the last opening waits."""
    opened = [Opening(host)]
    while not opened[-1].waits():
        opened.append(Opening(host))
    yield opened
    for each in opened:
        each.close()


def test_a_program_that_closes_what_it_opens(host: Host, full: list[Opening]) -> None:
    """Its call hears of it at once, however the two ends go."""
    full[-1].flow.close()
    assert error_of(full[-1].control) == errno.ECONNABORTED
    full[-1].control.close()
    with contextlib.closing(Opening(host)) as another:
        another.control.close()


def test_a_thread_closes_what_another_connects(host: Host, full: list[Opening]) -> None:
    """The connect goes on, as TCP's does, until its outcome or its program's end."""
    code = f"""
import os, socket, threading
s = socket.socket()
def connect():
    try:
        s.connect(("127.0.0.1", {PORT + 1}))
    except OSError as error:
        print(error.errno, flush=True)
thread = threading.Thread(target=connect)
thread.start()
input()
os.close(s.fileno())
print("closed", flush=True)
thread.join()
"""
    flows = len(host.status()["flows"])
    command = [sys.executable, "-c", code]
    program = host.popen(
        command, all_local=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    within(20, lambda: len(host.status()["flows"]) > flows)
    assert program.stdin is not None and program.stdout is not None
    program.stdin.write("\n")
    program.stdin.flush()
    assert program.stdout.readline() == "closed\n"
    assert len(host.status()["flows"]) > flows
    program.kill()
    assert program.communicate()[0] == ""
    within(10, lambda: len(host.status()["flows"]) == flows)
    assert full[-1].waits()


def test_killed_while_connect_waits(host: Host, full: list[Opening]) -> None:
    code = f"import socket; socket.create_connection(('127.0.0.1', {PORT + 1}))"
    flows = len(host.status()["flows"])
    for _ in range(3):
        program = host.popen([sys.executable, "-c", code], all_local=True)
        within(20, lambda: len(host.status()["flows"]) > flows)
        program.send_signal(signal.SIGKILL)
        program.wait()
        within(10, lambda: len(host.status()["flows"]) == flows)
    assert full[-1].waits()


def test_a_caller_that_closes_as_it_is_refused(host: Host) -> None:
    """Whatever of it scaffoldd looks at just then; the control fuzzer does more of that."""
    before = descriptors(host)

    def act() -> None:
        for _ in range(EACH):
            with call(host) as control:
                ask_to_prepare(control)
                assert select.select([control], [], [], 10)[0]
                ask_to_prepare(control)

    for _ in range(4):
        in_a_child(act)
    within(10, lambda: descriptors(host) <= before)
