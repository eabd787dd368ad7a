"""socket's and asyncio's own functions, by their names and with their arguments, where a host may
be a service as well. What a program that was written for IP calls instead of them.

    import scaffold.inet

    connection = scaffold.inet.create_connection(("web.acme.scaffold", 80), timeout=5)

A service shows as an address of the pool. For plain IP, and for other families, each does what its
namesake does; where a program or a test has put something else in the place of its namesake, that
is called. All other names are those of `socket`, so that this module can be given to whoever asks
for that one.
"""

import os
import socket as _socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any

from . import kinds, loops, names, tls
from .errors import ServiceError, error_for, is_of_services

if TYPE_CHECKING:  # it takes long to load, and most programs have no use for it
    import asyncio

    from .streams import ClientCallback

    socket = _socket.socket

_FAMILIES = (_socket.AF_INET, _socket.AF_INET6)
_DEFAULT_TIMEOUT: Any = object()

tls.adapt_contexts()
kinds.adapt_gevent()
loops.adapt_loops(sys.modules[__name__])


def __getattr__(name: str) -> Any:
    """`socket`: the class of what `socket.socket` is at this moment; gevent changes it. Of other
    names what they are in the module `socket`."""
    if name == "socket":
        kind = _socket.socket
        return kinds.kind_of(kind) if _is_own(kind) else kind
    if name.startswith("__") or not hasattr(_socket, name):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_socket, name)


# --- namesakes that were replaced -----------------------------------------------------------------

_FOUND = dict(vars(_socket))
_within: ContextVar[frozenset[str]] = ContextVar("_within", default=frozenset())
"""Names of replacements that are running, which may call what they replace."""


def _is_own(one: Any) -> bool:
    """Whether it is Python's, or gevent's, and no replacement."""
    module = getattr(one, "__module__", None) or ""
    return module.partition(".")[0] in ("socket", "_socket", "gevent")


def _plain(name: str) -> Any:
    """Python's own function, or gevent's."""
    function = getattr(_socket, name)
    return function if _is_own(function) else _FOUND[name]


def _namesake(function: Callable[..., Any]) -> Any:
    """A function of `socket` for services as well; without a service its replacement, if any."""
    name = function.__name__

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        replacement = getattr(_socket, name)
        if (
            _is_own(replacement)
            or name in _within.get()
            or any(map(_names_service, (*args, *options.values())))
        ):
            return function(*args, **options)
        token = _within.set(_within.get() | {name})
        try:
            return replacement(*args, **options)
        finally:
            _within.reset(token)

    return call


def _names_service(one: Any) -> bool:
    """Whether an argument is a service's name, also behind a prefix, or an address that has it."""
    if isinstance(one, list | tuple):
        return bool(one) and names.is_service(one[0])
    text = names.text_of(one) or ""
    return names.is_service(text) or names.is_service(text.rpartition(":")[2])


def _refuse_where_replaced(host: Any) -> None:
    """A class in the place of `socket.socket` that is not made of ours, be it another library's,
    would take a service's address for one of plain IP."""
    kind = _socket.socket
    of_ours = isinstance(kind, type) and issubclass(kind, kinds.Accepting)
    if names.is_service(host) and not of_ours and not _is_own(kind):
        line = f"{names.text_of(host)}: {kind!r} stands for socket.socket and reaches no service"
        raise _socket.gaierror(_socket.EAI_FAIL, line)


def _new(*about: Any, **options: Any) -> Any:
    return __getattr__("socket")(*about, **options)


# --- connections and servers ----------------------------------------------------------------------


@_namesake
def create_connection(
    address: Any,
    timeout: Any = _DEFAULT_TIMEOUT,
    source_address: Any = None,
    *,
    all_errors: bool = False,
) -> _socket.socket:
    """`socket.create_connection(...)`."""
    host, port = address
    errors: list[OSError] = []
    try:
        for family, type, proto, _, there in getaddrinfo(host, port, 0, _socket.SOCK_STREAM):
            try:
                return _connected(_new(family, type, proto), there, timeout, source_address)
            except OSError as error:
                if not all_errors:
                    errors.clear()
                errors.append(error)
        if not errors:
            raise OSError("getaddrinfo returns an empty list")
        raise ExceptionGroup("create_connection failed", errors) if all_errors else errors[0]
    finally:
        errors.clear()  # they hold this frame, which holds them


def _connected(made: Any, address: Any, timeout: Any, source_address: Any) -> _socket.socket:
    try:
        if timeout is not _DEFAULT_TIMEOUT:
            made.settimeout(timeout)
        if source_address:
            made.bind(source_address)
        made.connect(address)
    except BaseException:
        made.close()
        raise
    connected: _socket.socket = made
    return connected


