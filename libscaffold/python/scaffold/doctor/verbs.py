"""What checks are written with. Nothing here waits for time to pass: each wait is for an event,
with a bound for the case that it never comes; the answer then shows what there was instead.
"""

import ctypes
import errno
import fcntl
import os
import platform
import select
import signal
import socket
import struct
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .kinds import Kind

PATIENCE_S = 5.0
"""For an event that should come at once; a machine may be busy."""

FEW_PORTS = 8
"""That others have every one of them does not happen."""

MASK = select.POLLIN | select.POLLPRI | select.POLLOUT | 0x2000
RDHUP = 0x2000
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER that makes close a reset."""

libc = ctypes.CDLL(None, use_errno=True)


# --- sandboxes ----------------------------------------------------------------------------------

_NAMES = {"x86_64": (0xC000003E, 51, 52, 55), "aarch64": (0xC00000B7, 204, 205, 209)}
"""Of the machine's calls: how the kernel marks them, getsockname, getpeername, getsockopt."""


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def may_not_ask_for_names() -> bool:
    """From now on these three calls are refused with EPERM, for good. False: it cannot be done."""
    if platform.machine() not in _NAMES:
        return False
    mark, *calls = _NAMES[platform.machine()]
    code = struct.pack("=HBBI", 0x20, 0, 0, 4)  # which machine's calls
    code += struct.pack("=HBBI", 0x15, 0, 4, mark)
    code += struct.pack("=HBBI", 0x20, 0, 0, 0)  # which call
    for left, call in enumerate(reversed(calls)):
        code += struct.pack("=HBBI", 0x15, 3 - left, 0, call)
    code += struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000)  # allowed
    code += struct.pack("=HBBI", 0x06, 0, 0, 0x00050000 | errno.EPERM)
    sandbox = _Filter(len(code) // 8, code)
    no_new_privileges, seccomp, filtered = 38, 22, 2
    alone = libc.prctl(no_new_privileges, 1, 0, 0, 0)
    return alone == 0 and int(libc.prctl(seccomp, filtered, ctypes.byref(sandbox), 0, 0)) == 0


# --- calls and their answers --------------------------------------------------------------------


def name(error: int | None) -> str:
    """The symbol of an errno."""
    return errno.errorcode.get(error or 0, str(error))


def answer(call: Callable[..., Any], *args: Any) -> Any:
    """What a call returns if that can be compared, "ok" otherwise, or the errno it fails with."""
    try:
        result = call(*args)
    except OSError as error:
        return name(error.errno) if error.errno else type(error).__name__
    return result if isinstance(result, int | bytes | str | tuple | list) else "ok"


def of_a_few_ports(once: Callable[[], Any]) -> Any:
    """What `once` answers of a port that the kernel chose for one protocol and that another wants:
    anybody, or a flow that was here a minute ago (TIME-WAIT), may have the other's."""
    for _ in range(FEW_PORTS):
        if "EADDRINUSE" not in (found := once()):
            break
    return found


def c_answer(function: str, *args: Any) -> Any:
    """The same for a function of the C library."""
    result = getattr(libc, function)(*args)
    return name(ctypes.get_errno()) if result < 0 else result


def raw(kind: Kind, port: int, host: str | None = None) -> bytes:
    """The sockaddr of a port of the loopback interface."""
    if kind.family == socket.AF_INET:
        address = socket.inet_pton(socket.AF_INET, host or kind.host)
        return struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + address + bytes(8)
    address = socket.inet_pton(socket.AF_INET6, host or kind.host)
    return struct.pack("=H", socket.AF_INET6) + struct.pack("!HI", port, 0) + address + bytes(4)


def disconnect(s: socket.socket) -> Any:
    """connect to AF_UNSPEC, which Python's sockets do not offer."""
    return c_answer("connect", s.fileno(), struct.pack("HH12x", socket.AF_UNSPEC, 0), 16)


def so_error(s: socket.socket) -> str:
    """SO_ERROR, which is forgotten by asking."""
    return name(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))


def on(s: socket.socket, option: int, value: Any = 1, level: int = socket.SOL_SOCKET) -> None:
    """Set an option of the socket level, or of another."""
    s.setsockopt(level, option, value)


