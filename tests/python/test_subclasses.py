"""A program's own class of sockets, made of `scaffold.inet.socket`: what it overrides is called,
and its constructor takes what it likes, as if it were made of Python's own class."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scaffold import inet

MODULES = [socket, inet]
WAIT_S = 5.0
CALLS = [
    name
    for name in dir(socket.socket)
    if not name.startswith("_") and callable(getattr(socket.socket, name))
]


def watched(module: Any, told: list[str]) -> Any:
    """A class that tells which of its calls were called, and hands each on."""

    def telling(name: str) -> Callable[..., Any]:
        def call(self: Any, *arguments: Any, **options: Any) -> Any:
            told.append(name)
            return getattr(super(Watched, self), name)(*arguments, **options)

        return call

    class Watched(module.socket):  # type: ignore[misc]
        pass

    for name in CALLS:
        setattr(Watched, name, telling(name))
    return Watched


def stream(kind: Any, family: int, address: Any) -> None:
    """All calls of a connection."""
    with kind(family, socket.SOCK_STREAM) as listener, kind(family) as client:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1)
        listener.settimeout(WAIT_S)
        client.settimeout(WAIT_S)
        client.connect(listener.getsockname())
        accepted = kind(fileno=listener.accept()[0].detach())
        with accepted:
            accepted.sendall(b"0123456789")
            accepted.send(b"0123456789")
            accepted.sendmsg([b"0123456789"])
            rooms = [bytearray(2), bytearray(2)]
            assert client.recv(2) + client.recvfrom(2)[0] + client.recvmsg(2)[0] == b"012345"
            assert client.recv_into(rooms[0]) == client.recvfrom_into(rooms[0])[0] == 2
            assert client.recvmsg_into(rooms)[0] == 4
            client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            client.getpeername()
            client.shutdown(socket.SHUT_WR)
            client.dup().close()


def datagrams(kind: Any, family: int, address: Any) -> None:
    """All calls of a question."""
    with kind(family, socket.SOCK_DGRAM) as server, kind(family, socket.SOCK_DGRAM) as client:
        server.bind(address)
        server.settimeout(WAIT_S)
        client.settimeout(WAIT_S)
        there = server.getsockname()
        client.sendto(b"first", there)
        assert client.connect_ex(there) == 0
        client.connect(there)
        client.send(b"second")
        client.sendall(b"third")
        client.sendmsg([b"fo", b"urth"])
        client.sendto(b"fifth", there)
        client.send(b"sixth")
        room = bytearray(9)
        assert server.recv(9) + server.recvfrom(9)[0] + server.recvmsg(9)[0] == b"firstsecondthird"
        assert server.recv_into(room) == 6
        assert server.recvfrom_into(room)[0] == server.recvmsg_into([room])[0] == 5


@pytest.mark.parametrize("use", [stream, datagrams])
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6, socket.AF_UNIX])
def test_what_is_overridden_is_called(
    use: Callable[..., None], family: socket.AddressFamily, tmp_path: Path
) -> None:
    told: dict[Any, list[str]] = {module: [] for module in MODULES}
    host = "127.0.0.1" if family == socket.AF_INET else "::1"
    for module in MODULES:
        address = str(tmp_path / module.__name__) if family == socket.AF_UNIX else (host, 0)
        use(watched(module, told[module]), family, address)
    assert told[inet] == told[socket]
    assert "connect" in told[inet]


def made(module: Any) -> Iterator[Any]:
    """Objects of classes whose constructors are their own."""

    class ByPath(module.socket):  # type: ignore[misc]
        def __init__(self, *, path: str | None = None) -> None:
            super().__init__(socket.AF_UNIX)
            self.path = path

    class ByHost(module.socket):  # type: ignore[misc]
        def __init__(self, host: str, family: int, type: int, number: int) -> None:
            super().__init__(family, type)
            self.about = (host, number)

    class Narrow(module.socket):  # type: ignore[misc]
        __slots__ = ("about",)

        def __init__(self, *about: Any) -> None:
            self.about = about
            super().__init__(socket.AF_INET, socket.SOCK_DGRAM)

    class Lazy(module.socket):  # type: ignore[misc]
        def __init__(self, fileno: int) -> None:
            super().__init__(fileno=fileno)

    yield ByPath(path="x")
    yield ByHost("x", socket.AF_INET, socket.SOCK_STREAM, os.dup(0))
    yield ByHost("x", socket.AF_INET6, socket.SOCK_DGRAM, 1)
    yield Narrow("x")
    yield Lazy(socket.socket(type=socket.SOCK_DGRAM).detach())
    yield Lazy(socket.socket(socket.AF_UNIX).detach())


def test_a_constructor_is_the_programs_own() -> None:
    for ours, plain in zip(made(inet), made(socket), strict=True):
        with ours, plain:
            assert isinstance(ours, inet.socket)
            assert type(ours).__name__ == type(plain).__name__
            assert (ours.family, ours.type, ours.proto) == (plain.family, plain.type, plain.proto)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX])
@pytest.mark.parametrize("type_", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_members_of_ours_leave_all_other_names_free(family: int, type_: int) -> None:
    with inet.socket(family, type_) as one:
        besides = set(dir(one)) - set(dir(socket.socket))
    assert {name for name in besides if not name.startswith(("_sc_", "__"))} == set()


THREADS = """
import threading, time
from scaffold import inet, kinds
make = kinds.new_class
def slowly(*about, **members):
    time.sleep(0.05)
    return make(*about, **members)
kinds.new_class = slowly
got = []
threads = [threading.Thread(target=lambda: got.append(inet.socket)) for _ in range(8)]
for one in threads: one.start()
for one in threads: one.join()
print(len(set(got)))
"""


def test_threads_get_the_same_class() -> None:
    done = subprocess.run([sys.executable, "-c", THREADS], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("1\n", "")