@_namesake
def create_server(
    address: Any,
    *,
    family: int = _socket.AF_INET,
    backlog: int | None = None,
    reuse_port: bool = False,
    dualstack_ipv6: bool = False,
) -> _socket.socket:
    """`socket.create_server(...)`; a service serves every family, whichever its socket has."""
    if dualstack_ipv6 and not _socket.has_dualstack_ipv6():
        raise ValueError("dualstack_ipv6 not supported on this platform")
    if dualstack_ipv6 and family != _socket.AF_INET6:
        raise ValueError("dualstack_ipv6 requires AF_INET6 family")
    listener: _socket.socket = _new(family, _socket.SOCK_STREAM)
    try:
        listener.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        if reuse_port:
            listener.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEPORT, 1)
        if family == _socket.AF_INET6:
            listener.setsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_V6ONLY, int(not dualstack_ipv6))
        _bind(listener, address)
        listener.listen(*([] if backlog is None else [backlog]))
    except BaseException:
        listener.close()
        raise
    return listener


def _bind(listener: _socket.socket, address: Any) -> None:
    try:
        listener.bind(address)
    except OSError as error:
        kind = type(error) if isinstance(error, ServiceError) else OSError
        text = f"{error.strerror} (while attempting to bind on address {address!r})"
        raise kind(error.errno, text) from None


@_namesake
def fromfd(fd: int, family: int, type: int, proto: int = 0) -> _socket.socket:
    """`socket.fromfd(...)`: a service's descriptor shows addresses of the pool."""
    made: _socket.socket = _new(family, type, proto, os.dup(fd))
    return made


# --- names and addresses --------------------------------------------------------------------------


@_namesake
def getaddrinfo(
    host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
) -> list[Any]:
    """`socket.getaddrinfo(...)`: for a service its one address of the pool."""
    if not names.is_service(host):
        found: list[Any] = _plain("getaddrinfo")(host, port, family, type, proto, flags)
        return found
    _refuse_where_replaced(host)
    name = names.text_of(host) or ""
    return [
        (_socket.AddressFamily(one), _socket.SocketKind(kind), *rest)
        for one, kind, *rest in names.addresses(name, port, family, type, proto, flags)
    ]


@_namesake
def gethostbyname(host: Any, /) -> str:
    """`socket.gethostbyname(...)`: for a service its address of the pool."""
    address: str = _plain("gethostbyname")(_in_pool(host, _socket.AF_INET))
    return address


@_namesake
def inet_aton(text: Any, /) -> bytes:
    """`socket.inet_aton(...)`: a service's name is read as its address of the pool."""
    packed: bytes = _plain("inet_aton")(_read(_socket.AF_INET, text))
    return packed


@_namesake
def inet_ntoa(packed: Any, /) -> str:
    """`socket.inet_ntoa(...)`: an address of the pool is shown by its name."""
    return names.show_ip(_socket.AF_INET, packed) or _plain("inet_ntoa")(packed)


@_namesake
def inet_pton(family: int, text: Any, /) -> bytes:
    """`socket.inet_pton(...)`, as inet_aton."""
    packed: bytes = _plain("inet_pton")(family, _read(family, text))
    return packed


@_namesake
def inet_ntop(family: int, packed: Any, /) -> str:
    """`socket.inet_ntop(...)`, as inet_ntoa."""
    return names.show_ip(family, packed) or _plain("inet_ntop")(family, packed)


def _read(family: int, text: Any) -> Any:
    """A service's name as its address of the pool, also behind a prefix such as `::ffff:`; all else
    as it is."""
    if not isinstance(text, str) or family not in _FAMILIES:
        return text
    prefix, colon, last = text.rpartition(":")
    if colon and family == _socket.AF_INET6 and names.is_service(last):
        return f"{prefix}:{_in_pool(last, _socket.AF_INET)}"
    return _in_pool(text, family)


def _in_pool(host: Any, family: int) -> Any:
    _refuse_where_replaced(host)
    return names.in_pool(host, family)


# --- asyncio --------------------------------------------------------------------------------------


async def open_connection(
    host: Any = None, port: Any = None, **options: Any
) -> "tuple[asyncio.StreamReader, asyncio.StreamWriter]":
    """`asyncio.open_connection(...)`."""
    import asyncio

    with _explained(host, port):
        return await asyncio.open_connection(host, port, **options)


async def start_server(
    client_connected_cb: "ClientCallback", host: Any = None, port: Any = None, **options: Any
) -> "asyncio.Server":
    """`asyncio.start_server(...)`."""
    import asyncio

    with _explained(host, port):
        return await asyncio.start_server(client_connected_cb, host, port, **options)


@contextmanager
def _explained(host: Any, port: Any) -> Iterator[None]:
    """What a loop has put into words of its own is said again as what befell the service."""
    try:
        yield
    except ServiceError:
        raise
    except OSError as error:
        code = error.errno or 0
        if not names.is_service(host) or not is_of_services(code):
            raise
        raise error_for(code, f"{names.text_of(host)}:{port}") from error
