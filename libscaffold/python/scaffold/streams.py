"""asyncio streams to and from services."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from . import names
from .names import Address
from .sockets import create_server, socket

ClientCallback = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None] | None]


async def open_connection(
    service: Address, **options: Any
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a flow to a service: `asyncio.open_connection` for names like "web.acme.scaffold:80".

    `options` are those of asyncio.open_connection that concern the stream (`limit`, `ssl`, ...);
    `server_hostname` is the service's name unless given. Raises as `scaffold.socket.connect` does;
    wrap in asyncio.timeout to wait for less than the protocol does.
    """
    if options.get("ssl") and options.get("server_hostname") is None:
        name = service if isinstance(service, str) else service[0]
        options["server_hostname"] = names.split_service(name)[0]
    connection = socket()
    connection.setblocking(False)
    try:
        await connect(connection, service)
        return await asyncio.open_connection(sock=connection, **options)
    except BaseException:
        connection.close()
        raise


async def connect(connection: socket, address: Address) -> None:
    """Connect a non-blocking socket and wait, without blocking the loop, until it is open."""
    try:
        connection.connect(address)
        return
    except BlockingIOError:
        pass
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    loop.add_writer(connection.fileno(), _settle, done)
    try:
        await done
    finally:
        loop.remove_writer(connection.fileno())
    connection.finish_connect(address)


def _settle(done: "asyncio.Future[None]") -> None:
    if not done.done():
        done.set_result(None)


async def start_server(
    callback: ClientCallback,
    service: Address,
    *,
    backlog: int = 128,
    reuse_port: bool | None = None,
    **options: Any,
) -> asyncio.Server:
    """Serve a service: `asyncio.start_server` for names like "web.acme.scaffold:80".

    `reuse_port` allows further instances on this host; `options` are those of asyncio.start_server
    that concern streams. Closing the returned server
    ends this instance's registration.
    """
    listener = create_server(service, backlog=backlog, reuse_port=bool(reuse_port))
    listener.setblocking(False)
    try:
        return await asyncio.start_server(callback, sock=listener, backlog=backlog, **options)
    except BaseException:
        listener.close()
        raise
