"""What libraries do with sockets, done with those of `scaffold.inet`: test bodies that
`test_users_of_sockets.py` runs, each in a fresh process. None may import what it is about before it
has made a socket."""

import sys

if __name__ == "__main__" and sys.argv[2] == "late":  # gevent patches before all that it patches
    from gevent import monkey

    monkey.patch_all()

import asyncio
import contextlib
import errno
import os
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

from scaffold import NoInstance, inet

NAME = "users.test.scaffold"
WAIT_S = 10.0


def places() -> list[tuple[str, int]]:
    """A service, and plain IP: what holds for one holds for the other."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return [(NAME, 5000), free.getsockname()]


def in_pool(address: Any) -> bool:
    """An address of four or six, whether of a service or plain."""
    return isinstance(address, tuple) and address[0].startswith(("198.18.", "127."))


def on_a_thread(call: Callable[..., Any], *arguments: Any) -> threading.Thread:
    """Started, and not waited for."""
    thread = threading.Thread(target=call, args=arguments, daemon=True)
    thread.start()
    return thread


def failure(call: Callable[..., Any], *arguments: Any) -> Any:
    """What it raises."""
    try:
        call(*arguments)
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def slow_names(sleep: Callable[[float], None]) -> None:
    """Have scaffoldd take its time to answer."""
    from scaffold import names

    library: Any = names.lib

    class SlowLibrary:
        def __getattr__(self, name: str) -> Any:
            return getattr(library, name)

        def scaffold_getaddrinfo(self, *about: Any) -> Any:
            sleep(0.3)
            return library.scaffold_getaddrinfo(*about)

    names.lib = SlowLibrary()  # type: ignore[assignment]


def contexts() -> tuple[Any, Any]:
    """A server's and a client's, that trust each other by a key and a certificate in one file."""
    import ssl

    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(sys.argv[3])
    return server, ssl.create_default_context(cafile=sys.argv[3])


def check_tls(one: Any) -> None:
    """It is of `ssl`, of `socket` and of ours."""
    import ssl

    assert isinstance(one, ssl.SSLSocket)
    assert isinstance(one, socket.socket)
    assert isinstance(one, inet.socket)
    assert (one.family, one.type) == (socket.AF_INET, socket.SOCK_STREAM)
    assert in_pool(one.getpeername())
    assert in_pool(one.getsockname())
    assert one.version() == "TLSv1.3"


def greet(listener: Any, count: int = 1) -> None:
    """Serve so many connections of TLS."""
    for _ in range(count):
        flow, peer = listener.accept()
        with flow:
            check_tls(flow)
            assert flow.getpeername() == peer
            flow.sendall(b"hello " + flow.recv(100))


def ask(flow: Any) -> None:
    """The client's side of it."""
    with flow:
        flow.sendall(b"you")
        check_tls(flow)
        assert flow.recv(100) == b"hello you"
        assert flow.recv(100) == b""


def tls() -> None:
    """Both ways of a client, and of a server."""
    for address in places():
        with inet.create_server(address) as listener:
            server, client = contexts()
            tls_listener = server.wrap_socket(listener, server_side=True)
        with tls_listener:
            assert in_pool(tls_listener.getsockname())
            serving = on_a_thread(greet, tls_listener, 3)
            there = tls_listener.getsockname()
            raw = inet.create_connection(address, WAIT_S)
            ask(client.wrap_socket(raw, server_hostname=NAME))
            for target in (address, there):
                unconnected = client.wrap_socket(inet.socket(), server_hostname=NAME)
                unconnected.settimeout(WAIT_S)
                unconnected.connect(target)
                ask(unconnected)
            serving.join(WAIT_S)
            assert not serving.is_alive()


def tls_of_accepted() -> None:
    """A server that wraps what it has accepted."""
    for address in places():
        with inet.create_server(address) as listener:
            server, client = contexts()

            def serve(listener: Any = listener, server: Any = server) -> None:
                flow, _ = listener.accept()
                with server.wrap_socket(flow, server_side=True) as flow:
                    check_tls(flow)
                    flow.sendall(b"hello " + flow.recv(100))

            serving = on_a_thread(serve)
            raw = inet.create_connection(address, WAIT_S)
            ask(client.wrap_socket(raw, server_hostname=NAME))
            serving.join(WAIT_S)
            assert not serving.is_alive()


