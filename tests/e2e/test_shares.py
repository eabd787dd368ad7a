"""A user, or a hundred, who takes all that scaffoldd gives leaves enough for others."""

import contextlib
import errno
import os
import resource
import select
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from e2e.common import line
from e2e.control import ask_for_flow, call, connect, receive
from scaffold.lab import Host, Lab

pytestmark = pytest.mark.hosts
FIRST_UID = 60000
USERS = 4
SERVER = ("127.0.0.1", 4000)
ECHO = f"""
import resource, selectors, socket
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
s = socket.create_server({SERVER}, backlog=4096)
loop = selectors.DefaultSelector()
loop.register(s, selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in loop.select():
        if key.fileobj is s:
            loop.register(s.accept()[0], selectors.EVENT_READ)
            continue
        try:
            data = key.fileobj.recv(100)
        except OSError:
            data = b""
        if data:
            key.fileobj.sendall(data)
        else:
            loop.unregister(key.fileobj)
            key.fileobj.close()
"""


def raise_limit() -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextlib.contextmanager
def host_for_everybody() -> Iterator[Host]:
    """A host that all users reach, with an echo server of root's."""
    with Lab(["a"], kind="loopback") as lab:
        lab.start()
        for folder in (lab.folder, lab["a"].runtime_dir.parent, lab["a"].runtime_dir):
            folder.chmod(0o755)
        command = [sys.executable, "-c", ECHO]
        line(lab["a"].popen(command, all_local=True, stdout=subprocess.PIPE), b"ready\n")
        yield lab["a"]
        assert lab["a"].daemon is not None
        assert lab["a"].daemon.poll() is None


@pytest.fixture
def host(root_only: None) -> Iterator[Host]:
    with host_for_everybody() as one:
        yield one


@contextlib.contextmanager
def greedy(uid: int, act: Callable[[], str]) -> Iterator[str]:
    """What `act` reports as this user; what it holds it holds until the end."""
    reader, writer = os.pipe()
    stay, leave = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(leave)
        raise_limit()
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        try:
            text = act()
        except BaseException as error:
            text = repr(error)
        os.write(writer, text.encode())
        os.read(stay, 1)
        os._exit(0)
    os.close(writer)
    os.close(stay)
    with os.fdopen(reader) as answer:
        yield os.read(answer.fileno(), 1000).decode()
    os.close(leave)
    os.waitpid(child, 0)


def asks_nothing(host: Host) -> str:
    """Connections without a request, until scaffoldd cuts the oldest one off."""
    kept: list[socket.socket] = []
    while not kept or not select.select([kept[0]], [], [], 0)[0]:
        kept.append(call(host))
    assert kept[0].recv(1) == b""
    return f"{len(kept)} ENOBUFS"


def told_at_once(control: socket.socket, *, waits: bool) -> int:
    """The error of PREPARE; whoever is turned away may be so before the request is sent."""
    with contextlib.suppress(BrokenPipeError):
        ask_for_flow(control, SERVER, waits=waits)
    try:
        return receive(control).error
    except ConnectionResetError:  # comes ahead of what was said before
        return receive(control).error


def takes_no_socket(host: Host) -> str:
    """Connections whose answer, with a socket, stays where it is. Some are shut down, some are
    spoken to again: each counts as long as it is there.
    """
    kept: list[socket.socket] = []
    while True:
        waits = len(kept) % 2 == 0
        with call(host) as control:
            if error := told_at_once(control, waits=waits):
                return f"{len(kept)} {errno.errorcode[error]}"
        for how in (None, socket.SHUT_WR, socket.SHUT_RDWR):
            kept.append(call(host))
            with contextlib.suppress(OSError):  # it was turned away
                ask_for_flow(kept[-1], SERVER, waits=waits)
                kept[-1].recv(1, socket.MSG_PEEK)
                if how is not None:
                    kept[-1].shutdown(how)
                elif waits:
                    ask_for_flow(kept[-1], SERVER)


def opens(host: Host) -> str:
    """Flows, each with its end kept open."""
    kept = []
    while True:
        with call(host) as control:
            try:
                kept.append(connect(control, SERVER))
            except OSError as refused:  # perhaps of the server's end, which is one more
                return f"{len(kept)} {errno.errorcode[refused.errno or 0]}"


def echo(host: Host) -> str:
    """One flow from end to end."""
    with call(host) as control, connect(control, SERVER) as ours:
        ours.settimeout(20)
        ours.sendall(b"hello")
        return ours.recv(100).decode()


@pytest.mark.parametrize("act", [asks_nothing, takes_no_socket, opens])
def test_root_and_others_go_on(host: Host, act: Callable[[Host], str]) -> None:
    with contextlib.ExitStack() as stack:
        for user in range(USERS):
            report = stack.enter_context(greedy(FIRST_UID + user, lambda: act(host)))
            taken, error = report.split()
            assert int(taken) > 10
            assert error == "ENOBUFS"
        assert echo(host) == "hello"
        with greedy(FIRST_UID + USERS, lambda: echo(host)) as report:
            assert report == "hello"
        assert host.status()["counters"]["refused_shares"] >= USERS
    assert echo(host) == "hello"
