"""What others wait while one user, or a hundred, takes all it can and goes on asking."""

import contextlib
import functools
import os
import socket
import struct
import time
from collections.abc import Iterator

import pytest

from e2e.control import (
    BIND,
    REPLY,
    RESOLVE,
    ask_for_flow,
    call,
    connect,
    pack,
    receive,
    receive_socket,
    send,
)
from e2e.test_shares import FIRST_UID, SERVER, echo, greedy, host_for_everybody, raise_limit
from scaffold.lab import Host

pytestmark = [pytest.mark.full, pytest.mark.hosts, pytest.mark.timeout(900)]
CALLS = 200
ROOT_MS, OTHERS_MS = 50, 200
PAUSE_S = 1


@pytest.fixture
def host() -> Iterator[Host]:
    if os.geteuid() != 0:
        pytest.fail("acting as other users needs root")
    raise_limit()
    with host_for_everybody() as one:
        yield one


class Greed:
    """All that one user can have, of everything."""

    def __init__(self, host: Host, user: int):
        self.host, self.user = host, user
        self.kept: list[socket.socket] = []
        self.idle: list[socket.socket] = []
        self.asked = 0

    def take(self, most: int) -> None:
        for _ in range(most):
            if not (self.call() | self.leave() | self.connect() | self.bind() | self.ask()):
                return

    def call(self) -> bool:
        """A connection that asks nothing, until scaffoldd cuts the oldest one off."""
        try:
            self.idle.append(call(self.host))
            self.idle[-1].setblocking(False)
            self.idle[0].recv(1)
            self.idle.pop(0).close()
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def leave(self) -> bool:
        """A connection whose answer, with a socket, stays where it is."""
        try:
            one = call(self.host)
            ask_for_flow(one, SERVER, waits=False)
            error: int = struct.unpack_from("=i", one.recv(REPLY, socket.MSG_PEEK), 8)[0]
        except OSError:
            return False
        self.kept.append(one)
        return error == 0

    def connect(self) -> bool:
        try:
            with call(self.host) as control:
                self.kept.append(connect(control, SERVER))
                return True
        except OSError:
            return False

    def bind(self) -> bool:
        body = b"".ljust(256, b"\0") + pack(("127.0.0.1", 0))[0] + bytes([0, 0, 0, ord("4")])
        try:
            with call(self.host) as control:
                send(control, BIND, body)
                self.kept.append(receive_socket(control)[1])
                return True
        except OSError:
            return False

    def ask(self) -> bool:
        """A name that nobody has asked for before."""
        self.asked += 1
        try:
            with call(self.host) as control:
                name = f"x{self.asked}.u{self.user}.scaffold"
                send(control, RESOLVE, name.encode())
                return receive(control).error == 0
        except OSError:
            return False


def takes_all(host: Host, user: int, most: int) -> str:
    """In the child: takes it, says so, and goes on trying until the parent has gone."""
    greed = Greed(host, user)
    greed.take(most)
    parent = os.getppid()
    if os.fork() == 0:
        while os.getppid() != 1 and parent:
            greed.take(1)
            time.sleep(PAUSE_S)
        os._exit(0)
    return "has all"


def worst_ms(host: Host) -> float:
    """Of calls from end to end: an opening, bytes there and back."""
    worst = 0.0
    for _ in range(CALLS):
        start = time.monotonic()
        assert echo(host) == "hello"
        worst = max(worst, time.monotonic() - start)
    return 1000 * worst


@pytest.mark.parametrize(("users", "most"), [(1, 100000), (100, 2000)])
def test_what_others_wait(host: Host, users: int, most: int) -> None:
    alone = worst_ms(host)
    with contextlib.ExitStack() as stack:
        for user in range(users):
            act = functools.partial(takes_all, host, user, most)
            assert stack.enter_context(greedy(FIRST_UID + user, act)) == "has all"
        root = worst_ms(host)
        with greedy(FIRST_UID + users, lambda: f"{worst_ms(host):.1f}") as report:
            another = float(report)
    print(f"{users} users: alone {alone:.1f} ms, root {root:.1f} ms, another user {another:.1f} ms")
    assert root < ROOT_MS
    assert another < OTHERS_MS
