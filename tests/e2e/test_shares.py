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
from e2e.control import call, receive
from e2e.test_control_abuse import PORT, ask_to_prepare, hand_over, prepare
from scaffold.lab import Host, Lab

pytestmark = pytest.mark.hosts
FIRST_UID = 60000
USERS = 4
ECHO = f"""
import resource, selectors, socket
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
s = socket.create_server(("127.0.0.1", {PORT}), backlog=4096)
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


def opens(host: Host) -> str:
    """Connections that each hold a local port, until scaffoldd cuts the oldest one off."""
    kept: list[socket.socket] = []
    while not kept or not select.select([kept[0]], [], [], 0)[0]:
        kept.append(call(host))
        prepare(kept[-1]).close()
    assert kept[0].recv(1) == b""
    return f"{len(kept)} ENOBUFS"


def told_at_once(control: socket.socket) -> int:
    """The error of PREPARE; whoever is turned away may be so before the request is sent."""
    with contextlib.suppress(BrokenPipeError):
        ask_to_prepare(control)
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
        with call(host) as control:
            if error := told_at_once(control):
                return f"{len(kept)} {errno.errorcode[error]}"
        for how in (None, socket.SHUT_WR, socket.SHUT_RDWR):
            kept.append(call(host))
            with contextlib.suppress(OSError):  # it was turned away
                ask_to_prepare(kept[-1])
                kept[-1].recv(1, socket.MSG_PEEK)
                if how is not None:
                    kept[-1].shutdown(how)
                elif len(kept) % 2:
                    ask_to_prepare(kept[-1])


def hands_over(host: Host) -> str:
    """Flows, each with its end kept open."""
    kept = []
    while True:
        with call(host) as control:
            try:
                kept.append(prepare(control))
            except OSError as refused:
                return f"{len(kept)} {errno.errorcode[refused.errno or 0]}"
            hand_over(control)
            if error := receive(control).error:  # the server's end is one more
                return f"{len(kept)} {errno.errorcode[error]}"


def echo(host: Host) -> str:
    """One flow from end to end."""
    with call(host) as control, prepare(control) as ours:
        hand_over(control)
        assert receive(control).error == 0
        ours.settimeout(20)
        ours.sendall(b"hello")
        return ours.recv(100).decode()


@pytest.mark.parametrize("act", [opens, takes_no_socket, hands_over])
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
