"""Sockets that bind and connect to services; everything else is `socket.socket`'s own.

The descriptor behind each object is a kernel descriptor, so reading, writing, selectors, `select`,
`sendfile`, `makefile`, `dup` and passing it to another process need nothing from here.
"""

import errno
import select
import socket as _socket
import sys
import time
from typing import Any, Self

from . import names
from ._native import ffi, lib
from .errors import InvalidName, ServiceTimeout, error_for
from .names import AF_SCAFFOLD, Address

ADDRESS_ROOM = 128  # sizeof(struct sockaddr_storage)
_ENDIAN = sys.byteorder
_FLAGS = _socket.SOCK_CLOEXEC | _socket.SOCK_NONBLOCK


class socket(_socket.socket):
    """A socket whose address may be a service: a stream, or (SOCK_DGRAM) a `DatagramSocket`.

    `family` is AF_SCAFFOLD (the default: services only, and addresses are `(name, port)`), or
    AF_INET or AF_INET6: then plain IP works too, exactly as with `socket.socket`, and a service
    shows as an address from the pool. Addresses are `"web.acme.scaffold:80"`,
    `("web.acme.scaffold", 80)` or plain IP tuples.

    Every failure is an OSError; those that concern services are in `scaffold.errors`. Timeouts are
    in seconds, as everywhere in `socket`.
    """

    def __new__(
        cls, family: int = AF_SCAFFOLD, type: int = _socket.SOCK_STREAM, *_: Any, **__: Any
    ) -> "socket":
        """An object of the class that serves the type."""
        if cls is socket and type & ~_FLAGS == _socket.SOCK_DGRAM:
            from .datagrams import DatagramSocket  # which is made of this class

            cls = DatagramSocket
        return super().__new__(cls)

    def __init__(
        self,
        family: int = AF_SCAFFOLD,
        type: int = _socket.SOCK_STREAM,
        proto: int = 0,
        fileno: int | None = None,
    ) -> None:
        if fileno is None:
            fileno = lib.scaffold_socket(family, type | _socket.SOCK_CLOEXEC, proto)
            if fileno < 0:
                raise error_for(ffi.errno)
        super().__init__(family, type, proto, fileno)

    # --- calls that name somebody -----------------------------------------------------------------

    def bind(self, address: Address) -> None:  # type: ignore[override]
        """Bind to a service (its name and port become this socket's) or to a plain IP address.

        Raises NotAllowed, NoDaemon, InvalidName, or OSError with EADDRINUSE.
        """
        room, length = self._pack(address)
        if lib.scaffold_bind(self.fileno(), ffi.cast("struct sockaddr *", room), length) < 0:
            raise error_for(ffi.errno, _show(address))

    def listen(self, backlog: int = 128, /) -> None:
        """Make a bound socket an instance of its service, registered before this returns."""
        if lib.scaffold_listen(self.fileno(), backlog) < 0:
            raise error_for(ffi.errno)

    def connect(self, address: Address) -> None:  # type: ignore[override]
        """Open a flow to some instance of a service, or connect to a plain IP address.

        With a timeout, waits at most that many seconds, then raises TimeoutError; a non-blocking
        socket raises BlockingIOError and becomes writable when the flow is open or has failed.
        Raises NoInstance, ServiceTimeout, NoRoute, NotAllowed, NoDaemon, InvalidName.
        """
        code = self._connect(address)
        if code != 0:
            raise error_for(code, _show(address))

    def connect_ex(self, address: Address) -> int:  # type: ignore[override]
        """As `connect`, but returns the errno, 0 for success. A bad name still raises."""
        return self._connect(address)

    def finish_connect(self, address: Address) -> None:
        """Raise what a non-blocking connect ended with; to be called once it is writable."""
        code = self.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
        if code != 0:
            raise error_for(code, _show(address))

    def accept(self) -> tuple[Self, Any]:
        """Accept a flow: (socket, peer's address). Waits as the socket's timeout says."""
        room = ffi.new("char[]", ADDRESS_ROOM)
        length = ffi.new("socklen_t *")
        while True:
            self._wait(select.POLLIN)
            length[0] = ADDRESS_ROOM
            fd = lib.scaffold_accept4(
                self.fileno(), ffi.cast("struct sockaddr *", room), length, _socket.SOCK_CLOEXEC
            )
            if fd >= 0:
                break
            # Another process may have taken the flow that poll announced.
            waiting = self.gettimeout() != 0.0
            if not (waiting and ffi.errno in (errno.EAGAIN, errno.EINTR)):
                raise error_for(ffi.errno)
        peer = names.unpack(room, length[0])
        accepted = self.__class__(self.family, self.type, self.proto, fileno=fd)
        if _socket.getdefaulttimeout() is None and self.gettimeout():
            accepted.setblocking(True)
        return accepted, peer

    def getsockname(self) -> Any:
        """The socket's own address, in the shape of its family."""
        return self._name_of(lib.scaffold_getsockname)

    def getpeername(self) -> Any:
        """The peer's address; OSError with ENOTCONN until the flow is open."""
        return self._name_of(lib.scaffold_getpeername)

    # --- options, and the end ---------------------------------------------------------------------

    def getsockopt(self, level: int, optname: int, buflen: int | None = None, /) -> Any:
        """As `socket.socket.getsockopt`; SO_ERROR is the errno of a failed connect, once."""
        size = 4 if buflen is None else buflen
        room = ffi.new("char[]", max(size, 4))
        length = ffi.new("socklen_t *", size)
        if lib.scaffold_getsockopt(self.fileno(), level, optname, room, length) < 0:
            raise error_for(ffi.errno)
        raw = bytes(ffi.buffer(room, min(length[0], size)))
        return raw if buflen is not None else int.from_bytes(raw, _ENDIAN, signed=True)

    def setsockopt(
        self, level: int, optname: int, value: Any, optlen: int | None = None, /
    ) -> None:
        """As `socket.socket.setsockopt`; options that a flow cannot honour raise ENOPROTOOPT."""
        if isinstance(value, int):
            raw: Any = value.to_bytes(4, _ENDIAN, signed=True)
        else:
            raw = ffi.NULL if value is None else bytes(value)
        length = len(raw) if value is not None else optlen or 0
        if lib.scaffold_setsockopt(self.fileno(), level, optname, raw, length) < 0:
            raise error_for(ffi.errno)

    def shutdown(self, how: int, /) -> None:
        """As `socket.socket.shutdown`; OSError with ENOTCONN after a reset."""
        if lib.scaffold_shutdown(self.fileno(), how) < 0:
            raise error_for(ffi.errno)

    # --- inside -----------------------------------------------------------------------------------

    def _pack(self, address: Address) -> tuple[Any, int]:
        service = names.service_text(address, "udp" if self._is_datagram() else "tcp")
        if service is not None and self.family == AF_SCAFFOLD:
            packed = names.pack_service(service, _show(address))
            return packed, ffi.sizeof("struct sockaddr_scaffold")
        if self.family == AF_SCAFFOLD:
            raise InvalidName(
                errno.EINVAL, f"{_show(address)}: this socket speaks to services only"
            )
        if service is not None:
            host, port, _ = names.split_service(service)
            return names.resolve(host, port, self.family, self.type)
        assert not isinstance(address, str)
        host, port = names.host_and_port(address, self.family)
        room, length = names.resolve(host, port, self.family, self.type)
        if len(address) > 2:
            _set_flow_and_scope(room, *address[2:])
        return room, length

    def _is_datagram(self) -> bool:
        return self.type == _socket.SOCK_DGRAM

    def _connect(self, address: Address) -> int:
        room, length = self._pack(address)
        deadline = deadline_after(self.gettimeout())
        if lib.scaffold_connect(self.fileno(), ffi.cast("struct sockaddr *", room), length) == 0:
            return 0
        code: int = ffi.errno
        if code == errno.EINTR:  # the flow goes on opening, as with TCP
            code = errno.EINPROGRESS
        if code != errno.EINPROGRESS or self.gettimeout() == 0.0:
            return code
        self._wait(select.POLLOUT, deadline, _show(address))
        result: int = self.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
        return result

    def _wait(self, event: int, deadline: float | None = None, subject: str | None = None) -> None:
        """Wait for readiness as the socket's timeout says; not at all when it has none."""
        timeout = self.gettimeout()
        if timeout == 0.0 or (timeout is None and event == select.POLLIN):
            return
        if deadline is None:
            deadline = deadline_after(timeout)
        poll = select.poll()
        poll.register(self.fileno(), event)
        left = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
        if not poll.poll(left):
            what = f"{subject}: no instance answered" if subject else "flow: nothing came"
            raise ServiceTimeout(errno.ETIMEDOUT, f"{what} within {timeout:g} s: timed out")

    def _name_of(self, call: Any) -> Any:
        room = ffi.new("char[]", ADDRESS_ROOM)
        length = ffi.new("socklen_t *", ADDRESS_ROOM)
        if call(self.fileno(), ffi.cast("struct sockaddr *", room), length) < 0:
            raise error_for(ffi.errno)
        return names.unpack(room, length[0])


def deadline_after(timeout: float | None) -> float | None:
    """When a wait of so many seconds that starts now is over, by time.monotonic()."""
    return None if timeout is None else time.monotonic() + timeout


def _show(address: Address) -> str:
    if isinstance(address, str):
        return address
    return ":".join(str(part) for part in address[:2])


def _set_flow_and_scope(room: Any, flow: int = 0, scope: int = 0) -> None:
    view = ffi.buffer(room)
    view[4:8] = flow.to_bytes(4, "big")
    view[24:28] = scope.to_bytes(4, _ENDIAN)


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
