"""Test bodies that need a scaffoldd of their own: `test_services.py` runs each in a fresh process,
since the library reads its environment once."""

import asyncio
import errno
import pickle
import selectors
import socket
import ssl
import sys
import threading
import time

import pytest

import scaffold
from scaffold import inet

NAME = "py.test.scaffold"
SERVICE = f"{NAME}:4100"


def serve_once(listener: scaffold.socket) -> threading.Thread:
    """Echo one flow on a thread."""

    def body() -> None:
        accepted, _ = listener.accept()
        with accepted:
            while data := accepted.recv(1 << 16):
                accepted.sendall(data)

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    return thread


def round_trip() -> None:
    with scaffold.create_server(SERVICE) as listener:
        thread = serve_once(listener)
        with scaffold.create_connection(SERVICE, timeout=5) as client:
            sender = threading.Thread(target=send_all, args=(client, b"x" * 1_000_000))
            sender.start()
            assert len(client.makefile("rb").read()) == 1_000_000
            sender.join()
        thread.join()


def send_all(client: scaffold.socket, data: bytes) -> None:
    client.sendall(data)
    client.shutdown(socket.SHUT_WR)


def sent_after_the_end() -> None:
    """As to TCP's: the first is lost, and the next an error; with two copies the one after that."""
    for send in ("send", "sendall"):
        with scaffold.create_server(SERVICE) as listener:
            client = scaffold.create_connection(SERVICE, timeout=5)
            listener.accept()[0].close()
            assert client.recv(1) == b""
            assert getattr(client, send)(b"lost") in (4, None)
            try:
                getattr(client, send)(b"x")
                getattr(client, send)(b"x")
            except BrokenPipeError:
                client.close()
            else:
                raise AssertionError(send)


def addresses() -> None:
    with scaffold.create_server((NAME, 4100)) as listener:
        assert listener.getsockname() == (NAME, 4100)
        with scaffold.create_connection((NAME, 4100), timeout=5) as client:
            accepted, peer = listener.accept()
            with accepted:
                assert client.getpeername() == (NAME, 4100)
                assert accepted.getsockname() == (NAME, 4100)
                assert accepted.getpeername() == peer
                assert peer == client.getsockname()
                assert peer[1] > 0


def pool_addresses() -> None:
    """An AF_INET socket accepts services too, and shows them as addresses."""
    with scaffold.create_server(SERVICE) as listener:
        thread = serve_once(listener)
        with scaffold.socket(socket.AF_INET) as client:
            client.connect(SERVICE)
            ip, port = client.getpeername()
            assert ip.startswith("198.1")
            assert port == 4100
            client.sendall(b"y")
            assert client.recv(1) == b"y"
        thread.join()


def nobody_there() -> None:
    start = time.monotonic()
    with pytest.raises(scaffold.NoInstance) as caught:
        scaffold.create_connection("nobody.test.scaffold:1")
    assert isinstance(caught.value, ConnectionRefusedError)
    assert caught.value.errno == errno.ECONNREFUSED
    assert "nobody.test.scaffold" in str(caught.value)
    assert time.monotonic() - start < 5
    with scaffold.socket() as client:
        assert client.connect_ex("nobody.test.scaffold:1") == errno.ECONNREFUSED
    with scaffold.socket() as client:
        client.settimeout(5)
        with pytest.raises(ConnectionRefusedError):
            client.connect("nobody.test.scaffold:1")


def second_bind() -> None:
    with scaffold.create_server(SERVICE), pytest.raises(OSError) as caught:
        scaffold.create_server(SERVICE)
    assert caught.value.errno == errno.EADDRINUSE
    with (
        scaffold.create_server(SERVICE, reuse_port=True),
        scaffold.create_server(SERVICE, reuse_port=True),
    ):
        pass


def bound_again_after_close() -> None:
    for _ in range(3):
        scaffold.create_server(SERVICE).close()


def selectors_and_non_blocking() -> None:
    with (
        scaffold.create_server(SERVICE) as listener,
        scaffold.socket() as client,
        selectors.DefaultSelector() as selector,
    ):
        listener.setblocking(False)
        client.setblocking(False)
        selector.register(client, selectors.EVENT_WRITE)
        selector.register(listener, selectors.EVENT_READ)
        assert client.connect_ex(SERVICE) == errno.EINPROGRESS
        seen: set[object] = set()
        while len(seen) < 2:
            events = selector.select(5)
            assert events
            seen |= {key.fileobj for key, _ in events}
        client.finish_connect(SERVICE)
        accepted, _ = listener.accept()
        accepted.close()
        with pytest.raises(BlockingIOError):
            listener.accept()


