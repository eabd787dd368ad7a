"""Bind to a service, connect to a service.

    import scaffold

    with scaffold.create_connection("cache.acme.scaffold:11211") as flow:
        flow.sendall(b"version\\r\\n")
        print(flow.recv(100))

`scaffold.socket` is `socket.socket` for services, streams and datagrams; `open_connection` and
`start_server` are asyncio's streams for them, `create_datagram_endpoint` its datagrams.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .endpoints import create_datagram_endpoint
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
    from .sockets import DatagramSocket, create_connection, create_server, socket
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

_PLACES = {
    "endpoints": ["create_datagram_endpoint"],
    "errors": [
        "InvalidName",
        "NoDaemon",
        "NoInstance",
        "NoRoute",
        "NotAllowed",
        "ServiceError",
        "ServiceTimeout",
    ],
    "names": ["AF_SCAFFOLD"],
    "sockets": ["DatagramSocket", "create_connection", "create_server", "socket"],
    "streams": ["open_connection", "start_server"],
}
"""By module. Each is loaded when something of it is asked for: asyncio takes longer to load than
Python itself, and a program that has no use for it should not wait for it."""


def __getattr__(name: str) -> object:
    from importlib import import_module

    for place, held in _PLACES.items():
        if name == place or name in held:
            module = import_module(f"{__name__}.{place}")
            globals()[name] = module if name == place else getattr(module, name)
            return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
