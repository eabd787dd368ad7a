"""Datagram sockets to and from services.

In front of each datagram on the descriptor stands a head that the library takes away, so unlike a
stream's these sockets' data goes through it.
"""

import errno
import select
import socket as _socket
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from . import names
from ._native import ffi, lib
from .errors import error_for
from .names import AF_SCAFFOLD, Address
from .sockets import ADDRESS_ROOM, deadline_after, socket

Buffer = bytes | bytearray | memoryview

_CONTROL = struct.Struct("@Nii")  # struct cmsghdr: length, level, type
_ALIGN = struct.calcsize("@N")


class DatagramSocket(socket):
    """What `scaffold.socket(type=SOCK_DGRAM)` makes.

    Each datagram to a service is bound to some instance when it is sent; an answer to the address
    that `recvfrom` gave reaches the very socket that asked. A bound socket is an instance of its
    service. Datagrams hold at most 65,507 bytes; a connected socket raises NoInstance
    (ECONNREFUSED) when nobody was there for the last one.
    """

    def __init__(
        self,
        family: int = AF_SCAFFOLD,
        type: int = _socket.SOCK_DGRAM,
        proto: int = 0,
        fileno: int | None = None,
    ) -> None:
        super().__init__(family, type, proto, fileno)
        if fileno is not None:
            self.getsockname()  # the library learns what it is

    # --- sending ----------------------------------------------------------------------------------

    def send(self, data: Buffer, flags: int = 0, /) -> int:  # type: ignore[override]
        """Send one datagram to the peer; returns its length."""
        return self._send([data], flags)

    def sendall(self, data: Buffer, flags: int = 0, /) -> None:  # type: ignore[override]
        """As `send`: a datagram is sent whole or not at all."""
        self._send([data], flags)

    def sendto(self, data: Buffer, *rest: Any) -> int:  # type: ignore[override]
        """`sendto(data, address)` or `sendto(data, flags, address)`, to a service or plain IP."""
        flags, address = rest if len(rest) == 2 else (0, *rest)
        return self._send([data], flags, address=address)

    def sendmsg(  # type: ignore[override]
        self,
        buffers: Iterable[Buffer],
        ancdata: Iterable[tuple[int, int, Buffer]] = (),
        flags: int = 0,
        address: Address | None = None,
        /,
    ) -> int:
        """Send one datagram from several buffers, with control messages."""
        control = b"".join(_pack_control(*one) for one in ancdata)
        return self._send(buffers, flags, control, address)

    def _send(
        self,
        buffers: Iterable[Buffer],
        flags: int,
        control: bytes = b"",
        address: Address | None = None,
    ) -> int:
        data = b"".join(buffers)
        message = _Message(ffi.from_buffer(data), len(data), len(control))
        if control:
            ffi.memmove(message.control, control, len(control))
        if address is not None:
            message.name, message.head.msg_namelen = self._pack(address)
            message.head.msg_name = message.name
        return self._repeat(
            select.POLLOUT, lambda: lib.scaffold_sendmsg(self.fileno(), message.head, flags)
        )

    # --- receiving --------------------------------------------------------------------------------

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """The next datagram, cut to `bufsize` bytes."""
        return self.recvmsg(bufsize, 0, flags)[0]

    def recvfrom(self, bufsize: int, flags: int = 0, /) -> tuple[bytes, Any]:
        """The next datagram, and the address that answers to it reach."""
        data, _, _, address = self.recvmsg(bufsize, 0, flags)
        return data, address

    def recv_into(  # type: ignore[override]
        self, buffer: Buffer, nbytes: int = 0, flags: int = 0, /
    ) -> int:
        """The next datagram, into `buffer`; returns its length."""
        return self.recvfrom_into(buffer, nbytes, flags)[0]

    def recvfrom_into(  # type: ignore[override]
        self, buffer: Buffer, nbytes: int = 0, flags: int = 0, /
    ) -> tuple[int, Any]:
        """The next datagram, into `buffer`; returns its length and where it is from."""
        view = memoryview(buffer).cast("B")
        data, address = self.recvfrom(nbytes or len(view), flags)
        view[: len(data)] = data
        return len(data), address

    def recvmsg(
        self, bufsize: int, ancbufsize: int = 0, flags: int = 0, /
    ) -> tuple[bytes, list[tuple[int, int, bytes]], int, Any]:
        """The next datagram: (data, control messages, flags, address)."""
        data = ffi.new("char[]", max(bufsize, 1))
        message = _Message(data, bufsize, ancbufsize)
        head = message.head
        head.msg_name = message.name = ffi.new("char[]", ADDRESS_ROOM)
        head.msg_namelen = ADDRESS_ROOM
        count = self._repeat(
            select.POLLIN, lambda: lib.scaffold_recvmsg(self.fileno(), head, flags)
        )
        return (
            bytes(ffi.buffer(data, min(count, bufsize))),
            list(_control_messages(bytes(ffi.buffer(message.control, head.msg_controllen)))),
            int(head.msg_flags),
            names.unpack(message.name, head.msg_namelen),
        )

    # --- inside -----------------------------------------------------------------------------------

    def _repeat(self, event: int, call: Callable[[], int]) -> int:
        """The call's result, once it need not wait; waits as the socket's timeout says."""
        deadline = deadline_after(self.gettimeout())
        while True:
            if event == select.POLLIN:
                self._wait(event, deadline)
            result = call()
            if result >= 0:
                return result
            code: int = ffi.errno
            waits = self.gettimeout() != 0.0 and code == errno.EAGAIN
            if not waits and code != errno.EINTR:
                raise error_for(code)
            if waits and event == select.POLLOUT:
                self._wait(event, deadline)


class _Message:
    """A struct msghdr with one piece, and what has to live as long as it."""

    def __init__(self, data: Any, length: int, control: int) -> None:
        self.data = data
        self.piece = ffi.new("struct iovec *", {"iov_base": data, "iov_len": length})
        self.control = ffi.new("char[]", max(control, 1))
        self.name: Any = None
        self.head = ffi.new("struct msghdr *", {"msg_iov": self.piece, "msg_iovlen": 1})
        if control:
            self.head.msg_control, self.head.msg_controllen = self.control, control


def _aligned(length: int) -> int:
    return (length + _ALIGN - 1) // _ALIGN * _ALIGN


def _pack_control(level: int, kind: int, data: Buffer) -> bytes:
    raw = bytes(data)
    length = _CONTROL.size + len(raw)
    return (_CONTROL.pack(length, level, kind) + raw).ljust(_aligned(length), b"\0")


def _control_messages(raw: bytes) -> Iterator[tuple[int, int, bytes]]:
    at = 0
    while at + _CONTROL.size <= len(raw):
        length, level, kind = _CONTROL.unpack_from(raw, at)
        yield level, kind, raw[at + _CONTROL.size : at + length]
        at += _aligned(max(length, _CONTROL.size))
