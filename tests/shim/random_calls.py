"""Executes socket calls that come as JSON lines on stdin, and says what came of each.

All sockets are non-blocking and have a number, in the order in which they were made. Addresses are
told as the numbers of the sockets that have them, so that answers of two processes can be compared.
A line may carry `until`, what another process has seen after the same call: then the answer waits
for the same, or for `patience_s`, so that a call is never made in the middle of a change.
"""

import errno
import fcntl
import json
import select
import socket
import struct
import sys
import termios
import time
from typing import Any

MASK = select.POLLIN | select.POLLPRI | select.POLLOUT | 0x2000
LINGER = {"reset": struct.pack("ii", 1, 0), "wait": struct.pack("ii", 0, 0)}
OPTIONS = {
    "nodelay": (socket.IPPROTO_TCP, socket.TCP_NODELAY),
    "keepalive": (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
    "oobinline": (socket.SOL_SOCKET, socket.SO_OOBINLINE),
    "keepidle": (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
}

sockets: list[socket.socket | None] = []
family, kind, host = socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1"


def add(s: socket.socket) -> int:
    s.setblocking(False)
    sockets.append(s)
    return len(sockets) - 1


def whose(address: Any) -> Any:
    """Which sockets have this address."""
    if address[1] == 0:
        return [address[0], 0]
    return [address[0], [n for n, s in enumerate(sockets) if s and s.getsockname() == address]]


def begin(words: dict[str, Any]) -> Any:
    global family, kind, host
    for s in sockets:
        if s:
            s.close()
    sockets.clear()
    family = socket.AF_INET6 if words["six"] else socket.AF_INET
    kind = socket.SOCK_DGRAM if words["datagrams"] else socket.SOCK_STREAM
    host = "::1" if words["six"] else "127.0.0.1"
    return None


def perform(op: str, s: socket.socket, w: dict[str, Any]) -> Any:
    other = sockets[w["other"]] if w.get("other") is not None else None
    match op:
        case "bind":
            return s.bind(other.getsockname() if other else (host, 0))
        case "listen":
            return s.listen(16)
        case "connect":
            assert other
            return s.connect(other.getsockname())
        case "disconnect":
            import ctypes

            address = struct.pack("HH12x", socket.AF_UNSPEC, 0)
            if ctypes.CDLL(None, use_errno=True).connect(s.fileno(), address, 16) < 0:
                raise OSError(ctypes.get_errno(), "connect")
            return None
        case "accept":
            accepted, peer = s.accept()
            add(accepted)
            return whose(peer)
        case "send":
            return s.send(bytes([w["value"]]) * w["size"], socket.MSG_NOSIGNAL)
        case "sendto":
            assert other
            return s.sendto(bytes([w["value"]]) * w["size"], other.getsockname())
        case "recv":
            data = s.recv(w["size"], socket.MSG_PEEK if w["peek"] else 0)
            return [len(data), sorted(set(data))]
        case "recvfrom":
            data, peer = s.recvfrom(w["size"])
            return [len(data), sorted(set(data)), whose(peer)]
        case "shutdown":
            return s.shutdown(w["how"])
        case "close":
            sockets[sockets.index(s)] = None
            return s.close()
        case "linger":
            return s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER[w["value"]])
        case "set":
            return s.setsockopt(*OPTIONS[w["option"]], w["value"])
        case "get":
            return bool(s.getsockopt(*OPTIONS[w["option"]]))
        case "error":
            error = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            return errno.errorcode.get(error, str(error))
        case "name":
            return whose(s.getsockname())
        case "peer":
            return whose(s.getpeername())
    raise AssertionError(op)


def call(w: dict[str, Any]) -> Any:
    if w["op"] == "begin":
        return begin(w)
    if w["op"] == "socket":
        return add(socket.socket(family, kind))
    s = sockets[w["on"]]
    assert s
    try:
        return perform(w["op"], s, w)
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, repr(error))


def look(s: socket.socket) -> list[Any]:
    poll = select.poll()
    poll.register(s, MASK)
    ready = poll.poll(0)
    try:
        count = struct.unpack("i", fcntl.ioctl(s, termios.FIONREAD, bytes(4)))[0]
    except OSError as error:
        count = errno.errorcode[error.errno or 0]
    return [hex(ready[0][1]) if ready else "0", count]


def seen() -> list[Any]:
    """Poll mask and FIONREAD of every socket."""
    return [look(s) if s else None for s in sockets]


def same(now: list[Any], until: list[Any]) -> bool:
    """A FIONREAD of None stands for any."""
    return all(
        a == b or (a and b and b[1] is None and a[0] == b[0])
        for a, b in zip(now, until, strict=True)
    )


def settle(until: list[Any] | None, patience_s: float) -> list[Any]:
    """What there is once it is `until`, or `patience_s` later."""
    deadline = time.monotonic() + patience_s
    with select.epoll() as edges:
        for s in sockets:
            if s and until:
                edges.register(s, MASK | select.EPOLLET)
        while until and not same(seen(), until) and time.monotonic() < deadline:
            edges.poll(0.02)
    return until if until and same(seen(), until) else seen()


if __name__ == "__main__":
    for line in sys.stdin:
        words = json.loads(line)
        result = call(words)
        print(
            json.dumps(
                {"result": result, "seen": settle(words.get("until"), words.get("patience_s", 0))}
            ),
            flush=True,
        )