def timeouts() -> None:
    with scaffold.create_server(SERVICE) as listener:
        listener.settimeout(0.05)
        with pytest.raises(TimeoutError):
            listener.accept()
        with scaffold.create_connection(SERVICE, timeout=0.1) as client:
            with pytest.raises(TimeoutError):
                client.recv(1)


def dup_and_detach() -> None:
    with scaffold.create_server(SERVICE) as listener:
        copy = listener.dup()
        listener.close()
        thread = serve_once(copy)
        client = scaffold.create_connection(SERVICE)
        again = scaffold.socket(fileno=client.detach())
        again.sendall(b"z")
        assert again.recv(1) == b"z"
        again.close()
        thread.join()
        copy.close()
    with pytest.raises(TypeError):
        pickle.dumps(again)


def asyncio_streams() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def one(number: int) -> int:
        reader, writer = await scaffold.open_connection(SERVICE)
        writer.write(b"x" * 100_000 * number)
        writer.write_eof()
        count = len(await reader.read())
        writer.close()
        await writer.wait_closed()
        return count

    async def main() -> None:
        async with await scaffold.start_server(echo, SERVICE):
            counts = await asyncio.gather(*(one(number) for number in range(1, 11)))
        assert counts == [100_000 * number for number in range(1, 11)]
        with pytest.raises(ConnectionRefusedError):
            await scaffold.open_connection("nobody.test.scaffold:1")

    asyncio.run(asyncio.wait_for(main(), 20))


def options() -> None:
    with scaffold.create_server(SERVICE) as listener:
        thread = serve_once(listener)
        with scaffold.create_connection(SERVICE, timeout=5) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            assert client.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
            assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
            assert client.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_STREAM
            with pytest.raises(OSError):
                client.setsockopt(socket.IPPROTO_TCP, 31, b"tls\0")  # TCP_ULP must not be faked
        thread.join()


# --- datagrams ------------------------------------------------------------------------------------


def datagram_server() -> scaffold.socket:
    server = scaffold.socket(type=socket.SOCK_DGRAM)
    server.bind(SERVICE)
    server.settimeout(10)
    return server


def datagrams() -> None:
    """Asked without connect, answered to the address that the question came from."""
    with datagram_server() as server, scaffold.socket(type=socket.SOCK_DGRAM) as client:
        assert isinstance(client, scaffold.DatagramSocket)
        client.settimeout(10)
        assert client.sendto(b"question", SERVICE) == 8
        assert client.sendto(b"", 0, (NAME, 4100)) == 0
        data, peer = server.recvfrom(100)
        assert (data, server.recv(100)) == (b"question", b"")
        assert peer == client.getsockname()
        server.sendto(b"answer", peer)
        room = bytearray(100)
        assert client.recvfrom_into(room) == (6, (NAME, 4100))
        assert room[:6] == b"answer"


def connected_datagrams() -> None:
    with datagram_server() as server, scaffold.socket(type=socket.SOCK_DGRAM) as client:
        client.connect(SERVICE)
        assert client.getpeername() == (NAME, 4100)
        client.settimeout(10)
        client.sendmsg([b"in ", b"pieces"])
        assert server.recvmsg(5)[0::2] == (b"in pi", socket.MSG_TRUNC)
        with pytest.raises(OSError, match="long"):
            client.send(bytes(70_000))
        server.close()
        client.send(b"to nobody")
        with pytest.raises(scaffold.NoInstance):
            client.recv(100)


def datagram_timeouts() -> None:
    with datagram_server() as server:
        server.settimeout(0.1)
        with pytest.raises(TimeoutError):
            server.recv(100)
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.recv(100)


def datagrams_on_plain_ip() -> None:
    """An AF_INET socket takes both: plain IP as ever, and a service by its address."""
    with (
        datagram_server() as server,
        socket.socket(type=socket.SOCK_DGRAM) as plain,
        scaffold.socket(socket.AF_INET, socket.SOCK_DGRAM) as to_ip,
        scaffold.socket(socket.AF_INET, socket.SOCK_DGRAM) as to_service,
    ):
        plain.bind(("127.0.0.1", 0))
        to_ip.sendto(b"plain", plain.getsockname())
        plain.settimeout(10)
        assert plain.recv(100) == b"plain"
        to_service.sendto(b"named", SERVICE)
        assert server.recv(100) == b"named"


def datagram_control_messages() -> None:
    with datagram_server() as server, scaffold.socket(type=socket.SOCK_DGRAM) as client:
        server.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        client.sendto(b"x", SERVICE)
        data, control, flags, _ = server.recvmsg(10, 100)
        assert (data, flags) == (b"x", 0)
        assert [(level, kind) for level, kind, _ in control] == [(socket.IPPROTO_IP, socket.IP_TOS)]