@contextmanager
def sigpipes() -> Iterator[list[int]]:
    """Counts SIGPIPE instead of dying of it."""
    caught: list[int] = []
    before = signal.signal(signal.SIGPIPE, lambda number, _: caught.append(number))
    yield caught
    signal.signal(signal.SIGPIPE, before)


def own_address() -> str | None:
    """An IPv4 address of this host that is not loopback; None: it has none. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return str(s.getsockname()[0])


# --- waiting for events -------------------------------------------------------------------------


def mask(s: socket.socket | int, wanted: int = MASK, patience_s: float = 0.0) -> str:
    """What poll says now, or as soon as it says anything."""
    poll = select.poll()
    poll.register(s, wanted)
    ready = poll.poll(patience_s * 1000)
    return hex(ready[0][1]) if ready else "nothing"


def until(s: socket.socket | int, bits: int, wanted: int = MASK) -> str:
    """What poll says once all of `bits` are there. An edge of epoll is the event."""
    fd = s if isinstance(s, int) else s.fileno()
    deadline = time.monotonic() + PATIENCE_S
    with select.epoll() as edges:
        edges.register(fd, select.EPOLLET | wanted)
        while (left := deadline - time.monotonic()) > 0:
            poll = select.poll()
            poll.register(fd, wanted)
            ready = poll.poll(0)
            if ready and ready[0][1] & bits == bits:
                break
            edges.poll(left)
    return mask(fd, wanted)


def pending(s: socket.socket) -> int:
    """FIONREAD."""
    return int(struct.unpack("i", fcntl.ioctl(s, termios.FIONREAD, bytes(4)))[0])


def arrived(s: socket.socket, count: int) -> bool:
    """Wait until so many bytes can be read. False if they never come."""
    deadline = time.monotonic() + PATIENCE_S
    with select.epoll() as edges:
        edges.register(s, select.EPOLLET | select.EPOLLIN | RDHUP)
        while pending(s) < count and (left := deadline - time.monotonic()) > 0:
            edges.poll(left)
    return pending(s) >= count


def ended(s: socket.socket) -> None:
    """Wait until the peer writes no more, or has reset."""
    until(s, RDHUP)


def was_reset(s: socket.socket) -> None:
    """Wait until the flow is over in both directions."""
    until(s, select.POLLHUP)


def everything(s: socket.socket) -> bytes:
    """All bytes to the end of the stream."""
    s.settimeout(PATIENCE_S)
    return b"".join(iter(lambda: s.recv(1 << 16), b""))


def sent_whole(s: socket.socket, data: bytes) -> None:
    """Send everything, then close."""
    s.sendall(data)
    s.close()


# --- situations ---------------------------------------------------------------------------------


@contextmanager
def unserved(kind: Kind) -> Iterator[Any]:
    """An address that refuses, and that nobody else gets meanwhile: bound, not listening."""
    with kind.bound() as s:
        yield s.getsockname()


@contextmanager
def unanswered(kind: Kind) -> Iterator[Any]:
    """The address of a listener whose queue is full, so that connecting to it goes on and on."""
    with kind.listener(0) as s:
        with kind.connect(s.getsockname()):
            yield s.getsockname()


def reset_by_unread(s: socket.socket, peer: socket.socket) -> None:
    """Have `peer` close while it has not read what was sent to it: `s` is reset."""
    s.sendall(b"unread")
    arrived(peer, 6)
    peer.close()
    was_reset(s)


class NoReset(Exception):
    """A flow cannot be reset by SO_LINGER: the check ends there, and that is its answer."""


def abort_on_close(s: socket.socket) -> None:
    """Make close a reset."""
    try:
        on(s, socket.SO_LINGER, RESET)
    except OSError as error:
        raise NoReset(f"SO_LINGER: {name(error.errno)}") from error


def reset_by_linger(s: socket.socket, peer: socket.socket) -> None:
    """Have `peer` reset the flow."""
    abort_on_close(peer)
    peer.close()
    was_reset(s)


def in_child(work: Callable[[], Any]) -> int:
    """Fork; the child does `work` and ends with 0. Returns its pid."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return pid


def reap(pid: int) -> int:
    """A child's exit code."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
