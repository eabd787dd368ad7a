"""`scaffold.socket` on plain IP: exactly what `socket.socket` does, and no scaffoldd needed."""

import asyncio
import selectors
import socket
import threading
import time

import pytest

import scaffold
from scaffold import streams


@pytest.fixture(params=[socket.AF_INET, socket.AF_INET6])
def server(request: pytest.FixtureRequest) -> scaffold.socket:
    address = "127.0.0.1" if request.param == socket.AF_INET else "::1"
    return scaffold.create_server((address, 0), family=request.param)


def test_round_trip(server: scaffold.socket) -> None:
    with server, scaffold.create_connection(server.getsockname()[:2]) as client:
        accepted, peer = server.accept()
        with accepted:
            assert isinstance(accepted, scaffold.socket)
            assert isinstance(accepted, socket.socket)
            assert peer == client.getsockname() == accepted.getpeername()
            assert client.getpeername() == accepted.getsockname()
            client.sendall(b"hello")
            client.shutdown(socket.SHUT_WR)
            assert accepted.makefile("rb").read() == b"hello"


def test_options(server: scaffold.socket) -> None:
    with server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        assert server.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        linger = server.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)
        assert linger == b"\1\0\0\0\0\0\0\0"
        assert server.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def test_dup_and_detach(server: scaffold.socket) -> None:
    with server:
        copy = server.dup()
        assert isinstance(copy, scaffold.socket)
        assert copy.getsockname() == server.getsockname()
        fd = copy.detach()
        scaffold.socket(server.family, fileno=fd).close()


def test_refused_is_the_exception_that_programs_catch() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = probe.getsockname()
    with scaffold.socket(socket.AF_INET) as client, pytest.raises(ConnectionRefusedError):
        client.connect(address)
    with scaffold.socket(socket.AF_INET) as client:
        assert client.connect_ex(address) == 111


def test_accept_times_out(server: scaffold.socket) -> None:
    with server:
        server.settimeout(0.05)
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            server.accept()
        assert 0.04 < time.monotonic() - start < 2
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_accept_waits_with_a_timeout(server: scaffold.socket) -> None:
    with server:
        server.settimeout(5)
        address = server.getsockname()[:2]
        thread = threading.Timer(0.05, lambda: scaffold.create_connection(address).close())
        thread.start()
        accepted, _ = server.accept()
        with accepted:
            assert accepted.gettimeout() is None
            assert accepted.recv(1) == b""
        thread.join()


def test_non_blocking_connect_and_selectors(server: scaffold.socket) -> None:
    with server, scaffold.socket(server.family) as client, selectors.DefaultSelector() as selector:
        client.setblocking(False)
        try:
            client.connect(server.getsockname()[:2])
        except BlockingIOError:
            selector.register(client, selectors.EVENT_WRITE)
            assert selector.select(5)
        client.finish_connect(server.getsockname())
        server.accept()[0].close()


def test_services_only_sockets_refuse_ip() -> None:
    with scaffold.socket() as client, pytest.raises(scaffold.InvalidName, match="services only"):
        client.connect(("127.0.0.1", 80))


def test_unsupported_type() -> None:
    with pytest.raises(OSError) as caught:
        scaffold.socket(type=socket.SOCK_SEQPACKET)
    assert caught.value.errno == 94  # ESOCKTNOSUPPORT


def test_unknown_host() -> None:
    with scaffold.socket(socket.AF_INET) as client, pytest.raises(socket.gaierror):
        client.connect(("name.invalid", 80))


def test_asyncio_streams(server: scaffold.socket) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read())
        writer.close()

    async def main() -> bytes:
        server.setblocking(False)
        async with await asyncio.start_server(echo, sock=server):
            client = scaffold.socket(server.family)
            client.setblocking(False)
            await streams.connect(client, server.getsockname()[:2])
            reader, writer = await asyncio.open_connection(sock=client)
            writer.write(b"x" * 100_000)
            writer.write_eof()
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
            return answer

    assert asyncio.run(main()) == b"x" * 100_000
