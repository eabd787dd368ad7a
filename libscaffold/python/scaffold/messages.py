"""struct msghdr, for the calls that send and receive with an address or with control messages."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from . import names
from ._native import ffi

ADDRESS_ROOM = 128  # sizeof(struct sockaddr_storage)
_CONTROL = struct.Struct("@Nii")  # struct cmsghdr: length, level, type
_ALIGN = struct.calcsize("@N")


class Message:
    """A struct msghdr of these pieces of memory, and what has to live as long as it."""

    def __init__(self, pieces: Sequence[Any], control: int) -> None:
        self.pieces = pieces
        vector = [{"iov_base": piece, "iov_len": len(piece)} for piece in pieces]
        self.vector = ffi.new("struct iovec[]", vector)
        self.control = ffi.new("char[]", max(control, 1))
        self.name: Any = None
        about = {"msg_iov": self.vector, "msg_iovlen": len(vector)}
        self.head = ffi.new("struct msghdr *", about)
        if control:
            self.head.msg_control, self.head.msg_controllen = self.control, control

    def take_name(self, room: Any, length: int) -> None:
        """Address it."""
        self.name = room
        self.head.msg_name, self.head.msg_namelen = room, length

    def make_room_for_name(self) -> None:
        """So that a receiving call says whom it is from."""
        self.take_name(ffi.new("char[]", ADDRESS_ROOM), ADDRESS_ROOM)

    def sender(self) -> Any:
        """Whom it is from, as a Python address."""
        return names.unpack(self.name, self.head.msg_namelen)

    def control_messages(self) -> list[tuple[int, int, bytes]]:
        """What came beside the data."""
        return list(_unpack(bytes(ffi.buffer(self.control, self.head.msg_controllen))))


def outgoing(buffers: Iterable[Any], ancillary: Any) -> Message:
    """A message of these buffers with these control messages, to nobody yet."""
    control = b"".join(_pack(*one) for one in ancillary)
    message = Message([ffi.from_buffer(buffer) for buffer in buffers], len(control))
    if control:
        ffi.memmove(message.control, control, len(control))
    return message


def incoming(buffers: Iterable[Any], control: int) -> Message:
    """Room for one in these buffers, and for so many bytes of control messages."""
    rooms = [ffi.from_buffer(buffer, require_writable=True) for buffer in buffers]
    message = Message(rooms, control)
    message.make_room_for_name()
    return message


def _aligned(length: int) -> int:
    return (length + _ALIGN - 1) // _ALIGN * _ALIGN


def _pack(level: int, kind: int, data: Any) -> bytes:
    raw = bytes(data)
    length = _CONTROL.size + len(raw)
    return (_CONTROL.pack(length, level, kind) + raw).ljust(_aligned(length), b"\0")


def _unpack(raw: bytes) -> Iterator[tuple[int, int, bytes]]:
    at = 0
    while at + _CONTROL.size <= len(raw):
        length, level, kind = _CONTROL.unpack_from(raw, at)
        yield level, kind, raw[at + _CONTROL.size : at + length]
        at += _aligned(max(length, _CONTROL.size))