def tls_over_unix() -> None:
    """As over any socket: nothing goes out before the handshake."""
    server, client = contexts()
    with tempfile.TemporaryDirectory() as folder, inet.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/s")
        listener.listen()

        def serve() -> None:
            with server.wrap_socket(listener.accept()[0], server_side=True) as flow:
                assert flow.version() == "TLSv1.3"
                flow.sendall(b"hello " + flow.recv(100))

        serving = on_a_thread(serve)
        with client.wrap_socket(inet.socket(socket.AF_UNIX), server_hostname=NAME) as flow:
            flow.settimeout(WAIT_S)
            flow.connect(f"{folder}/s")
            flow.sendall(b"you")
            assert flow.version() == "TLSv1.3"
            assert flow.recv(100) == b"hello you"
        serving.join(WAIT_S)
        assert not serving.is_alive()


def tls_of_others() -> None:
    """`ssl` is as it was to who looks at it, and of sockets that are not ours come its own."""
    _, client = contexts()
    import ssl

    assert ssl.SSLContext.sslsocket_class is client.sslsocket_class is ssl.SSLSocket
    with client.wrap_socket(socket.socket(), server_hostname=NAME) as one:
        assert type(one) is ssl.SSLSocket


def tls_of_own_classes() -> None:
    """Of a program's class come sockets of ours that are of that class as well."""
    server, client = contexts()
    import ssl

    told = []

    class Mine(ssl.SSLSocket):
        def connect(self, address: Any) -> None:
            told.append("connect")
            super().connect(address)

    client.sslsocket_class = Mine
    with client.wrap_socket(socket.socket(), server_hostname=NAME) as one:
        assert type(one) is Mine
    for address in places():
        with server.wrap_socket(inet.create_server(address), server_side=True) as listener:
            serving = on_a_thread(greet, listener)
            flow = client.wrap_socket(inet.socket(), server_hostname=NAME)
            assert isinstance(flow, Mine)
            flow.settimeout(WAIT_S)
            flow.connect(address)
            ask(flow)
            serving.join(WAIT_S)
            assert told.pop() == "connect"


def tls_over_asyncio() -> None:
    """Which makes no sockets of `ssl`."""
    server, client = contexts()

    async def body() -> None:
        served = asyncio.Semaphore(0)

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"hello " + await reader.read(100))
            writer.close()
            await writer.wait_closed()
            served.release()

        for host, port in places():
            async with await inet.start_server(answer, host, port, ssl=server):
                reader, writer = await inet.open_connection(
                    host, port, ssl=client, server_hostname=NAME, happy_eyeballs_delay=0.2
                )
                assert in_pool(writer.get_extra_info("peername"))
                writer.write(b"you")
                assert await reader.read(100) == b"hello you"
                writer.close()
                await writer.wait_closed()
                await served.acquire()

    asyncio.run(body())


# --- asyncio's loops ------------------------------------------------------------------------------


class Echo(asyncio.Protocol):
    """Answers, and ends."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(b"hello " + data)
        self.transport.close()


class Ask(asyncio.Protocol):
    """Asks, and keeps the answer."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        assert in_pool(transport.get_extra_info("peername"))
        transport.write(b"you")

    def data_received(self, data: bytes) -> None:
        self.answer.set_result(data)


def loops_connect() -> None:
    """By name: what makes sockets of its own, and what is given one."""

    async def body() -> None:
        loop = asyncio.get_running_loop()
        for host, port in places():
            async with await loop.create_server(Echo, host, port):
                _, ask = await loop.create_connection(Ask, host, port)
                assert await ask.answer == b"hello you"
                with inet.socket() as one:
                    one.setblocking(False)
                    await loop.sock_connect(one, (host, port))
                    await loop.sock_sendall(one, b"you")
                    assert await loop.sock_recv(one, 100) == b"hello you"
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                assert in_pool(found[0][4])
                assert found == inet.getaddrinfo(host, port, type=socket.SOCK_STREAM)

    asyncio.run(body())


def loops_go_on() -> None:
    """While a service is looked up, by whatever names one."""
    ticks: list[int] = []

    async def tick() -> None:
        while True:
            await asyncio.sleep(0.01)
            ticks.append(0)

    async def body() -> None:
        loop = asyncio.get_running_loop()
        ticking = loop.create_task(tick())
        with inet.socket() as one:
            one.setblocking(False)
            for call in (
                inet.open_connection("nobody.test.scaffold", 80),
                inet.start_server(Echo, "nobody..scaffold", 80),
                loop.create_connection(Ask, "nobody.test.scaffold", 80),
                loop.getaddrinfo("nobody.test.scaffold", 80),
                loop.sock_connect(one, ("nobody.test.scaffold", 80)),
            ):
                ticks.clear()
                with contextlib.suppress(OSError):
                    await call
                assert len(ticks) > 5
        ticking.cancel()

    slow_names(time.sleep)
    asyncio.run(body())


