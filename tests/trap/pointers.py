"""Socket calls with pointers that lead nowhere: prints what each says."""

import ctypes
import errno
import os
import socket

libc = ctypes.CDLL(None, use_errno=True)
BAD = ctypes.c_void_p(8)
"""In the first page, where nothing ever is."""
room = ctypes.create_string_buffer(128)


class Vector(ctypes.Structure):
    """struct iovec."""

    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


class Header(ctypes.Structure):
    """struct msghdr."""

    _fields_ = [
        ("name", ctypes.c_void_p),
        ("namelen", ctypes.c_uint),
        ("iov", ctypes.c_void_p),
        ("iovlen", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("controllen", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    ]


byte = Vector(ctypes.addressof(room), 1)


def header(**bad: int) -> ctypes.c_void_p:
    """One byte, and what is bad about it."""
    fields = {"iov": ctypes.addressof(byte), "iovlen": 1} | bad
    made.append(Header(**fields))
    return ctypes.byref(made[-1])


made: list[Header] = []


def length(value: int = 128) -> ctypes.c_void_p:
    return ctypes.byref(ctypes.c_int(value))


def said(text: str, function: str, *arguments: object) -> None:
    result = getattr(libc, function)(*arguments)
    print(text, errno.errorcode[ctypes.get_errno()] if result < 0 else result, flush=True)


def on_each(kind: str, s: int) -> None:
    """Calls that every socket takes."""
    sol, bad = socket.SOL_SOCKET, BAD.value
    said(f"{kind} getsockname address", "getsockname", s, BAD, length())
    said(f"{kind} getsockname length", "getsockname", s, room, BAD)
    said(f"{kind} getsockname negative", "getsockname", s, room, length(-1))
    said(f"{kind} getpeername address", "getpeername", s, BAD, length())
    said(f"{kind} getsockopt value", "getsockopt", s, sol, socket.SO_RCVBUF, BAD, length())
    said(f"{kind} getsockopt length", "getsockopt", s, sol, socket.SO_RCVBUF, room, BAD)
    said(f"{kind} setsockopt value", "setsockopt", s, sol, socket.SO_RCVBUF, BAD, 4)
    said(f"{kind} sendto address", "sendto", s, room, 1, 0, BAD, 16)
    said(f"{kind} sendto long address", "sendto", s, room, 1, 0, room, 4096)
    said(f"{kind} sendmsg message", "sendmsg", s, BAD, 0)
    said(f"{kind} sendmsg pieces", "sendmsg", s, header(iov=bad), 0)
    said(f"{kind} sendmsg bytes", "sendmsg", s, header(iov=vector_nowhere), 0)
    said(f"{kind} sendmsg name", "sendmsg", s, header(name=bad, namelen=16), 0)
    said(f"{kind} sendmsg control", "sendmsg", s, header(control=bad, controllen=64), 0)
    said(f"{kind} recvmsg message", "recvmsg", s, BAD, socket.MSG_DONTWAIT)
    said(f"{kind} recvmsg pieces", "recvmsg", s, header(iov=bad), socket.MSG_DONTWAIT)
    said(f"{kind} recvfrom length", "recvfrom", s, room, 1, socket.MSG_DONTWAIT, room, BAD)


empty = Vector(BAD.value, 1)
vector_nowhere = ctypes.addressof(empty)

with socket.create_server(("127.0.0.1", 0)) as listener:
    client = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()
    server.sendall(bytes(64))
    on_each("stream", client.fileno())
    fresh = socket.socket()
    said("connect address", "connect", fresh.fileno(), BAD, 16)
    said("bind address", "bind", fresh.fileno(), BAD, 16)
    other = socket.create_connection(listener.getsockname())
    said("accept length", "accept", listener.fileno(), room, BAD)

with socket.socket(type=socket.SOCK_DGRAM) as a, socket.socket(type=socket.SOCK_DGRAM) as b:
    a.bind(("127.0.0.1", 0))
    b.bind(("127.0.0.1", 0))
    a.connect(b.getsockname())
    b.connect(a.getsockname())
    for _ in range(8):
        b.send(b"x")
    os.set_blocking(a.fileno(), True)
    a.recv(1)
    on_each("datagram", a.fileno())
