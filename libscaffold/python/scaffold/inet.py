"""socket's and asyncio's own functions, by their names and with their arguments, where a host may
be a service as well. What a program that was written for IP calls instead of them.

    import scaffold.inet

    connection = scaffold.inet.create_connection(("web.acme.scaffold", 80), timeout=5)

For plain IP, and for other families, each does what its namesake does.
"""

import socket as _socket
from typing import TYPE_CHECKING, Any

from . import names
from . import sockets as _sockets
from ._native import ffi, lib

if TYPE_CHECKING:  # it takes long to load, and most programs have no use for it
    import asyncio

    from .streams import ClientCallback

_FAMILIES = (_socket.AF_INET, _socket.AF_INET6)
_DEFAULT_TIMEOUT: Any = object()


def socket(
    family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None
) -> _socket.socket:
    """`socket.socket(...)`: one of AF_INET or AF_INET6 may become a service's when it is bound or
    connected."""
    plain = _socket.socket(family, type, proto, fileno)
    if plain.family not in _FAMILIES or plain.type not in (
        _socket.SOCK_STREAM,
        _socket.SOCK_DGRAM,
    ):
        return plain
    about = (plain.family, plain.type, plain.proto)
    if fileno is not None:
        return _sockets.socket(*about, fileno=plain.detach())
    plain.close()
    made = _sockets.socket(*about)
    made.settimeout(plain.gettimeout())  # of the default, or of SOCK_NONBLOCK
    return made


def create_connection(
    address: Any,
    timeout: Any = _DEFAULT_TIMEOUT,
    source_address: Any = None,
    **options: Any,
) -> _socket.socket:
    """`socket.create_connection(...)`."""
    wait = _socket.getdefaulttimeout() if timeout is _DEFAULT_TIMEOUT else timeout
    if _is_service(address):
        host, port = address
        return _sockets.create_connection((host, _number(port)), wait)
    return _socket.create_connection(address, wait, source_address, **options)


def create_server(
    address: Any,
    *,
    family: int = _socket.AF_INET,
    backlog: int | None = None,
    reuse_port: bool = False,
    dualstack_ipv6: bool = False,
) -> _socket.socket:
    """`socket.create_server(...)`; for a service `family` and `dualstack_ipv6` mean nothing: it
    serves every family."""
    if _is_service(address):
        queue = _socket.SOMAXCONN if backlog is None else backlog
        return _sockets.create_server(tuple(address), backlog=queue, reuse_port=reuse_port)
    return _socket.create_server(
        address,
        family=family,
        backlog=backlog,
        reuse_port=reuse_port,
        dualstack_ipv6=dualstack_ipv6,
    )


def getaddrinfo(
    host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
) -> list[Any]:
    """`socket.getaddrinfo(...)`: for a service its one address of the pool."""
    if not names.is_service(host):
        return _socket.getaddrinfo(host, port, family, type, proto, flags)
    number = _number(port, type, proto)
    wanted = family if family in _FAMILIES else _socket.AF_INET
    kinds = [type] if type else [_socket.SOCK_STREAM, _socket.SOCK_DGRAM]
    found = []
    for kind in kinds:
        room, length = names.resolve(host, number, wanted, kind)
        own = _socket.IPPROTO_UDP if kind == _socket.SOCK_DGRAM else _socket.IPPROTO_TCP
        canonical = host if flags & _socket.AI_CANONNAME else ""
        address = names.unpack(room, length)
        entry = (_socket.AddressFamily(wanted), _socket.SocketKind(kind), own, canonical, address)
        found.append(entry)
    return found


def gethostbyname(host: str) -> str:
    """`socket.gethostbyname(...)`: for a service its address of the pool."""
    if not names.is_service(host):
        return _socket.gethostbyname(host)
    address: str = getaddrinfo(host, None, _socket.AF_INET, _socket.SOCK_STREAM)[0][4][0]
    return address


async def open_connection(
    host: Any = None, port: Any = None, **options: Any
) -> "tuple[asyncio.StreamReader, asyncio.StreamWriter]":
    """`asyncio.open_connection(...)`."""
    import asyncio

    if names.is_service(host):
        from . import streams

        return await streams.open_connection((host, _number(port)), **options)
    return await asyncio.open_connection(host, port, **options)


async def start_server(
    client_connected_cb: "ClientCallback", host: Any = None, port: Any = None, **options: Any
) -> "asyncio.Server":
    """`asyncio.start_server(...)`."""
    import asyncio

    if names.is_service(host):
        from . import streams

        service = (host, _number(port))
        return await streams.start_server(client_connected_cb, service, **options)
    return await asyncio.start_server(client_connected_cb, host, port, **options)


def inet_aton(text: str) -> bytes:
    """`socket.inet_aton(...)`: a service's name is read as its address of the pool."""
    return _socket.inet_aton(gethostbyname(text) if names.is_service(text) else text)


def inet_ntoa(packed: bytes) -> str:
    """`socket.inet_ntoa(...)`: an address of the pool is shown by its name."""
    return _shown(_socket.AF_INET, packed) or _socket.inet_ntoa(packed)


def inet_pton(family: int, text: str) -> bytes:
    """`socket.inet_pton(...)`, as inet_aton."""
    if names.is_service(text) and family in _FAMILIES:
        text = getaddrinfo(text, None, family, _socket.SOCK_STREAM)[0][4][0]
    return _socket.inet_pton(family, text)


def inet_ntop(family: int, packed: bytes) -> str:
    """`socket.inet_ntop(...)`, as inet_ntoa."""
    return _shown(family, packed) or _socket.inet_ntop(family, packed)


def _shown(family: int, packed: bytes) -> str:
    """By libscaffold; empty for what is no address."""
    if len(packed) != {_socket.AF_INET: 4, _socket.AF_INET6: 16}.get(_socket.AddressFamily(family)):
        return ""
    text = ffi.new("char[]", lib.SCAFFOLD_ADDRSTRLEN)
    lib.scaffold_inet_ntop(family, ffi.from_buffer(packed), text, lib.SCAFFOLD_ADDRSTRLEN)
    shown: str = ffi.string(text).decode("ascii")
    return shown


def _number(port: Any, type: int = 0, proto: int = 0) -> int:
    """A port as getaddrinfo reads it: a number, its digits, a protocol's name, or nothing."""
    address = _socket.getaddrinfo(None, port or 0, _socket.AF_INET, type, proto)[0][4]
    return int(address[1])


def _is_service(address: Any) -> bool:
    return isinstance(address, list | tuple) and bool(address) and names.is_service(address[0])
