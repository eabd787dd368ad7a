"""The calls of `socket.socket` that name somebody, set options or tell failures, by libscaffold.

They work on whatever the descriptor is, plain IP or a service's, so that selectors, `sendfile`,
`dup` and passing it to another process need nothing from here. The bytes of streams are read and
written by Python's own calls. Arguments,
results and exceptions are Python's own; what concerns a service besides is in `scaffold.errors`.
"""

import _socket as kernel
import errno
import operator
import os
import select
import struct
import time
from collections.abc import Callable, Sequence
from typing import Any

from . import arguments, messages, names
from ._native import ffi, lib
from .errors import error_for, is_explained

_INT = struct.Struct("@i")
_fileno, _gettimeout = kernel.socket.fileno, kernel.socket.gettimeout
"""C's own, as all calls in C use: a program's class may have others."""


class Calls(kernel.socket):
    """To stand before a class of sockets in the order of its bases.

    A program's class may have members of any name, so what is none of `socket.socket`'s is `_sc_`.
    """

    __slots__ = ()

    # --- calls that name somebody -----------------------------------------------------------------

    def bind(self, address: Any, /) -> None:
        """Bind to a service (its name and port become this socket's) or to a plain IP address.

        Raises NotAllowed, NoDaemon, InvalidName, or OSError with EADDRINUSE.
        """
        room, length = self._sc_pack("bind", address)
        if lib.scaffold_bind(_fileno(self), _sockaddr(room), length) < 0:
            raise self._sc_error(ffi.errno, address)

    def listen(self, *backlog: int) -> None:
        """Make a bound socket an instance of its service, registered before this returns."""
        arguments.check(kernel.AF_INET, "listen", *backlog)
        queue = max(0, operator.index(*backlog)) if backlog else min(kernel.SOMAXCONN, 128)
        if lib.scaffold_listen(_fileno(self), queue) < 0:
            raise self._sc_error(ffi.errno)

    def connect(self, address: Any, /) -> None:
        """Open a flow to some instance of a service, or connect to a plain IP address.

        With a timeout, waits at most that many seconds, then raises TimeoutError; a non-blocking
        socket raises BlockingIOError and becomes writable when the flow is open or has failed.
        Raises NoInstance, ServiceTimeout, NoRoute, NotAllowed, NoDaemon, InvalidName.
        """
        code = self._sc_connect("connect", address)
        if code != 0:
            raise self._sc_error(code, address)

    def connect_ex(self, address: Any, /) -> int:
        """As `connect`, but returns the errno, 0 for success. A bad name still raises."""
        try:
            return self._sc_connect("connect_ex", address)
        except TimeoutError:
            return errno.EAGAIN

    def _accept(self) -> tuple[int, Any]:
        """The descriptor of a flow, and the peer's address. Waits as the timeout says."""
        room = ffi.new("char[]", messages.ADDRESS_ROOM)
        length = ffi.new("socklen_t *")

        def accept() -> int:
            length[0] = messages.ADDRESS_ROOM
            flags = kernel.SOCK_CLOEXEC
            fd: int = lib.scaffold_accept4(_fileno(self), _sockaddr(room), length, flags)
            return fd

        fd = self._sc_repeat(select.POLLIN, accept)
        return fd, names.unpack(room, length[0])

    def getsockname(self) -> Any:
        """The socket's own address, in the shape of its family."""
        return self._sc_name_of(lib.scaffold_getsockname)

    def getpeername(self) -> Any:
        """The peer's address; OSError with ENOTCONN until the flow is open."""
        return self._sc_name_of(lib.scaffold_getpeername)

    # --- options, and the end ---------------------------------------------------------------------

    def getsockopt(self, *about: Any) -> Any:
        """As `socket.socket.getsockopt`; SO_ERROR is the errno of a failed connect, once."""
        arguments.check(kernel.AF_INET, "getsockopt", *about)
        level, option, size = map(operator.index, (*about, 0)[:3])
        room = ffi.new("char[]", size or _INT.size)
        length = ffi.new("socklen_t *", size or _INT.size)
        if lib.scaffold_getsockopt(_fileno(self), level, option, room, length) < 0:
            raise self._sc_error(ffi.errno)
        raw = bytes(ffi.buffer(room))
        return raw[: length[0]] if size else _INT.unpack(raw)[0]

    def setsockopt(self, *about: Any) -> None:
        """As `socket.socket.setsockopt`; options that a flow cannot honour raise ENOPROTOOPT.

        TCP_CONGESTION (`b"bbr"`, `b"cubic"`, `b"reno"`) chooses the flow's congestion control.
        """
        arguments.check(kernel.AF_INET, "setsockopt", *about)
        level, option = map(operator.index, about[:2])
        value = about[2]
        if value is None:
            raw, length = ffi.NULL, operator.index(about[3]) & 0xFFFFFFFF  # as Python does
        else:
            raw = _INT.pack(operator.index(value)) if _is_integer(value) else bytes(value)
            length = len(raw)
        if lib.scaffold_setsockopt(_fileno(self), level, option, raw, length) < 0:
            raise self._sc_error(ffi.errno)

    def shutdown(self, how: int, /) -> None:
        """As `socket.socket.shutdown`; OSError with ENOTCONN after a reset."""
        arguments.check(kernel.AF_INET, "shutdown", how)
        if lib.scaffold_shutdown(_fileno(self), operator.index(how)) < 0:
            raise self._sc_error(ffi.errno)

    # --- a stream's data: Python's own calls, and what TCP says where they fail ------------------

    def send(self, *about: Any) -> int:
        """As `socket.socket.send`."""
        try:
            return super().send(*about)
        except OSError as error:
            told = self._sc_told(error, lib.sc_send_error)
            if told.errno == 0:
                return memoryview(about[0]).nbytes
            raise told from None

    def sendall(self, *about: Any) -> None:
        """As `socket.socket.sendall`."""
        try:
            return super().sendall(*about)
        except OSError as error:
            told = self._sc_told(error, lib.sc_send_error)
            if told.errno != 0:
                raise told from None

    def recv(self, *about: Any) -> bytes:
        """As `socket.socket.recv`."""
        try:
            return super().recv(*about)
        except OSError as error:
            told = self._sc_told(error, lib.sc_recv_error)
            if told.errno == 0:
                return b""
            raise told from None

    def recv_into(self, *about: Any, **options: Any) -> int:
        """As `socket.socket.recv_into`."""
        try:
            return super().recv_into(*about, **options)
        except OSError as error:
            told = self._sc_told(error, lib.sc_recv_error)
            if told.errno == 0:
                return 0
            raise told from None

    # --- data with an address, or with control messages -------------------------------------------

    def sendto(self, data: Any, *rest: Any) -> int:
        """`sendto(data, address)` or `sendto(data, flags, address)`, to a service or plain IP."""
        *flags, address = rest or (None,)
        to = self._sc_pack("sendto", address, lambda there: (data, *flags, there)[: 1 + len(rest)])
        return self._sc_send(data, flags[0] if flags else 0, (), to, address)

    def sendmsg(
        self, buffers: Any, ancdata: Any = (), flags: int = 0, address: Any = None, /
    ) -> int:
        """Send the bytes of several buffers at once, with control messages."""
        if hasattr(buffers, "__iter__"):
            buffers = list(buffers)
        if hasattr(ancdata, "__iter__"):
            ancdata = list(ancdata)
        if address is None:
            arguments.check(kernel.AF_INET, "sendmsg", buffers, ancdata, flags)
            return self._sc_send_pieces(buffers, flags, ancdata)
        to = self._sc_pack("sendmsg", address, lambda there: (buffers, ancdata, flags, there))
        return self._sc_send_pieces(buffers, flags, ancdata, to, address)

    def recvfrom(self, *about: int) -> tuple[bytes, Any]:
        """The next bytes, and the address that answers to a datagram reach."""
        arguments.check(kernel.AF_INET, "recvfrom", *about)
        data, _, _, address = self._sc_receive(about[0], 0, *about[1:])
        return data, address

    def recvfrom_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> tuple[int, Any]:
        """As `recvfrom`, into `buffer`; returns how many bytes, and the address."""
        arguments.check(kernel.AF_INET, "recvfrom_into", buffer, nbytes, flags)
        view = memoryview(buffer).cast("B")
        room = view[: operator.index(nbytes) or len(view)]
        count, _, _, address = self._sc_receive_into([room], 0, flags)
        return count, address

    def recvmsg(self, *about: int) -> tuple[bytes, list[tuple[int, int, bytes]], int, Any]:
        """The next bytes: (data, control messages, flags, address)."""
        arguments.check(kernel.AF_INET, "recvmsg", *about)
        size, control, flags = (*about, 0, 0)[:3]
        return self._sc_receive(size, control, flags)

    def recvmsg_into(
        self, buffers: Any, *about: int
    ) -> tuple[int, list[tuple[int, int, bytes]], int, Any]:
        """As `recvmsg`, into several buffers; returns how many bytes instead of them."""
        if hasattr(buffers, "__iter__"):
            buffers = list(buffers)
        arguments.check(kernel.AF_INET, "recvmsg_into", buffers, *about)
        return self._sc_receive_into(buffers, *(*about, 0, 0)[:2])

    # --- inside -----------------------------------------------------------------------------------

    def _sc_pack(
        self, call: str, address: Any, complete: Callable[[Any], Sequence[Any]] = lambda it: (it,)
    ) -> tuple[Any, int]:
        """The struct sockaddr of an address: (a buffer, its length).

        `complete` makes all of the call's arguments from the address with its host as a number.
        """
        try:
            there = names.numbered(address, self.family)
        except UnicodeError:  # which Python says in other words, before it looks anything up
            arguments.check(self.family, call, *complete(address))
            raise
        except OSError:
            arguments.check(self.family, call, *complete(_without_host(address)))
            raise
        arguments.check(self.family, call, *complete(there))
        packed = names.pack_ip(self.family, there)
        return ffi.from_buffer(packed), len(packed)

    def _sc_error(self, code: int, subject: Any = None) -> OSError:
        """The exception for an errno; `subject` is the address that was named, if any was."""
        if is_explained(code):
            return error_for(code, None if subject is None else names.show(subject, self.family))
        return OSError(code, os.strerror(code))

    def _sc_told(self, error: OSError, ask: Callable[[int, int], int]) -> OSError:
        """TCP's error where AF_UNIX has this one, which libscaffold knows; errno 0: the end, or
        bytes that are lost, of which TCP says nothing yet."""
        if error.errno is None:  # a timeout of Python's
            return error
        code = ask(_fileno(self), error.errno)
        return error if code == error.errno else self._sc_error(code)

    def _sc_timed_out(self) -> OSError:
        return TimeoutError("timed out")

    def _sc_connect(self, call: str, address: Any) -> int:
        room, length = self._sc_pack(call, address)
        deadline = deadline_after(_gettimeout(self))
        if lib.scaffold_connect(_fileno(self), _sockaddr(room), length) == 0:
            return 0
        code: int = ffi.errno
        if code == errno.EINTR:  # the flow goes on opening, as with TCP
            code = errno.EINPROGRESS
        if code != errno.EINPROGRESS or _gettimeout(self) == 0.0:
            return code
        self._sc_wait(select.POLLOUT, deadline)
        result: int = Calls.getsockopt(self, kernel.SOL_SOCKET, kernel.SO_ERROR)
        return result

    def _sc_wait(self, event: int, deadline: float | None) -> None:
        """Wait for readiness until the deadline, or for ever; not for what is closed."""
        if _fileno(self) < 0:
            return
        poll = select.poll()
        poll.register(_fileno(self), event)
        left = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
        if not poll.poll(left):
            raise self._sc_timed_out()

    def _sc_repeat(self, event: int, call: Callable[[], int], subject: Any = None) -> int:
        """The call's result, once it need not wait; waits as the socket's timeout says."""
        timeout = _gettimeout(self)
        deadline = deadline_after(timeout)
        while True:
            if timeout:
                self._sc_wait(event, deadline)
            result = call()
            if result >= 0:
                return result
            code: int = ffi.errno
            # Somebody else may have taken what poll announced.
            if code != errno.EINTR and not (timeout and code == errno.EAGAIN):
                raise self._sc_error(code, subject)

    def _sc_send(self, data: Any, *about: Any) -> int:
        return self._sc_send_pieces([data], *about)

    def _sc_send_pieces(
        self,
        buffers: list[Any],
        flags: int,
        ancillary: Any = (),
        to: tuple[Any, int] | None = None,
        subject: Any = None,
    ) -> int:
        flags = operator.index(flags)
        message = messages.outgoing(buffers, ancillary)
        if to is not None:
            message.take_name(*to)
        send = lib.scaffold_sendmsg
        return self._sc_repeat(
            select.POLLOUT, lambda: send(_fileno(self), message.head, flags), subject
        )

    def _sc_receive(
        self, size: int, control: int, flags: int = 0
    ) -> tuple[bytes, list[tuple[int, int, bytes]], int, Any]:
        room = bytearray(operator.index(size))
        count, *rest = self._sc_receive_into([room], control, flags)
        return bytes(memoryview(room)[:count]), *rest

    def _sc_receive_into(
        self, buffers: list[Any], control: int, flags: int
    ) -> tuple[int, list[tuple[int, int, bytes]], int, Any]:
        flags = operator.index(flags)
        message = messages.incoming(buffers, operator.index(control))
        receive = lib.scaffold_recvmsg
        count = self._sc_repeat(select.POLLIN, lambda: receive(_fileno(self), message.head, flags))
        return count, message.control_messages(), int(message.head.msg_flags), message.sender()

    def _sc_name_of(self, call: Any) -> Any:
        room = ffi.new("char[]", messages.ADDRESS_ROOM)
        length = ffi.new("socklen_t *", messages.ADDRESS_ROOM)
        if call(_fileno(self), _sockaddr(room), length) < 0:
            raise self._sc_error(ffi.errno)
        return names.unpack(room, length[0])


def deadline_after(timeout: float | None) -> float | None:
    """When a wait of so many seconds that starts now is over, by time.monotonic()."""
    return None if timeout is None else time.monotonic() + timeout


def _without_host(address: tuple[Any, ...]) -> tuple[Any, ...]:
    """What Python looks at before it looks the host up; ports that are too large come after it."""
    rest = [0 if isinstance(it, int) and -(1 << 31) <= it < 1 << 31 else it for it in address[1:]]
    return ("", *rest)


def _sockaddr(room: Any) -> Any:
    return ffi.cast("struct sockaddr *", room)


def _is_integer(value: object) -> bool:
    return hasattr(value, "__index__")