def loops_serve_several() -> None:
    """A list of hosts, one of which is a service; asked for by another name of its port."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    async def body() -> None:
        port = places()[1][1]
        async with await inet.start_server(answer, [NAME, "127.0.0.1"], port) as server:
            assert len(server.sockets) == 2
            for host in (NAME, "127.0.0.1"):
                reader, writer = await inet.open_connection(host, str(port))
                assert await reader.read() == b"hello"
                writer.close()
        for started in (True, False):
            late = await inet.start_server(answer, NAME, port, start_serving=started)
            assert late.is_serving() is started
            late.close()

    asyncio.run(body())


def loops_send_datagrams() -> None:
    """An endpoint that is bound to a service, and one that is connected to it."""

    class EchoDatagrams(asyncio.DatagramProtocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, peer: Any) -> None:
            assert in_pool(peer)
            self.transport.sendto(b"hello " + data, peer)

    class AskDatagrams(asyncio.DatagramProtocol):
        def __init__(self) -> None:
            self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        def datagram_received(self, data: bytes, _: Any) -> None:
            self.answer.set_result(data)

    async def body() -> None:
        loop = asyncio.get_running_loop()
        for address in places():
            serving, _ = await loop.create_datagram_endpoint(EchoDatagrams, local_addr=address)
            asking, ask = await loop.create_datagram_endpoint(AskDatagrams, remote_addr=address)
            asking.sendto(b"you")
            assert await asyncio.wait_for(ask.answer, WAIT_S) == b"hello you"
            asking.close()
            serving.close()

    asyncio.run(body())


def loops_tell_failures() -> None:
    """A stream's as what befell the service."""
    import scaffold

    async def body() -> None:
        for host, port in places():
            with inet.create_server((host, port)):
                kinds: list[Any] = []
                for call in (inet.start_server(Echo, host, port), inet.open_connection(host, 1)):
                    try:
                        await call
                    except OSError as error:
                        kinds.append(type(error))
            assert kinds[0] is OSError  # EADDRINUSE
            assert kinds[1] is (scaffold.NoInstance if host == NAME else ConnectionRefusedError)

    asyncio.run(body())


# --- other processes ------------------------------------------------------------------------------


def receive(pipe: Any) -> None:
    """The child's part: it serves one connection, and says whom it saw."""
    listener = pipe.recv()
    assert type(listener) is inet.socket
    pipe.send((listener.family, listener.getsockname()))
    flow, peer = listener.accept()
    with flow, listener:
        flow.sendall(b"from the child")
        pipe.send((peer, flow.getpeername()))


def multiprocessing_sends() -> None:
    """A listener to a process that has had no service before."""
    import multiprocessing

    for address in places():
        spawn = multiprocessing.get_context("spawn")
        here, there = spawn.Pipe()
        child = spawn.Process(target=receive, args=(there,), daemon=True)
        child.start()
        with inet.create_server(address) as listener:
            here.send(listener)
            assert here.recv() == (socket.AF_INET, listener.getsockname())
        with inet.create_connection(address, WAIT_S) as client:
            assert client.recv(100) == b"from the child"
            assert here.recv() == (client.getsockname(), client.getsockname())
        child.join(WAIT_S)
        assert child.exitcode == 0


def multiprocessing_sends_datagrams() -> None:
    """The same of datagrams, within one process."""
    import multiprocessing

    with inet.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((NAME, 5001))
        here, there = multiprocessing.Pipe()
        here.send(server)
        with there.recv() as other, inet.socket(type=socket.SOCK_DGRAM) as client:
            assert (other.family, other.type) == (socket.AF_INET, socket.SOCK_DGRAM)
            assert other.getsockname() == server.getsockname()
            client.sendto(b"x", (NAME, 5001))
            other.settimeout(WAIT_S)
            data, peer = other.recvfrom(9)
            assert (data, peer[1]) == (b"x", client.getsockname()[1])


