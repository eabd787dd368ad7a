"""What programs do with rewritten packages, towards a service's name and towards plain IP: test
bodies that `test_packages.py` runs, each in a fresh process whose environment has the package."""

import sys

if __name__ == "__main__" and sys.argv[2] == "late":  # gevent patches before all that it patches
    from gevent import monkey

    monkey.patch_all()

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from python.users_of_sockets import (
    NAME,
    WAIT_S,
    contexts,
    in_pool,
    on_a_thread,
    places,
)
from scaffold import inet

if __name__ == "__main__" and sys.argv[2] == "early":
    from gevent import monkey

    monkey.patch_all()

CERTIFICATE = sys.argv[-1]
"""A file with a key and a certificate of the service; for gunicorn, which loads this file, too, it
means nothing."""
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"


# --- clients of the web ---------------------------------------------------------------------------


def answer(listener: Any) -> None:
    """One request."""
    flow, _ = listener.accept()
    with flow:
        assert flow.recv(10_000).startswith(b"GET / HTTP/1.1\r\n")
        flow.sendall(ANSWER)


def urllib3() -> None:
    """A pool by name, plain and with a certificate that is checked against it."""
    import urllib3

    for host, port in places():
        for scheme in ("http", "https")[: 1 + (host == NAME)]:
            with inet.create_server((host, port)) as listener:
                if scheme == "https":
                    listener = contexts()[0].wrap_socket(listener, server_side=True)
                serving = on_a_thread(answer, listener)
                with urllib3.PoolManager(ca_certs=CERTIFICATE, timeout=WAIT_S) as pool:
                    got = pool.request("GET", f"{scheme}://{host}:{port}/", retries=False)
                assert (got.status, got.data) == (200, b"hello")
                serving.join(WAIT_S)
                listener.close()


def tornado() -> None:
    """Its server and its client."""
    from tornado.httpclient import AsyncHTTPClient
    from tornado.httpserver import HTTPServer
    from tornado.web import Application, RequestHandler

    class Hello(RequestHandler):
        def get(self) -> None:
            assert in_pool((self.request.remote_ip,))
            self.write("hello")

    async def body() -> None:
        for host, port in places():
            for scheme, context in (("http", None), ("https", contexts()[0]))[: 1 + (host == NAME)]:
                server = HTTPServer(Application([("/", Hello)]), ssl_options=context)
                server.listen(port, host)
                client = AsyncHTTPClient()
                got = await client.fetch(f"{scheme}://{host}:{port}/", ca_certs=CERTIFICATE)
                assert got.body == b"hello"
                client.close()
                server.stop()
                await server.close_all_connections()

    asyncio.run(body())


# --- secure shells --------------------------------------------------------------------------------


def paramiko() -> None:
    """A command over a client, at a server that its program accepts for."""
    import paramiko

    key = paramiko.ECDSAKey.generate()

    class Anybody(paramiko.ServerInterface):
        def get_allowed_auths(self, username: str) -> str:
            return "password"

        def check_auth_password(self, username: str, password: str) -> int:
            return paramiko.AUTH_SUCCESSFUL

        def check_channel_request(self, kind: str, chanid: int) -> int:
            return paramiko.OPEN_SUCCEEDED

        def check_channel_exec_request(self, channel: Any, command: bytes) -> bool:
            on_a_thread(self.run, channel, command)
            return True

        def run(self, channel: Any, command: bytes) -> None:
            channel.sendall(command + b" " + channel.recv(100))
            channel.send_exit_status(0)
            channel.close()

    def serve(listener: Any) -> None:
        flow, _ = listener.accept()
        transport = paramiko.Transport(flow)
        transport.add_server_key(key)
        transport.start_server(server=Anybody())
        transport.join(WAIT_S)

    for host, port in places():
        with inet.create_server((host, port)) as listener:
            serving = on_a_thread(serve, listener)
            with paramiko.SSHClient() as client:
                client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
                client.connect(host, port, "you", "secret", allow_agent=False, look_for_keys=False)
                assert in_pool(client.get_transport().getpeername())
                to, out, _ = client.exec_command("hello", timeout=WAIT_S)
                to.write("you")
                assert out.read() == b"hello you"
            serving.join(WAIT_S)
            assert not serving.is_alive()


