"""Sockets that bind and connect to services; everything else is `socket.socket`'s own.

The descriptor behind each object is a kernel descriptor, so reading, writing, selectors, `select`,
`sendfile`, `makefile`, `dup` and passing it to another process need nothing from here.
"""

import errno
import socket as _socket
from collections.abc import Callable, Sequence
from typing import Any

from . import kinds, names, passing, tls
from ._native import ffi
from .datagrams import DatagramCalls
from .errors import InvalidName, ServiceTimeout, error_for
from .names import AF_SCAFFOLD, Address

tls.adapt_contexts()


class socket(kinds.Accepting, kinds.Kind, kinds.Plain):
    """A socket whose address may be a service: a stream, or (SOCK_DGRAM) a `DatagramSocket`.

    `family` is AF_SCAFFOLD (the default: services only, and addresses are `(name, port)`), or
    AF_INET or AF_INET6: then plain IP works too, exactly as with `socket.socket`, and a service
    shows as an address from the pool. Addresses are `"web.acme.scaffold:80"`,
    `("web.acme.scaffold", 80)` or plain IP tuples.

    Every failure is an OSError; those that concern services are in `scaffold.errors`. Timeouts are
    in seconds, as everywhere in `socket`.
    """

    __slots__ = ()

    def __init__(
        self,
        family: int = AF_SCAFFOLD,
        type: int = _socket.SOCK_STREAM,
        proto: int = 0,
        fileno: int | None = None,
    ) -> None:
        super().__init__(family, type, proto, fileno)

    def connect(self, address: Any, /) -> None:
        """As below, but a timeout says whom it concerns."""
        try:
            super().connect(address)
        except TimeoutError as error:
            if error.errno is not None:
                raise
            about = f"{_show(address)}: no instance answered within {self.gettimeout():g} s"
            raise ServiceTimeout(errno.ETIMEDOUT, f"{about}: timed out") from None

    def finish_connect(self, address: Any) -> None:
        """Raise what a non-blocking connect ended with; to be called once it is writable."""
        code = self.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
        if code != 0:
            raise self._sc_error(code, address)

    # --- inside -----------------------------------------------------------------------------------

    def _sc_pack(
        self, call: str, address: Any, complete: Callable[[Any], Sequence[Any]] = lambda it: (it,)
    ) -> tuple[Any, int]:
        proto = "udp" if self.type == _socket.SOCK_DGRAM else "tcp"
        service = names.service_text(address, proto)
        if self.family != AF_SCAFFOLD:
            plain = address if service is None else names.split_service(service)[:2]
            return super()._sc_pack(call, plain, complete)
        if service is None:
            raise InvalidName(
                errno.EINVAL, f"{_show(address)}: this socket speaks to services only"
            )
        return names.pack_service(service, _show(address)), ffi.sizeof("struct sockaddr_scaffold")

    def _sc_error(self, code: int, subject: Any = None) -> OSError:
        return error_for(code, None if subject is None else _show(subject))


socket._sc_kind = socket
passing.announce(socket)


class DatagramSocket(socket, DatagramCalls):
    """What `scaffold.socket(type=SOCK_DGRAM)` makes.

    Each datagram to a service is bound to some instance when it is sent; an answer to the address
    that `recvfrom` gave reaches the very socket that asked. A bound socket is an instance of its
    service. Datagrams hold at most 65,507 bytes; a connected socket raises NoInstance
    (ECONNREFUSED) when nobody was there for the last one.
    """

    __slots__ = ()

    def __init__(
        self,
        family: int = AF_SCAFFOLD,
        type: int = _socket.SOCK_DGRAM,
        proto: int = 0,
        fileno: int | None = None,
    ) -> None:
        super().__init__(family, type, proto, fileno)


socket._sc_datagram_calls = DatagramSocket
passing.announce(DatagramSocket)


def _show(address: Address) -> str:
    if isinstance(address, str):
        return address
    return ":".join(str(part) for part in address[:2])


def create_connection(
    address: Address, timeout: float | None = None, source_address: Any = None
) -> socket:
    """Connect to a service or to plain IP and return the socket.

    `timeout` is in seconds, for the connect and for what follows on the socket; None waits for as
    long as the protocol does (127 s for a service). Raises as `socket.connect` does.
    """
    if names.service_text(address) is None:
        plain = _socket.create_connection(
            (str(address[0]), int(address[1])),
            timeout if timeout is not None else _socket.getdefaulttimeout(),
            source_address,
        )
        wrapped = socket(plain.family, plain.type, plain.proto, fileno=plain.detach())
        wrapped.settimeout(timeout)
        return wrapped
    result = socket(AF_SCAFFOLD)
    try:
        if timeout is not None:
            result.settimeout(timeout)
        result.connect(address)
    except BaseException:
        result.close()
        raise
    return result


def create_server(
    address: Address, *, backlog: int = 128, reuse_port: bool = False, family: int | None = None
) -> socket:
    """A listening socket that is an instance of a service (or serves plain IP).

    `backlog` counts flows that wait for accept; `reuse_port` allows further instances of the same
    service on this host, each from its own socket.
    """
    if family is None:
        family = AF_SCAFFOLD if names.service_text(address) is not None else _socket.AF_INET
    result = socket(family)
    try:
        if family != AF_SCAFFOLD:
            result.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        if reuse_port:
            result.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEPORT, 1)
        result.bind(address)
        result.listen(backlog)
    except BaseException:
        result.close()
        raise
    return result