def duplicates_of_datagrams() -> None:
    with datagram_server() as server, scaffold.socket(type=socket.SOCK_DGRAM) as client:
        other = server.dup()
        server.close()
        client.sendto(b"x", SERVICE)
        with other:
            other.settimeout(10)
            assert other.recv(100) == b"x"


def asyncio_datagrams() -> None:
    class Echo(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, address: object) -> None:
            self.transport.sendto(data.upper(), address)  # type: ignore[attr-defined]

    class Ask(asyncio.DatagramProtocol):
        def __init__(self) -> None:
            self.answer = asyncio.get_running_loop().create_future()

        def datagram_received(self, data: bytes, address: object) -> None:
            self.answer.set_result((data, address))

    async def body() -> None:
        serving, _ = await scaffold.create_datagram_endpoint(Echo, local=SERVICE)
        for remote in (SERVICE, None):
            asking, ask = await scaffold.create_datagram_endpoint(Ask, remote=remote)
            asking.sendto(b"hello", None if remote else (NAME, 4100))
            assert await asyncio.wait_for(ask.answer, 10) == (b"HELLO", (NAME, 4100))
            asking.close()
        serving.close()

    asyncio.run(body())


def names_of_the_standard_library() -> None:
    """scaffold.inet, where a host is a service."""
    packed = inet.inet_aton(NAME)
    assert inet.inet_ntoa(packed) == inet.inet_ntop(socket.AF_INET, packed) == NAME
    assert socket.inet_ntoa(packed) == inet.gethostbyname(NAME) == inet.gethostbyname(NAME.encode())
    assert inet.inet_ntop(socket.AF_INET6, inet.inet_pton(socket.AF_INET6, NAME)) == NAME
    assert inet.inet_pton(socket.AF_INET6, f"::ffff:{NAME}") == bytes(10) + b"\xff\xff" + packed
    entries = inet.getaddrinfo(NAME, 4100, 0, socket.SOCK_STREAM)
    assert len(entries) == 1
    family, kind, proto, _, address = entries[0]
    with inet.create_server((NAME, 4100)) as listener:
        thread = serve_once(listener)
        with inet.socket(family, kind, proto) as client:
            client.settimeout(5)
            client.connect(address)
            client.sendall(b"hello")
            client.shutdown(socket.SHUT_WR)
            assert client.recv(100) == b"hello"
        thread.join(5)

    async def streams() -> None:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.read(100))
            writer.close()

        async with await inet.start_server(echo, NAME, 4101):
            reader, writer = await inet.open_connection(NAME, 4101)
            writer.write(b"hello")
            assert await reader.read(100) == b"hello"
            writer.close()

    asyncio.run(streams())


def port_by_name(port: int) -> str:
    """As /etc/services calls it; where there is none, its digits."""
    try:
        return socket.getservbyport(port)
    except OSError:
        return str(port)


def arguments_of_the_standard_library() -> None:
    """What socket and asyncio take beside a host and a number holds for services as well."""
    with inet.create_server((NAME, 80)) as listener:
        thread = serve_once(listener)
        inet.create_connection((NAME, port_by_name(80)), timeout=5).close()
        thread.join(5)

    async def streams() -> None:
        hello = asyncio.get_running_loop().create_future()

        async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            hello.set_result(await reader.read(10_000))
            writer.close()

        server = await inet.start_server(refuse, NAME, "4101", reuse_port=True)
        (await inet.start_server(refuse, NAME, 4101, reuse_port=True)).close()
        async with server:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await inet.open_connection(NAME, "4101", ssl=ssl.create_default_context())
            assert NAME.encode() in await hello  # the name for which a certificate is asked

    asyncio.run(streams())


BODIES = [
    round_trip,
    sent_after_the_end,
    addresses,
    pool_addresses,
    nobody_there,
    second_bind,
    bound_again_after_close,
    selectors_and_non_blocking,
    timeouts,
    dup_and_detach,
    asyncio_streams,
    options,
    datagrams,
    connected_datagrams,
    datagram_timeouts,
    datagrams_on_plain_ip,
    datagram_control_messages,
    duplicates_of_datagrams,
    asyncio_datagrams,
    names_of_the_standard_library,
    arguments_of_the_standard_library,
]


def no_scaffoldd() -> None:
    """Run where none answers."""
    with pytest.raises(scaffold.NoDaemon) as caught:
        scaffold.create_connection(SERVICE)
    assert caught.value.errno == errno.ENETDOWN
    assert "scaffold" in str(caught.value)
    with pytest.raises(scaffold.NoDaemon):
        scaffold.create_server(SERVICE)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
