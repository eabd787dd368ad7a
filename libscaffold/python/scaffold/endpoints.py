"""asyncio's datagrams to and from services."""

import asyncio
import socket as _socket
from collections.abc import Callable

from .names import AF_SCAFFOLD, Address
from .sockets import socket


async def create_datagram_endpoint(
    protocol_factory: Callable[[], asyncio.DatagramProtocol],
    *,
    local: Address | None = None,
    remote: Address | None = None,
) -> tuple[asyncio.DatagramTransport, asyncio.DatagramProtocol]:
    """asyncio's datagram endpoint for services: bound to `local`, or connected to `remote`.

    With neither, `transport.sendto(data, "name:port")` goes wherever it says. Raises as
    `scaffold.socket.bind` and `connect` do.
    """
    endpoint = socket(AF_SCAFFOLD, _socket.SOCK_DGRAM)
    try:
        endpoint.setblocking(False)
        if local is not None:
            endpoint.bind(local)
        if remote is not None:
            endpoint.connect(remote)
        loop = asyncio.get_running_loop()
        return await loop.create_datagram_endpoint(protocol_factory, sock=endpoint)
    except BaseException:
        endpoint.close()
        raise
