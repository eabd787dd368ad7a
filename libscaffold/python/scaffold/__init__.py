"""Bind to a service, connect to a service.

    import scaffold

    with scaffold.create_connection("cache.acme.scaffold:11211") as flow:
        flow.sendall(b"version\\r\\n")

`scaffold.socket` is `socket.socket` for services, streams and datagrams; `open_connection` and
`start_server` are asyncio's streams for them, `create_datagram_endpoint` its datagrams.
"""

from .datagrams import DatagramSocket, create_datagram_endpoint
from .errors import (
    InvalidName,
    NoDaemon,
    NoInstance,
    NoRoute,
    NotAllowed,
    ServiceError,
    ServiceTimeout,
)
from .names import AF_SCAFFOLD
from .sockets import create_connection, create_server, socket
from .streams import open_connection, start_server

__version__ = "0.1.0"

__all__ = [
    "AF_SCAFFOLD",
    "DatagramSocket",
    "InvalidName",
    "NoDaemon",
    "NoInstance",
    "NoRoute",
    "NotAllowed",
    "ServiceError",
    "ServiceTimeout",
    "create_connection",
    "create_datagram_endpoint",
    "create_server",
    "open_connection",
    "socket",
    "start_server",
]