def asyncssh() -> None:
    """Its server, its client, and a port that the server opens for it."""
    import asyncssh

    def handle(process: Any) -> None:
        process.stdout.write(f"hello {process.command}")
        process.exit(0)

    async def body() -> None:
        key = asyncssh.generate_private_key("ssh-ed25519")
        for host, port in places():
            known = asyncssh.import_known_hosts(f"* {key.export_public_key().decode()}")
            async with (
                asyncssh.listen(
                    host,
                    port,
                    server_host_keys=[key],
                    process_factory=handle,
                    authorized_client_keys=known_client(key),
                ),
                asyncssh.connect(
                    host, port, username="you", client_keys=[key], known_hosts=known, config=None
                ) as connection,
            ):
                assert in_pool(connection.get_extra_info("peername"))
                done = await connection.run("you", check=True)
                assert done.stdout == "hello you"

    def known_client(key: Any) -> Any:
        return asyncssh.import_authorized_keys(key.export_public_key().decode())

    asyncio.run(body())


# --- stores ---------------------------------------------------------------------------------------
# Their servers run on the same host, under the shim: plain at one port, TLS at the next.

PLAIN_PORT, TLS_PORT = 5000, 5001


def redis() -> None:
    """Both of its clients."""
    import redis
    import redis.asyncio

    tls = {"ssl": True, "ssl_ca_certs": CERTIFICATE}
    for port, options in ((PLAIN_PORT, {}), (TLS_PORT, tls)):
        with redis.Redis(NAME, port, socket_timeout=WAIT_S, **options) as client:
            assert client.set("greeting", "hello")
            assert client.get("greeting") == b"hello"
            with client.pubsub(ignore_subscribe_messages=True) as listening:
                listening.subscribe("news")
                listening.get_message(timeout=WAIT_S)
                client.publish("news", "today")
                message = listening.get_message(timeout=WAIT_S)
                assert message is not None
                assert message["data"] == b"today"

        async def body(port: int = port, options: Any = options) -> None:
            async with redis.asyncio.Redis(host=NAME, port=port, **options) as client:
                assert await client.get("greeting") == b"hello"

        asyncio.run(body())


def pymemcache() -> None:
    """Which is given the module that it makes its sockets with."""
    from pymemcache.client.base import Client, PooledClient

    for port, context in ((PLAIN_PORT, None), (TLS_PORT, contexts()[1])):
        for kind in (Client, PooledClient):
            client = kind((NAME, port), socket_module=inet, tls_context=context, timeout=WAIT_S)
            client.set("greeting", b"hello", noreply=False)
            assert client.get("greeting") == b"hello"
            client.close()


# --- a server of programs -------------------------------------------------------------------------


@contextmanager
def gunicorn_at(host: str, port: int, worker: str, *options: str) -> Iterator[None]:
    """It serves this file's `application`."""
    command = [sys.executable, "-m", "gunicorn", "--bind", f"{host}:{port}", "-k", worker, *options]
    process = subprocess.Popen(
        [*command, "--no-control-socket", f"{Path(__file__).stem}:application"],
        cwd=Path(__file__).parent,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = [""]
    try:
        while "Booting worker" not in said[-1]:
            said.append(process.stderr.readline())
            assert said[-1], "".join(said)
        yield
    finally:
        process.terminate()
        process.communicate(timeout=WAIT_S)


def application(environment: Any, start: Callable[..., Any]) -> list[bytes]:
    """Who asked, and over what."""
    assert in_pool((environment["REMOTE_ADDR"],))
    start("200 OK", [("Content-Length", "5")])
    return [b"hello" if environment["wsgi.url_scheme"] == "http" else b"HELLO"]


def gunicorn() -> None:
    """Workers that take one request at a time, threads, and greenlets; each with TLS, too."""
    pair = ("--certfile", CERTIFICATE, "--keyfile", CERTIFICATE)
    for worker in ("sync", "gthread", "gevent"):
        for options, expected in (((), b"hello"), (pair, b"HELLO")):
            for address in places():
                with gunicorn_at(*address, worker, *options):
                    flow: Any = inet.create_connection(address, WAIT_S)
                    if options:
                        flow = contexts()[1].wrap_socket(flow, server_hostname=NAME)
                    with flow:
                        flow.sendall(b"GET / HTTP/1.0\r\n\r\n")
                        assert flow.makefile("rb").read().endswith(b"\r\n\r\n" + expected)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
