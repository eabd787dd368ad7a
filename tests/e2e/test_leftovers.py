"""What is given, or passed along, and how it ends, leaves nothing behind in scaffoldd."""

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
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.common import KERNELS, in_a_child, line, start_on, stopped, within
from e2e.control import (
    BIND,
    PREPARE,
    REPLY,
    ask_for_flow,
    call,
    outcome,
    pack,
    receive_flow,
    receive_socket,
    send,
)
from scaffold.lab import Host, Lab

pytestmark = pytest.mark.hosts
EACH = 200
SERVER, NEVER = ("127.0.0.1", 4000), ("127.0.0.1", 4001)
SINK = f"""
import socket, threading
def drain(c):
    with c, __import__("contextlib").suppress(OSError):
        while c.recv(100):
            pass
s = socket.create_server({SERVER}, backlog=512)
print("ready", flush=True)
while True:
    threading.Thread(target=drain, args=s.accept()[:1], daemon=True).start()
"""
ACCEPTS_NOTHING = f"""
import socket, time
s = socket.create_server({NEVER}, backlog=1)
print("ready", flush=True)
time.sleep(60)
"""
# what a program passes along, and what it keeps until it ends
Kind = Callable[[socket.socket], tuple[int, list[object]]]


def serve(host: Host, code: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", code]
    server = host.popen(command, all_local=True, stdout=subprocess.PIPE)
    line(server, b"ready\n")
    return server


@pytest.fixture(params=KERNELS)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Host]:
    """A host with a server that reads everything."""
    with Lab(["a"], kind="loopback") as lab:
        start_on(lab, request.param, tmp_path)
        serve(lab["a"], SINK)
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


def unwanted(host: Host) -> int:
    return int(host.status()["counters"]["unwanted_descriptors"])


@pytest.mark.parametrize("kind", KINDS)
def test_what_nobody_asked_for(host: Host, kind: Kind) -> None:
    """Whatever a program passes along, it is refused or hung up on, and counted then."""
    before, counted = descriptors(host), unwanted(host)

    def act() -> None:
        for _ in range(EACH):
            with call(host) as control:
                number, _keep = kind(control)
                with pytest.raises((PermissionError, ConnectionResetError)):
                    ask_for_flow(control, SERVER, number)
                    receive_flow(control)
                os.close(number)

    in_a_child(act)
    within(10, lambda: descriptors(host) <= before)
    assert host.status()["flows"] == []
    assert unwanted(host) - counted in (0, EACH)


def answered(host: Host, *, waits: bool) -> socket.socket:
    """A call whose answer, a socket, can be taken."""
    control = call(host)
    ask_for_flow(control, SERVER, waits=waits)
    assert select.select([control], [], [], 10)[0]
    return control


def descriptors_to_come(control: socket.socket) -> list[int]:
    """With what scaffoldd still says: the outcome, perhaps."""
    control.settimeout(0.5)
    came = []
    with contextlib.suppress(TimeoutError, ConnectionResetError):
        while (packet := socket.recv_fds(control, REPLY, 4))[0]:
            came += packet[1]
    return came


