"""`scaffold.inet` on plain IP and on other families: what socket and asyncio do."""

import asyncio
import gc
import os
import socket
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from scaffold import inet

SERVICE = "web.test.scaffold"


def test_sockets() -> None:
    with inet.socket() as listener, inet.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        assert isinstance(listener, inet.socket)
        assert isinstance(listener, socket.socket)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client.connect(listener.getsockname())
        accepted, peer = listener.accept()
        assert peer == client.getsockname()
        again = inet.socket(fileno=accepted.detach())
        assert (again.family, again.type) == (socket.AF_INET, socket.SOCK_STREAM)
        again.close()


@pytest.mark.parametrize(
    ("arguments", "default"),
    [
        ((socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK), None),
        ((socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK), None),
        ((socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP), 3.0),
        ((), None),
        ((99,), None),
    ],
)
def test_a_new_socket_is_as_sockets(arguments: tuple[Any, ...], default: float | None) -> None:
    def made(module: Any) -> Any:
        try:
            with module.socket(*arguments) as one:
                about = (one.family, one.type, one.proto, one.gettimeout())
                return *about, os.get_blocking(one.fileno()), one.get_inheritable()
        except OSError as error:
            return error.errno

    socket.setdefaulttimeout(default)
    try:
        assert made(inet) == made(socket)
    finally:
        socket.setdefaulttimeout(None)


@pytest.mark.parametrize(
    ("family", "address"),
    [
        (socket.AF_INET, ("", 0)),
        (socket.AF_INET, (b"127.0.0.1", 0)),
        (socket.AF_INET, ("<broadcast>", 0)),
        (socket.AF_INET, (bytearray(b"127.0.0.1"), 0)),
        (socket.AF_INET, ("127.0.0.1", 70000)),
        (socket.AF_INET, ("127.0.0.1", -1)),
        (socket.AF_INET, ("127.0.0.1", "80")),
        (socket.AF_INET, ("127.0.0.1",)),
        (socket.AF_INET, ("127.0.0.1", 0, 0)),
        (socket.AF_INET, ["127.0.0.1", 0]),
        (socket.AF_INET, (None, 0)),
        (socket.AF_INET6, ("::1", 0)),
        (socket.AF_INET6, ("::1", 0, 0, 0)),
        (socket.AF_INET6, ("::1", 0, 0, 0, 0)),
    ],
)
def test_plain_addresses_are_read_as_by_socket(family: int, address: Any) -> None:
    def bound(module: Any) -> Any:
        with module.socket(family) as one:
            try:
                one.bind(address)
            except (OSError, ValueError, TypeError, OverflowError) as error:
                return type(error)
            host, port, *rest = one.getsockname()
            return host, port > 0, rest

    assert bound(inet) == bound(socket)


def test_other_families_are_sockets_own(tmp_path: Path) -> None:
    with inet.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))


def test_servers_and_connections() -> None:
    with inet.create_server(("127.0.0.1", 0), backlog=None) as listener:
        address = listener.getsockname()
        with inet.create_connection(address) as client:
            assert client.gettimeout() is None
        with inet.create_connection(address, 5, ("127.0.0.1", 0), all_errors=True) as client:
            assert client.gettimeout() == 5


def test_what_failed_before_a_connection_leaves_no_cycle() -> None:
    """As Python's own: what a frame holds would live until the collector comes."""
    with inet.create_server(("127.0.0.1", 0)) as listener, inet.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        kind = socket.AF_INET, socket.SOCK_STREAM, 0, ""
        places = [(*kind, nobody.getsockname()), (*kind, listener.getsockname())]
        gc.collect()
        gc.disable()
        try:
            with mock.patch.object(inet, "getaddrinfo", lambda *_: iter(places)):
                inet.create_connection(("anywhere", 1)).close()
            assert gc.collect() == 0
        finally:
            gc.enable()


def test_a_constructor_that_fails_leaves_no_descriptor() -> None:
    before = list(Path("/proc/self/fd").iterdir())
    with pytest.raises(TypeError):
        inet.socket(socket.AF_INET, socket.SOCK_STREAM, 0, None, "one more")  # type: ignore[call-arg]
    assert list(Path("/proc/self/fd").iterdir()) == before


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("getaddrinfo", ("127.0.0.1", "http")),
        ("getaddrinfo", (None, 80, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)),
        ("gethostbyname", ("127.0.0.1",)),
        ("inet_aton", ("192.0.2.1",)),
        ("inet_ntoa", (b"\xc0\x00\x02\x01",)),
        ("inet_pton", (socket.AF_INET6, "2001:db8::1")),
        ("inet_ntop", (socket.AF_INET6, b"\x20\x01\x0d\xb8" + bytes(12))),
        ("inet_ntop", (socket.AF_INET, b"123")),
        ("inet_pton", (socket.AF_INET, "nowhere")),
    ],
)
def test_names_and_addresses(name: str, arguments: tuple[Any, ...]) -> None:
    def answer(module: Any) -> Any:
        try:
            return getattr(module, name)(*arguments)
        except (OSError, ValueError) as error:
            return type(error), str(error)

    assert answer(inet) == answer(socket)


