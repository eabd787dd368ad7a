"""What can be sent and asked for beside the bytes."""

import os
import socket
import struct
import time
from typing import Any

from ..kinds import TCP, TCP4, TCP6, Kind
from ..table import check
from ..verbs import answer, arrived, on

_RIGHTS = socket.SCM_RIGHTS
_CREDENTIALS = 2
_STAMPS_START_S = 1.0


def _sent(kind: Kind, kind_of_message: int, content: bytes) -> Any:
    c, server = kind.pair()
    code = answer(c.sendmsg, [b"abc"], [(socket.SOL_SOCKET, kind_of_message, content)])
    if code == 3:
        arrived(server, 3)
        message = server.recvmsg(10, 256)
        return code, message[:3]
    return code


@check(*TCP, rows="rights")
def descriptors(kind: Kind) -> Any:
    """SCM_RIGHTS is ignored; the bytes arrive, the descriptor does not."""
    reader, _writer = os.pipe()
    return _sent(kind, _RIGHTS, struct.pack("i", reader))


@check(TCP4, rows="rights")
def credentials(kind: Kind) -> Any:
    """SCM_CREDENTIALS is ignored."""
    return _sent(kind, _CREDENTIALS, struct.pack("iii", os.getpid(), os.getuid(), os.getgid()))


@check(TCP4, rows="rights")
def unknown(kind: Kind) -> Any:
    """Messages of the socket level that do not exist are EINVAL."""
    return _sent(kind, 9999, bytes(4))


@check(TCP4, rows="rights")
def of_other_levels(kind: Kind) -> Any:
    """Messages of other levels are ignored."""
    c, server = kind.pair()
    code = answer(c.sendmsg, [b"abc"], [(socket.IPPROTO_IP, socket.IP_TTL, struct.pack("i", 5))])
    return code, answer(server.recv, 10) if code == 3 else None


@check(TCP4, TCP6, rows="credentials")
def nothing_comes_uncalled(kind: Kind) -> Any:
    """With SO_PASSCRED asked for, a message carries nothing but its bytes."""
    c, server = kind.pair()
    answer(server.setsockopt, socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    c.sendall(b"abc")
    arrived(server, 3)
    message = server.recvmsg(10, 256)
    return message[0], message[1], message[2]


@check(TCP4, rows="options")
def time_stamps(kind: Kind) -> Any:
    """SO_TIMESTAMP brings a time with each read of a stream, too, soon after it is set: Linux
    starts to stamp packets in a work queue (net_enable_timestamp), so the first may be without."""
    c, server = kind.pair()
    on(server, socket.SO_TIMESTAMP if hasattr(socket, "SO_TIMESTAMP") else 29)
    deadline = time.monotonic() + _STAMPS_START_S
    while True:
        c.sendall(b"abc")
        arrived(server, 3)
        message = server.recvmsg(10, 256)
        if message[1] or time.monotonic() > deadline:
            return message[0], [(level, kind_) for level, kind_, _ in message[1]]


@check(TCP4, rows="names")
def flags(kind: Kind) -> Any:
    """msg_flags and msg_namelen of a plain message."""
    c, server = kind.pair()
    c.sendall(b"abcdef")
    arrived(server, 6)
    short = server.recvmsg(3, 0)
    return short[2], short[3], server.recvmsg(10, 0)[2:]


@check(TCP4, rows="free")
def error_queue(kind: Kind) -> Any:
    """An empty error queue is EAGAIN."""
    c, _server = kind.pair()
    c.setblocking(False)
    return answer(c.recv, 10, socket.MSG_ERRQUEUE)