def inherited() -> None:
    """A descriptor that was there before the program, wrapped by its number alone."""
    about = "import sys; from scaffold import inet; s = inet.socket(fileno=int(sys.argv[1])); "
    for address in places():
        with inet.create_server(address) as listener:
            number = listener.fileno()
            done = subprocess.run(
                [
                    sys.executable,
                    "-c",
                    about + "print(int(s.family), *s.getsockname())",
                    str(number),
                ],
                pass_fds=[number],
                stdout=subprocess.PIPE,
                text=True,
            )
            host, port = listener.getsockname()
            assert done.stdout == f"2 {host} {port}\n"


def numbers_that_were_others() -> None:
    """A descriptor's number is that of a plain socket that was closed."""
    for family in (socket.AF_INET, socket.AF_INET6):
        with inet.socket(family) as listener:
            listener.bind((NAME, 5002))
            plain = inet.socket(family)
            number = plain.fileno()
            plain.close()
            assert os.dup(listener.fileno()) == number
            with inet.socket(fileno=number) as again:
                assert again.family == family
                assert again.getsockname() == listener.getsockname()


# --- classes of a program's own ------------------------------------------------------------------


def own_classes() -> None:
    """Constructors with arguments of their own, and calls that are overridden."""

    class Asked(inet.socket):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(socket.AF_INET, socket.SOCK_DGRAM)

        def recv(self, *about: int) -> bytes:
            return b"own " + super().recv(*about)  # type: ignore[no-any-return]

    class To(inet.socket):  # type: ignore[misc]
        def __init__(self, host: str, *, port: int) -> None:
            super().__init__(socket.AF_INET, socket.SOCK_STREAM)
            self.settimeout(WAIT_S)
            self.connect((host, port))

    for host, port in places():
        with Asked() as server, Asked() as client:
            server.bind((host, port))
            server.settimeout(WAIT_S)
            client.connect((host, port))
            client.send(b"hello")
            assert server.recv(9) == b"own hello"
        with inet.create_server((host, port)) as listener, To(host, port=port) as flow:
            accepted, peer = listener.accept()
            accepted.close()
            assert peer == flow.getsockname()


# --- gevent ---------------------------------------------------------------------------------------


def serve_together(listener: Any) -> None:
    """Answer nobody before everybody is there: one that blocked the others would wait for ever."""
    flows = [listener.accept()[0] for _ in range(4)]
    for flow in flows:
        with flow:
            assert isinstance(flow, inet.socket)
            assert in_pool(flow.getpeername())
            flow.sendall(b"hello " + flow.recv(100))


def fetch(address: Any, client: Any) -> bytes:
    """One request, over TLS if there is a context."""
    flow: Any = inet.create_connection(address, WAIT_S)
    assert isinstance(flow, socket.socket)
    if client is not None:
        flow = client.wrap_socket(flow, server_hostname=NAME)
        assert isinstance(flow, inet.socket)
    with flow:
        assert in_pool(flow.getpeername())
        flow.sendall(b"you")
        answer: bytes = flow.makefile("rb").read()
        return answer


def under_gevent() -> None:
    """Several connections at once in one thread."""
    import gevent

    for address in places():
        for server, client in ((None, None), contexts()):
            listener = inet.create_server(address)
            if server is not None:
                listener = server.wrap_socket(listener, server_side=True)
            with listener, gevent.Timeout(WAIT_S):
                serving = gevent.spawn(serve_together, listener)
                jobs = [gevent.spawn(fetch, address, client) for _ in range(4)]
                assert [job.get() for job in jobs] == [b"hello you"] * 4
                serving.get()


def connecting_under_gevent() -> None:
    """By name, of TLS before it is connected; refusals and timeouts are those of `socket`."""
    import gevent

    server, client = contexts()
    for address in places():
        with inet.create_server(address) as listener, gevent.Timeout(WAIT_S):
            tls_listener = server.wrap_socket(listener, server_side=True)
            serving = gevent.spawn(greet, tls_listener)
            flow = client.wrap_socket(inet.socket(), server_hostname=NAME)
            flow.connect(address)
            ask(flow)
            serving.get()
            tls_listener.settimeout(0.01)
            assert failure(tls_listener.accept).args == ("timed out",)
            tls_listener.close()
            kinds = {NAME: NoInstance, "127.0.0.1": ConnectionRefusedError}
            for timeout in (None, WAIT_S):
                with inet.socket() as refused:
                    refused.settimeout(timeout)
                    assert type(failure(refused.connect, address)) is kinds[address[0]]
                with inet.socket() as refused:
                    refused.settimeout(timeout)
                    assert refused.connect_ex(address) == errno.ECONNREFUSED
            assert type(failure(inet.create_connection, address)) is kinds[address[0]]
    for module in (socket, inet):  # a family of which gevent looks up no name
        with module.socket(socket.AF_UNIX) as one:
            assert failure(one.connect, "/nowhere/s").errno == errno.ENOENT
            assert type(failure(one.connect, ("lo", 0))) is TypeError