@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_after_the_answer_is_closed(host: Host, kind: Kind, taken: bool) -> None:
    """Nobody hears it, whether the answer was taken or not."""
    before = descriptors(host)

    def act() -> None:
        for waits in [False, True] * (EACH // 2):
            with answered(host, waits=waits) as control:
                number, _keep = kind(control)
                if taken:
                    receive_socket(control)[1].close()
                with contextlib.suppress(BrokenPipeError, PermissionError):
                    send(control, PREPARE, b"", number)
                os.close(number)

    in_a_child(act)
    within(10, lambda: descriptors(host) <= before)
    within(10, lambda: host.status()["flows"] == [])


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("taken", [False, True])
def test_given_and_left(host: Host, taken: bool, waits: bool) -> None:
    """The program ends its call, and does nothing with its flow."""
    before = descriptors(host)
    for _ in range(EACH):
        with answered(host, waits=waits) as control:
            if taken:
                receive_socket(control)[1].close()
    within(10, lambda: descriptors(host) <= before)
    within(10, lambda: host.status()["flows"] == [])


def test_left_before_there_is_an_answer(host: Host) -> None:
    before = descriptors(host)
    for waits in [False, True] * EACH:
        with call(host) as control:
            ask_for_flow(control, SERVER, waits=waits)
    within(10, lambda: descriptors(host) <= before)
    within(10, lambda: host.status()["flows"] == [])


def test_a_port_that_was_chosen(host: Host) -> None:
    """It is there again as soon as its flow is over."""
    for _ in range(3):
        with call(host) as control:
            ask_for_flow(control, SERVER, port=40000)
            receive_flow(control).close()
        within(10, lambda: host.status()["flows"] == [])


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("op", [PREPARE, BIND])
def test_asked_again_before_the_answer_was_taken(host: Host, op: int, waits: bool) -> None:
    """The first answer is the last one; the flow goes its way."""
    before = descriptors(host)
    with answered(host, waits=waits) as control:
        with contextlib.suppress(BrokenPipeError, PermissionError):
            if op == PREPARE:
                ask_for_flow(control, SERVER)
            else:  # a datagram socket
                body = struct.pack("=256x16sHBBBBBB", *pack(NEVER), 0, ord("4"), 0, 0, 1, 0)
                send(control, BIND, body)
        within(10, lambda: unread(control) == 0)
        with receive_socket(control)[1] as first:
            assert select.select([], [first], [], 10)[1]
            first.sendall(b"hello")
            assert not descriptors_to_come(control)
            assert len(host.status()["flows"]) == 2  # both ends
    within(10, lambda: descriptors(host) <= before)
    within(10, lambda: host.status()["flows"] == [])


def test_a_program_that_is_gone_before_it_hears_of_the_outcome(host: Host) -> None:
    before = descriptors(host)
    for _ in range(EACH):
        with call(host) as control:
            ask_for_flow(control, SERVER)
            reply, flow = receive_socket(control)
            flow.close()
            assert outcome(control, reply) in (0, errno.ECONNABORTED)
    within(10, lambda: descriptors(host) <= before)
    within(10, lambda: host.status()["flows"] == [])


@pytest.mark.parametrize("waits", [False, True])
def test_a_call_that_waits_for_itself(host: Host, waits: bool) -> None:
    """Behind a socket that nobody takes comes the caller's own end: both go when it is closed."""
    before = descriptors(host)
    for _ in range(EACH):
        with (
            answered(host, waits=waits) as control,
            contextlib.suppress(BrokenPipeError, PermissionError),
        ):
            send(control, PREPARE, b"", control.fileno())
    within(10, lambda: descriptors(host) <= before)


def queue_itself(control: socket.socket, packet: bytes) -> None:
    """Behind several hundred others, or as many more as the kernel lets it: 768 bytes are charged
    for each.
    """
    control.setblocking(False)
    control.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
    room = control.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    for _ in range(room // 1024):
        control.send(packet)
    with contextlib.suppress(PermissionError):
        send(control, PREPARE, b"", control.fileno())


PACKETS = pytest.mark.parametrize("packet", [b"", b"x"], ids=["empty", "byte"])


@PACKETS
def test_a_call_that_waits_for_itself_behind_others(packet: bytes, host: Host) -> None:
    """They wait behind the request already."""
    before = descriptors(host)
    for waits in (False, True, False, True):
        with stopped(host), call(host) as control:
            ask_for_flow(control, SERVER, waits=waits)
            queue_itself(control, packet)
    within(10, lambda: descriptors(host) <= before)


@PACKETS
def test_an_answered_call_that_waits_for_itself_behind_others(packet: bytes, host: Host) -> None:
    """They come when the answer is there; on a slow machine, too late to be let in."""
    before = descriptors(host)
    for waits in (False, True, False, True):
        with answered(host, waits=waits) as control, stopped(host):
            with contextlib.suppress(BrokenPipeError, PermissionError):
                queue_itself(control, packet)
            control.close()
    within(10, lambda: descriptors(host) <= before)


class Opening:
    """A call that opens a flow to the server that accepts nothing."""

    def __init__(self, host: Host, *, waits: bool = True):
        self.control = call(host)
        ask_for_flow(self.control, NEVER, waits=waits)
        self.reply, self.flow = receive_socket(self.control)

    def waits(self) -> bool:
        self.control.settimeout(0.5)
        try:
            assert outcome(self.control, self.reply) == 0
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
    server = serve(host, ACCEPTS_NOTHING)
    opened = [Opening(host)]
    while not opened[-1].waits():
        opened.append(Opening(host))
    yield opened
    server.kill()
    server.wait()
    for each in opened:
        each.close()
    within(10, lambda: host.status()["flows"] == [])


def test_talking_while_an_answer_is_owed(host: Host, full: list[Opening]) -> None:
    """The connection is cut; the flow that was being opened for it goes its way."""
    flows = len(host.status()["flows"])
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        send(full[-1].control, PREPARE, b"")
        full[-1].control.recv(REPLY)
    assert len(host.status()["flows"]) == flows
    assert not select.select([full[-1].flow], [], [], 0)[0]


def test_talking_while_an_answer_is_owed_and_one_not_taken(host: Host, full: list[Opening]) -> None:
    """As before, once the first one was taken."""
    with call(host) as control:
        ask_for_flow(control, NEVER)
        assert select.select([control], [], [], 10)[0]
        with contextlib.suppress(BrokenPipeError, PermissionError):
            send(control, PREPARE, b"", control.fileno())
        within(10, lambda: unread(control) == 0)
        with receive_socket(control)[1] as flow:
            assert not descriptors_to_come(control)
            assert not select.select([flow], [flow], [], 0)[0]
    assert full[-1].waits()


@pytest.mark.parametrize("waits", [False, True])
def test_asking_twice_at_once(host: Host, full: list[Opening], waits: bool) -> None:
    """The second request is there before the first one is looked at, and is not heard."""
    before, flows = descriptors(host), len(host.status()["flows"])
    with call(host) as control:
        with stopped(host):
            ask_for_flow(control, NEVER, waits=waits)
            ask_for_flow(control, NEVER, waits=waits)
        given = descriptors_to_come(control)
        assert len(given) <= 1
        assert len(host.status()["flows"]) <= flows + 1
    for fd in given:
        os.close(fd)
    within(10, lambda: len(host.status()["flows"]) == flows)
    within(10, lambda: descriptors(host) <= before)
    assert full[-1].waits()


def test_left_before_the_outcome(host: Host, full: list[Opening]) -> None:
    """And before its socket may have been given."""
    before, flows = descriptors(host), len(host.status()["flows"])
    for _ in range(EACH):
        with call(host) as control:
            ask_for_flow(control, NEVER)
    within(10, lambda: len(host.status()["flows"]) == flows)
    within(10, lambda: descriptors(host) <= before)
    assert full[-1].waits()


def test_a_call_that_queues_itself_while_an_answer_is_owed(host: Host, full: list[Opening]) -> None:
    before = descriptors(host)
    for packet in (b"", b"x"):
        one = Opening(host)
        with stopped(host):
            with contextlib.suppress(BrokenPipeError):
                queue_itself(one.control, packet)
            one.close()
    within(10, lambda: descriptors(host) <= before)
    assert full[-1].waits()


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("flow_first", [False, True])
def test_a_program_that_closes_what_it_opens(
    host: Host, full: list[Opening], waits: bool, flow_first: bool
) -> None:
    """The flow goes with the last end of it, however the two go."""
    before, flows = descriptors(host), len(host.status()["flows"])
    one = Opening(host, waits=waits)
    assert len(host.status()["flows"]) == flows + 1
    ends = [one.control, one.flow]
    for end in reversed(ends) if flow_first else ends:
        end.close()
    within(10, lambda: len(host.status()["flows"]) == flows)
    within(10, lambda: descriptors(host) <= before)
    assert full[-1].waits()


def test_a_thread_closes_what_another_connects(host: Host, full: list[Opening]) -> None:
    """The connect goes on, as TCP's does, until its outcome or its program's end."""
    code = f"""
import os, socket, threading
s = socket.socket()
def connect():
    try:
        s.connect({NEVER})
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
    code = f"import socket; socket.create_connection({NEVER})"
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
        for waits in [False, True] * (EACH // 2):
            with (
                answered(host, waits=waits) as control,
                contextlib.suppress(BrokenPipeError, PermissionError),
            ):
                ask_for_flow(control, SERVER)

    for _ in range(4):
        in_a_child(act)
    within(10, lambda: descriptors(host) <= before)


SOON_S = 0.003
LATER_S = 0.1
"""Before the outcome of an opening is given up as one that comes soon, and after."""


@pytest.mark.parametrize("when", [SOON_S, LATER_S], ids=["soon", "later"])
def test_a_signal_ends_the_wait_of_connect(host: Host, full: list[Opening], when: float) -> None:
    code = f"""
import contextlib, errno, signal, socket, struct
class Interrupted(Exception): pass
def interrupt(*_): raise Interrupted
signal.signal(signal.SIGALRM, interrupt)
for _ in range(20):  # it may come too early
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", 1, 0))
    try:
        signal.setitimer(signal.ITIMER_REAL, {when})
        with contextlib.suppress(OSError):
            s.connect({NEVER})
    except Interrupted:
        if s.connect_ex({NEVER}) == errno.EALREADY:
            print("interrupted")
            break
"""
    done = host.run([sys.executable, "-c", code], all_local=True, timeout=60)
    assert done.stdout == "interrupted\n", done.stderr
    assert full[-1].waits()


@pytest.mark.parametrize("when", [SOON_S, LATER_S], ids=["soon", "later"])
def test_a_number_that_is_something_else_meanwhile(
    host: Host, full: list[Opening], when: float
) -> None:
    code = f"""
import os, socket, stat, struct, threading, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", 1, 0))
def close():
    time.sleep({when})
    os.close(s.fileno())
    assert os.open("/dev/null", os.O_RDWR) == s.fileno()
thread = threading.Thread(target=close)
thread.start()
try:
    s.connect({NEVER})
except OSError:
    pass
thread.join()
print(stat.S_ISCHR(os.fstat(s.fileno()).st_mode))
"""
    done = host.run([sys.executable, "-c", code], all_local=True, timeout=60)
    assert done.stdout == "True\n", done.stderr
    assert full[-1].waits()


@pytest.mark.parametrize("when", [0, SOON_S, LATER_S], ids=["at once", "soon", "later"])
def test_early_data_of_a_connect_that_does_not_wait(
    host: Host, full: list[Opening], when: float
) -> None:
    """It waits in the socket."""
    code = f"""
import os, socket, time
server = socket.create_server(("127.0.0.1", 0), backlog=1)
clients = []
for _ in range(6):  # the queue is full at the fourth, at the latest
    clients.append(socket.socket())
    clients[-1].setblocking(False)
    clients[-1].connect_ex(server.getsockname())
time.sleep({when})
for one in clients: os.write(one.fileno(), b"HELLO")
time.sleep({when} + 0.05)
for one in clients: os.write(one.fileno(), b"WORLD")
for _ in clients:
    accepted = server.accept()[0]
    data = b""
    while len(data) < 10: data += accepted.recv(100)
    print(data.decode())
"""
    done = host.run([sys.executable, "-c", code], all_local=True, timeout=60)
    assert done.stdout.split() == ["HELLOWORLD"] * 6, done.stderr
