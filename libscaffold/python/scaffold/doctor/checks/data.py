"""Bytes on a stream."""

import errno
import os
import socket
import struct
import threading
import time
from pathlib import Path
from typing import Any

from ..kinds import TCP, TCP4, TCP6, Kind
from ..table import check
from ..verbs import (
    PATIENCE_S,
    answer,
    arrived,
    c_answer,
    ended,
    everything,
    libc,
    name,
    on,
    pending,
    sent_whole,
    sigpipes,
)


@check(*TCP, rows="free")
def both_ways(kind: Kind) -> Any:
    """8 MiB in both directions at once arrive as they were sent."""
    c, server = kind.pair()
    block = os.urandom(1 << 16)
    results: list[bool] = []

    def write(s: socket.socket) -> None:
        for _ in range(128):
            s.sendall(block)
        s.shutdown(socket.SHUT_WR)

    def read(s: socket.socket) -> None:
        results.append(b"".join(iter(lambda: s.recv(1 << 20), b"")) == block * 128)

    threads = [
        threading.Thread(target=work, args=(s,)) for s in (c, server) for work in (write, read)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@check(TCP4, TCP6, rows="small-writes")
def one_byte_writes(kind: Kind) -> Any:
    """20,000 writes of one byte, read as they come."""
    c, server = kind.pair()
    got = bytearray()

    def read() -> None:
        while data := server.recv(65536):
            got.extend(data)

    thread = threading.Thread(target=read)
    thread.start()
    for number in range(20_000):
        c.send(bytes([number & 255]))
    c.close()
    thread.join()
    return bytes(got) == bytes(number & 255 for number in range(20_000))


@check(TCP4, rows="small-writes")
def one_byte_writes_without_reader(kind: Kind) -> Any:
    """2,000 writes of one byte before anybody reads."""
    c, server = kind.pair()
    on(c, socket.TCP_NODELAY, 1, socket.IPPROTO_TCP)
    c.setblocking(False)
    taken = 0
    for _ in range(2000):
        if answer(c.send, b"x") == 1:
            taken += 1
    return taken, arrived(server, 2000)


@check(*TCP, rows="free")
def counted(kind: Kind) -> Any:
    """FIONREAD."""
    c, server = kind.pair()
    c.sendall(b"abc")
    arrived(server, 3)
    before = pending(server)
    server.recv(1)
    return before, pending(server), pending(c)


@check(TCP4, TCP6, rows="free")
def peeked(kind: Kind) -> Any:
    """MSG_PEEK leaves what it reads."""
    c, server = kind.pair()
    c.sendall(b"abcdef")
    arrived(server, 6)
    looks = [server.recv(3, socket.MSG_PEEK), server.recv(10, socket.MSG_PEEK)]
    return looks, server.recv(10), answer(server.recv, 1, socket.MSG_DONTWAIT)


@check(TCP4, TCP6, rows="free")
def waited_for(kind: Kind) -> Any:
    """MSG_WAITALL waits for all of it, or the end."""
    c, server = kind.pair()

    def write() -> None:
        c.sendall(b"abc")
        arrived(server, 3)
        sent_whole(c, b"def")

    thread = threading.Thread(target=write)
    c.sendall(b"-")
    arrived(server, 1)
    thread.start()
    server.settimeout(None)
    first = server.recv(4, socket.MSG_WAITALL)
    rest = server.recv(100, socket.MSG_WAITALL)
    thread.join()
    return first, rest


@check(TCP4, TCP6, rows="free")
def nothing_sent(kind: Kind) -> Any:
    """A send of no bytes is no end, and a recv of none returns at once."""
    c, server = kind.pair()
    code = c.send(b"")
    server.setblocking(False)
    codes = [answer(server.recv, 1)]
    c.sendall(b"x")
    arrived(server, 1)
    return code, codes, server.recv(0), server.recv(1)


@check(TCP4, TCP6, rows="discard")
def discarded(kind: Kind) -> Any:
    """recv into nowhere with MSG_TRUNC throws bytes away."""
    c, server = kind.pair()
    c.sendall(b"abcdef")
    arrived(server, 6)
    return libc.recv(server.fileno(), None, 4, socket.MSG_TRUNC), server.recv(10)


@check(TCP4, rows="discard")
def discarded_at_the_end(kind: Kind) -> Any:
    """More than there is, and at the end."""
    c, server = kind.pair()
    c.sendall(b"abc")
    c.close()
    ended(server)
    fd = server.fileno()
    return [libc.recv(fd, None, 100, socket.MSG_TRUNC) for _ in range(2)]


@check(TCP4, rows="discard")
def no_buffer(kind: Kind) -> Any:
    """recv into nowhere without that flag is EFAULT, and loses nothing."""
    c, server = kind.pair()
    c.sendall(b"abc")
    arrived(server, 3)
    return c_answer("recv", server.fileno(), None, 2, 0), server.recv(10)


@check(*TCP, rows="sendto")
def sent_to_an_address(kind: Kind) -> Any:
    """A stream ignores the destination."""
    c, server = kind.pair()
    with kind.bound() as other:
        code = answer(c.sendto, b"abc", other.getsockname())
    return code, server.recv(10)


@check(*TCP, rows="names")
def received_from(kind: Kind) -> Any:
    """recvfrom and recvmsg tell no address."""
    c, server = kind.pair()
    c.sendall(b"abc")
    arrived(server, 3)
    first, message = server.recvfrom(2), server.recvmsg(10)
    return first, message[0], message[3]


@check(TCP4, TCP6, rows="unconnected")
def unconnected(kind: Kind) -> Any:
    """EPIPE with its signal, and ENOTCONN, on sockets that are not connected."""
    found = []
    for make in (kind.socket, kind.bound, kind.listener):
        with make() as s, sigpipes() as caught:
            codes = answer(s.send, b"x"), answer(s.recv, 1), answer(s.shutdown, socket.SHUT_WR)
            found.append((codes, len(caught)))
    return found


@check(TCP4, rows="unconnected")
def unconnected_write(kind: Kind) -> Any:
    """The same for read(2) and write(2)."""
    found = []
    for make in (kind.socket, kind.bound, kind.listener):
        with make() as s, sigpipes() as caught:
            codes = answer(os.write, s.fileno(), b"x"), answer(os.read, s.fileno(), 1)
            found.append((codes, len(caught)))
    return found


@check(TCP4, TCP6, rows="free")
def vectors(kind: Kind) -> Any:
    """readv, writev, sendmsg and recvmsg of many pieces."""
    c, server = kind.pair()
    sent = os.writev(c.fileno(), [b"ab", b"", b"cd"]), c.sendmsg([b"e", b"fg"])
    arrived(server, 7)
    a, b, rest = bytearray(3), bytearray(1), bytearray(10)
    first = os.readv(server.fileno(), [a, b])
    return sent, first, bytes(a), bytes(b), server.recvmsg_into([rest])[0], bytes(rest[:3])


@check(TCP4, rows="free")
def many_messages(kind: Kind) -> Any:
    """A stream has no boundaries: what many sends wrote one recv reads."""
    c, server = kind.pair()
    for _ in range(10):
        c.sendall(b"ab")
    c.send(b"end", socket.MSG_EOR)
    arrived(server, 23)
    return server.recv(100)


@check(TCP4, rows="cork")
def more_to_come(kind: Kind) -> Any:
    """MSG_MORE and TCP_CORK lose nothing."""
    c, server = kind.pair()
    c.send(b"a", socket.MSG_MORE)
    on(c, socket.TCP_CORK, 1, socket.IPPROTO_TCP)
    c.send(b"b")
    on(c, socket.TCP_CORK, 0, socket.IPPROTO_TCP)
    c.close()
    return everything(server)


@check(TCP4, TCP6, rows="A1 free")
def sendfile(kind: Kind) -> Any:
    """sendfile, waiting for room as a server does; every byte arrives."""
    c, server = kind.pair()
    with Path("/proc/self/exe").open("rb") as file:
        total = min(os.fstat(file.fileno()).st_size, 2 << 20)
        expected = file.read(total)
        got: list[bytes] = []
        thread = threading.Thread(target=lambda: got.append(everything(server)))
        thread.start()
        sent = 0
        while sent < total:
            sent += os.sendfile(c.fileno(), file.fileno(), sent, total - sent)
        c.close()
        thread.join()
    return b"".join(got) == expected


@check(TCP4, TCP6, rows="free")
def spliced(kind: Kind) -> Any:
    """splice from a pipe and into one."""
    c, server = kind.pair()
    a, b = os.pipe(), os.pipe()
    os.write(a[1], b"through pipes")
    out = os.splice(a[0], c.fileno(), 100)
    arrived(server, 13)
    back = os.splice(server.fileno(), b[1], 100)
    return out, back, os.read(b[0], 100)


@check(TCP4, rows="free")
def seeking(kind: Kind) -> Any:
    """A socket has no position."""
    c, _server = kind.pair()
    fd = c.fileno()
    return [
        answer(os.lseek, fd, 0, os.SEEK_SET),
        answer(os.pread, fd, 1, 0),
        answer(os.pwrite, fd, b"x", 0),
        answer(os.ftruncate, fd, 0),
        answer(os.fsync, fd),
    ]


@check(TCP4, TCP6, rows="free")
def receive_timeout(kind: Kind) -> Any:
    """SO_RCVTIMEO bounds recv, read and recvmsg, set before connect or after."""
    with kind.listener() as s, kind.socket() as c:
        on(c, socket.SO_RCVTIMEO, struct.pack("ll", 0, 20_000))
        c.connect(s.getsockname())
        server, _ = s.accept()
        on(server, socket.SO_RCVTIMEO, struct.pack("ll", 0, 20_000))
        before = time.monotonic()
        codes = answer(c.recv, 1), answer(os.read, server.fileno(), 1), answer(c.recvmsg, 1)
        return codes, 0.05 < time.monotonic() - before < PATIENCE_S


@check(TCP4, rows="free")
def send_timeout(kind: Kind) -> Any:
    """SO_SNDTIMEO bounds a send that finds no room."""
    c, _server = kind.pair()
    on(c, socket.SO_SNDTIMEO, struct.pack("ll", 0, 20_000))
    block = bytes(1 << 20)
    for _ in range(200):
        code = answer(c.send, block)
        if code == "EAGAIN":
            break
    return code


@check(TCP4, rows="outq")
def unacknowledged(kind: Kind) -> Any:
    """SIOCOUTQ is none once the peer has everything."""
    import fcntl

    c, server = kind.pair()
    siocoutq = 0x5411
    c.sendall(b"abc")
    arrived(server, 3)
    server.recv(3)
    server.sendall(b"x")  # carries the acknowledgement
    c.recv(1)
    return struct.unpack("i", fcntl.ioctl(c, siocoutq, bytes(4)))[0]


@check(TCP4, rows="drain")
def sent_then_closed(kind: Kind) -> Any:
    """What send took arrives although the program closes at once."""
    c, server = kind.pair()
    c.setblocking(False)
    sent = 0
    while answer(lambda: None) == "ok":
        code = answer(c.send, bytes(65536))
        if code == "EAGAIN" or sent > 1 << 22:
            break
        sent += code
    c.close()
    return len(everything(server)) == sent


@check(TCP4, rows="drain")
def sent_then_exited(kind: Kind) -> Any:
    """What send took arrives although the program exits at once."""
    from ..verbs import in_child, reap

    c, server = kind.pair()

    def work() -> None:
        server.close()
        for _ in range(10):
            c.sendall(bytes(10_000))

    pid = in_child(work)
    c.close()
    code = reap(pid)
    return code, len(everything(server))


@check(TCP4, rows="free")
def bad_pointers(kind: Kind) -> Any:
    """EFAULT for memory that is not there; the stream goes on."""
    c, server = kind.pair()
    code = c_answer("send", c.fileno(), None, 5, 0)
    c.sendall(b"x")
    return code, server.recv(10), name(errno.EFAULT) == code


@check(TCP4, rows="A12")
def fortified(kind: Kind) -> Any:
    """The calls that FORTIFY puts in the place of recv and recvfrom."""
    c, server = kind.pair()
    import ctypes

    buffer = ctypes.create_string_buffer(16)
    c.sendall(b"abcdef")
    arrived(server, 6)
    recv, recvfrom = libc["__recv_chk"], libc["__recvfrom_chk"]
    got = recv(server.fileno(), buffer, 3, 16, 0), buffer.raw[:3]
    length = ctypes.c_uint(128)
    address = ctypes.create_string_buffer(128)
    more = recvfrom(server.fileno(), buffer, 9, 16, 0, address, ctypes.byref(length))
    return got, more, buffer.raw[:3], length.value


@check(TCP4, TCP6, rows="free")
def buffered_by_stdio(kind: Kind) -> Any:
    """A file object over the socket reads lines."""
    c, server = kind.pair()
    c.sendall(b"one\ntwo\n")
    c.shutdown(socket.SHUT_WR)
    with os.fdopen(os.dup(server.fileno()), "rb") as file:
        return file.readlines()