def names_under_gevent() -> None:
    """While one waits for scaffoldd's answer the others go on."""
    import gevent
    from gevent import monkey

    def tick() -> None:
        while True:
            gevent.sleep(0.01)
            ticks.append(0)

    ticks: list[int] = []
    slow_names(monkey.get_original("time", "sleep"))
    ticking = gevent.spawn(tick)
    nobody = ("nobody.test.scaffold", 80)
    with inet.socket() as stream, inet.socket(type=socket.SOCK_DGRAM) as datagrams:
        for call in (
            lambda: inet.create_connection(nobody, timeout=1),
            lambda: stream.connect_ex(nobody),
            lambda: datagrams.sendto(b"x", nobody),
            lambda: datagrams.bind((NAME, 5003)),
            lambda: inet.gethostbyname(NAME),
            lambda: inet.getaddrinfo("nobody..scaffold", 80),
        ):
            ticks.clear()
            with contextlib.suppress(OSError):
                call()
            assert len(ticks) > 5
    ticking.kill()


def datagrams_under_gevent() -> None:
    """A question and its answer."""
    import gevent

    for address in places():
        with inet.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, gevent.Timeout(WAIT_S):
            server.bind(address)
            question = gevent.spawn(server.recvfrom, 100)
            with inet.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                assert client.sendto(b"question", address) == 8
                data, peer = question.get()
                assert (data, peer[1]) == (b"question", client.getsockname()[1])
                server.sendto(b"answer", peer)
                assert client.recv(100) == b"answer"


def wsgi_under_gevent() -> None:
    """gevent's own server on a listener of ours."""
    import gevent.pywsgi

    def application(environment: Any, start: Any) -> list[bytes]:
        start("200 OK", [("Content-Length", "2")])
        assert in_pool((environment["REMOTE_ADDR"],))
        return [b"ok"]

    for address in places():
        server = gevent.pywsgi.WSGIServer(inet.create_server(address), application, log=None)
        server.start()
        with inet.create_connection(address, WAIT_S) as flow:
            flow.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert flow.makefile("rb").read().endswith(b"\r\n\r\nok")
        server.stop()


def gevents_own_objects() -> None:
    """What gevent's servers make of what they accept, and of a descriptor that they are given."""
    import gevent.server
    import gevent.socket

    seen = []

    def handle(flow: Any, peer: Any) -> None:
        seen.append((flow.getpeername(), peer, flow.getsockname()))
        flow.sendall(b"hello " + flow.recv(100))
        flow.close()

    server_context, client = contexts()
    for address in places():
        for options in ({}, {"ssl_context": server_context}):
            listener = inet.create_server(address)
            about = (listener.family, listener.type, listener.proto)
            again = gevent.socket.socket(*about, fileno=os.dup(listener.fileno()))
            assert again.getsockname() == listener.getsockname()
            server = gevent.server.StreamServer(again, handle, **options)
            server.start()
            assert fetch(address, client if options else None) == b"hello you"
            peer, told, own = seen.pop()
            assert peer == told
            assert in_pool(peer)
            assert own == listener.getsockname()
            server.stop()
            listener.close()


BODIES = [
    tls,
    tls_of_accepted,
    tls_over_unix,
    tls_of_others,
    tls_of_own_classes,
    tls_over_asyncio,
    loops_connect,
    loops_go_on,
    loops_serve_several,
    loops_send_datagrams,
    loops_tell_failures,
    multiprocessing_sends,
    multiprocessing_sends_datagrams,
    inherited,
    numbers_that_were_others,
    own_classes,
]
UNDER_GEVENT = [
    under_gevent,
    connecting_under_gevent,
    names_under_gevent,
    datagrams_under_gevent,
    wsgi_under_gevent,
    gevents_own_objects,
    tls_over_unix,
    tls_of_others,
    tls_of_own_classes,
    inherited,
    numbers_that_were_others,
    own_classes,
]

if __name__ == "__main__":
    if sys.argv[2] == "early":
        from gevent import monkey

        monkey.patch_all()
    globals()[sys.argv[1]]()