def test_asyncio() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read(100))
        writer.close()

    async def body() -> bytes:
        server = await inet.start_server(echo, "127.0.0.1", 0)
        async with server:
            reader, writer = await inet.open_connection(*server.sockets[0].getsockname())
            writer.write(b"hello")
            answer = await reader.read(100)
            writer.close()
            return answer

    assert asyncio.run(body()) == b"hello"


def test_all_names_of_socket() -> None:
    """Whoever is given the module instead of `socket` finds what there is."""
    names = [name for name in vars(socket) if not name.startswith("__")]
    assert [name for name in names if not hasattr(inet, name)] == []
    assert inet.AF_UNSPEC is socket.AF_UNSPEC
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        inet.nothing  # noqa: B018


def test_what_stands_in_the_place_of_sockets_class_is_used() -> None:
    with mock.patch("socket.socket") as replaced:
        assert inet.socket is replaced
        assert inet.create_server(("127.0.0.1", 0)) is replaced.return_value
    assert issubclass(inet.socket, socket.socket)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("getaddrinfo", (SERVICE, 80)),
        ("create_connection", ((SERVICE, 80),)),
        ("gethostbyname", (SERVICE.encode(),)),
        ("inet_aton", (SERVICE,)),
        ("inet_pton", (socket.AF_INET6, f"::ffff:{SERVICE}")),
    ],
)
def test_another_class_gets_no_address_of_a_service(name: str, arguments: tuple[Any, ...]) -> None:
    """It would be one of plain IP to it."""

    class Other(socket.socket):
        pass

    class Derived(inet.socket):  # type: ignore[misc]
        pass

    for kind, says in ((Other, "Other'> stands for socket.socket"), (Derived, "no scaffoldd")):
        with mock.patch("socket.socket", kind), pytest.raises(OSError, match=says):
            getattr(inet, name)(*arguments)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("create_connection", (("host.example", 80),)),
        ("create_server", (("host.example", 80),)),
        ("fromfd", (0, socket.AF_INET, socket.SOCK_STREAM)),
        ("getaddrinfo", ("host.example", 80)),
        ("gethostbyname", ("host.example",)),
        ("inet_aton", ("192.0.2.1",)),
        ("inet_ntoa", (b"\xc0\x00\x02\x01",)),
        ("inet_pton", (socket.AF_INET, "192.0.2.1")),
        ("inet_ntop", (socket.AF_INET, b"\xc0\x00\x02\x01")),
    ],
)
def test_what_stands_in_the_place_of_a_namesake_is_called(
    name: str, arguments: tuple[Any, ...]
) -> None:
    with mock.patch(f"socket.{name}") as replaced:
        assert getattr(inet, name)(*arguments) is replaced.return_value
    replaced.assert_called_once_with(*arguments)


@pytest.mark.parametrize(
    ("name", "arguments", "options"),
    [
        ("inet_pton", (socket.AF_INET, SERVICE), {}),
        ("inet_pton", (socket.AF_INET6, f"::ffff:{SERVICE}"), {}),
        ("create_connection", (), {"timeout": 1, "address": (SERVICE, 80)}),
        ("create_server", (), {"family": socket.AF_INET, "address": (SERVICE, 80)}),
        ("getaddrinfo", (), {"port": 80, "host": SERVICE}),
    ],
)
def test_of_a_service_no_replacement_is_called(
    name: str, arguments: tuple[Any, ...], options: dict[str, Any]
) -> None:
    """Wherever it is named; here no scaffoldd answers."""
    with mock.patch(f"socket.{name}") as replaced:
        with pytest.raises(OSError):
            getattr(inet, name)(*arguments, **options)
    replaced.assert_not_called()


def test_calls_of_sockets_look_names_up_as_python_does() -> None:
    """In C: not by what a program has put in the place of `socket.getaddrinfo`."""
    with socket.create_server(("127.0.0.1", 0)) as listener, mock.patch("socket.getaddrinfo") as it:
        for module in (socket, inet):
            with module.socket() as client:
                client.connect(("localhost", listener.getsockname()[1]))
    it.assert_not_called()


def test_a_name_is_not_cut_at_a_zero_byte() -> None:
    for arguments in (("127.0.0.1\0.acme.scaffold", 80), (SERVICE, "80\0 or so")):
        with pytest.raises(ValueError, match="null"):
            inet.getaddrinfo(*arguments)


def test_a_replacement_may_call_what_it_replaces() -> None:
    asked = []

    def remembering(*arguments: Any) -> Any:
        asked.append(arguments)
        return inet.getaddrinfo(*arguments)

    with mock.patch("socket.getaddrinfo", remembering):
        assert inet.getaddrinfo("127.0.0.1", 80) == inet.getaddrinfo("127.0.0.1", 80)
    assert asked == [("127.0.0.1", 80)] * 2


def test_a_class_of_a_programs_own() -> None:
    class Mine(inet.socket):  # type: ignore[misc]
        pass

    for family, type in (
        (socket.AF_INET, socket.SOCK_STREAM),
        (socket.AF_INET6, socket.SOCK_DGRAM),
        (socket.AF_UNIX, socket.SOCK_STREAM),
    ):
        with Mine(family, type) as one, one.dup() as other:
            assert isinstance(other, Mine)
            assert (other.family, other.type) == (family, type)
