"""What a program sees of its TCP sockets, one function per question; the answers are printed.

Run once natively and once under the shim with every loopback socket on services: the answers must
be the same. Addresses are compared by their relation to each other, since ports differ.
"""

import errno
import fcntl
import os
import select
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

LOCALHOST = "127.0.0.1"
TCP_INFO_STATES = {1: "established", 2: "syn-sent", 7: "close", 8: "close-wait", 10: "listen"}


def name(error: int | None) -> str:
    return errno.errorcode.get(error or 0, str(error))


def failure(call: Callable[..., Any], *args: Any) -> str:
    """The name of the errno that a call fails with."""
    try:
        result = call(*args)
    except OSError as error:
        return name(error.errno)
    return f"success {result!r}" if isinstance(result, (int, bytes)) else "success"


def listener(family: int = socket.AF_INET, backlog: int = 16) -> socket.socket:
    s = socket.socket(family)
    s.bind(("::1" if family == socket.AF_INET6 else LOCALHOST, 0))
    s.listen(backlog)
    return s


def pair() -> tuple[socket.socket, socket.socket]:
    """Both ends of a flow: the client's, the server's."""
    with listener() as s:
        client = socket.create_connection(s.getsockname())
        server, _ = s.accept()
    return client, server


def closed_address() -> tuple[str, int]:
    """An address that nobody listens at."""
    with listener() as s:
        address: tuple[str, int] = s.getsockname()
    return address


def mask(s: socket.socket, wanted: int = 0x2017, wait: float = 2.0) -> str:
    """What poll says, once it is settled."""
    poll = select.poll()
    poll.register(s, wanted)
    ready = poll.poll(wait * 1000)
    return hex(ready[0][1]) if ready else "nothing"


def settle() -> None:
    """Lets what is on its way arrive: a relay does not deliver inside send."""
    time.sleep(0.15)


# --- connecting ---------------------------------------------------------------------------------


def blocking_connect() -> Any:
    with listener() as s, socket.socket() as c:
        c.connect(s.getsockname())
        server, peer = s.accept()
        same = [peer == c.getsockname(), server.getpeername() == c.getsockname()]
        same += [server.getsockname() == s.getsockname(), c.getpeername() == s.getsockname()]
        return [*same, c.getsockname()[0]]


def ipv6_connect() -> Any:
    with listener(socket.AF_INET6) as s, socket.socket(socket.AF_INET6) as c:
        c.connect(s.getsockname())
        server, peer = s.accept()
        return [
            peer == c.getsockname(),
            server.getsockname() == s.getsockname(),
            peer[0],
            len(peer),
        ]


def dual_stack() -> Any:
    with socket.socket(socket.AF_INET6) as s:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        s.bind(("::", 0))
        s.listen()
        shown = s.getsockname()[0]
        c = socket.create_connection((LOCALHOST, s.getsockname()[1]))
        server, peer = s.accept()
        return [shown, peer[0], server.getsockname()[0], peer[1] == c.getsockname()[1]]


def wildcard_listener() -> Any:
    with socket.socket() as s:
        s.bind(("", 0))
        s.listen()
        c = socket.create_connection((LOCALHOST, s.getsockname()[1]))
        server, _ = s.accept()
        return [s.getsockname()[0], server.getsockname()[0], c.getpeername()[0]]


def nonblocking_connect() -> Any:
    with listener() as s, socket.socket() as c:
        c.setblocking(False)
        first = name(c.connect_ex(s.getsockname()))
        writable = mask(c, select.POLLOUT)
        return [first, writable, c.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)]


def nonblocking_connect_again() -> Any:
    with listener() as s, socket.socket() as c:
        c.setblocking(False)
        c.connect_ex(s.getsockname())
        mask(c, select.POLLOUT)
        return [name(c.connect_ex(s.getsockname())), name(c.connect_ex(s.getsockname()))]


def refused() -> Any:
    with socket.socket() as c:
        answers = [failure(c.connect, closed_address())]
        answers.append(str(c.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)))
        return [*answers, failure(c.getpeername), failure(c.recv, 1)]


def refused_nonblocking() -> Any:
    with socket.socket() as c:
        c.setblocking(False)
        first = name(c.connect_ex(closed_address()))
        polled = mask(c, select.POLLOUT | select.POLLIN)
        errors = [c.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) for _ in range(2)]
        return [first, polled, *map(name, errors)]


def refused_then_connected() -> Any:
    with listener() as s, socket.socket() as c:
        first = failure(c.connect, closed_address())
        c.connect(s.getsockname())
        c.sendall(b"x")
        return [first, s.accept()[0].recv(1)]


def refused_told_by_recv() -> Any:
    with socket.socket() as c:
        c.setblocking(False)
        c.connect_ex(closed_address())
        mask(c, select.POLLOUT | select.POLLIN)
        return [failure(c.recv, 1), c.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)]


def connect_twice() -> Any:
    c, server = pair()
    return [failure(c.connect, server.getsockname()), failure(server.connect, c.getsockname())]


def disconnect_and_connect_again() -> Any:
    c, _server = pair()
    libc_connect(c, struct.pack("HH12x", socket.AF_UNSPEC, 0))
    with listener() as s:
        gone = failure(c.getpeername)
        c.connect(s.getsockname())
        return [gone, s.accept()[1] == c.getsockname()]


def libc_connect(s: socket.socket, address: bytes) -> int:
    import ctypes

    return int(ctypes.CDLL(None, use_errno=True).connect(s.fileno(), address, len(address)))


def bound_client() -> Any:
    with listener() as s, socket.socket() as c:
        c.bind((LOCALHOST, 0))
        port = c.getsockname()[1]
        c.connect(s.getsockname())
        return [c.getsockname()[1] == port, s.accept()[1][1] == port]


def connect_timeout_kept() -> Any:
    with listener() as s, socket.socket() as c:
        c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 50_000))
        c.connect(s.getsockname())
        before = time.monotonic()
        answer = failure(c.recv, 1)
        return [answer, 0.03 < time.monotonic() - before < 1.0]


# --- polling ------------------------------------------------------------------------------------


def epoll_before_connect() -> Any:
    with listener() as s, socket.socket() as c, select.epoll() as e:
        c.setblocking(False)
        e.register(c, select.EPOLLOUT | select.EPOLLIN | select.EPOLLET)
        with suppress(BlockingIOError):
            e.poll(0)
        first = name(c.connect_ex(s.getsockname()))
        events = [hex(event) for fd, event in e.poll(2) if fd == c.fileno()]
        more = e.poll(0.05)
        server, _ = s.accept()
        server.sendall(b"x")
        readable = [bool(event & select.EPOLLIN) for _, event in e.poll(2)]
        e.modify(c, select.EPOLLIN)
        e.unregister(c)
        return [first, events, more, readable]


def epoll_before_listen() -> Any:
    with socket.socket() as s, select.epoll() as e:
        e.register(s, select.EPOLLIN)
        e.poll(0)
        s.bind((LOCALHOST, 0))
        s.listen()
        c = socket.create_connection(s.getsockname())
        return [len(e.poll(2)), s.accept()[1] == c.getsockname()]


def epoll_refused() -> Any:
    with socket.socket() as c, select.epoll() as e:
        c.setblocking(False)
        address = closed_address()
        e.register(c, select.EPOLLOUT)
        e.poll(0)
        c.connect_ex(address)
        time.sleep(0.1)
        return [bool(event & select.EPOLLERR) for _, event in e.poll(2)]


def poll_masks() -> Any:
    c, server = pair()
    idle = mask(c)
    server.shutdown(socket.SHUT_WR)
    settle()
    half = mask(c)
    c.shutdown(socket.SHUT_WR)
    settle()
    return [idle, half, mask(c)]


# --- ends ---------------------------------------------------------------------------------------


def half_close() -> Any:
    c, server = pair()
    c.sendall(b"question")
    c.shutdown(socket.SHUT_WR)
    got = b"".join(iter(lambda: server.recv(100), b""))
    server.sendall(b"answer")
    server.close()
    return [got, b"".join(iter(lambda: c.recv(100), b""))]


def reset_by_unread() -> Any:
    c, server = pair()
    c.sendall(b"unread")
    settle()
    server.close()
    settle()
    return [failure(c.recv, 10), failure(c.recv, 10)]


def reset_by_linger() -> Any:
    c, server = pair()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.close()
    settle()
    return [failure(c.recv, 10), failure(c.getpeername)[:1] != ""]


def reset_by_linger_set_before_connect() -> Any:
    with listener() as s, socket.socket() as c:
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        c.connect(s.getsockname())
        server, _ = s.accept()
        c.close()
        settle()
        return [failure(server.recv, 10), failure(server.recv, 10)]


def data_before_reset() -> Any:
    c, server = pair()
    server.sendall(b"last words")
    c.sendall(b"unread")
    settle()
    server.close()
    settle()
    answer = failure(c.recv, 100)  # Linux's TCP gives what it has, or the reset at once
    return answer in ("success b'last words'", "ECONNRESET")


def send_after_close() -> Any:
    c, server = pair()
    server.close()
    settle()
    first = failure(c.send, b"x")
    settle()
    return [first, failure(c.send, b"x"), failure(c.recv, 10)]


def send_after_reset() -> Any:
    c, server = pair()
    c.sendall(b"unread")
    settle()
    server.close()
    settle()
    return [failure(c.send, b"x"), failure(c.send, b"x")]


def sigpipe() -> Any:
    c, server = pair()
    c.sendall(b"unread")
    settle()
    server.close()
    settle()
    caught: list[int] = []
    signal.signal(signal.SIGPIPE, lambda number, _: caught.append(number))
    first = failure(c.send, b"x")
    after_first = len(caught)
    second = failure(c.send, b"x")
    return [first, after_first, second, len(caught)]


def listener_closed_with_pending() -> Any:
    s = listener()
    c = socket.create_connection(s.getsockname())
    s.close()
    settle()
    return failure(c.recv, 1)


def shutdown_after_reset() -> Any:
    c, server = pair()
    c.sendall(b"unread")
    settle()
    server.close()
    settle()
    failure(c.recv, 1)
    return failure(c.shutdown, socket.SHUT_RDWR)


def peer_reads_no_more() -> Any:
    c, server = pair()
    server.shutdown(socket.SHUT_RD)
    settle()
    return [failure(c.send, b"x"), failure(c.send, b"y")]


# --- unconnected --------------------------------------------------------------------------------


def unconnected() -> Any:
    with socket.socket() as s:
        s.bind((LOCALHOST, 0))
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        answers = [failure(s.send, b"x"), failure(s.recv, 1), failure(s.getpeername)]
        return [*answers, failure(s.shutdown, socket.SHUT_RDWR), failure(s.accept)]


def listening() -> Any:
    with listener() as s:
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        answers = [failure(s.send, b"x"), failure(s.recv, 1), failure(s.getpeername)]
        return [*answers, failure(s.connect, s.getsockname()), failure(s.bind, (LOCALHOST, 0))]


def bind_twice() -> Any:
    with socket.socket() as s, socket.socket() as other:
        s.bind((LOCALHOST, 0))
        s.listen()
        return [failure(s.bind, (LOCALHOST, 0)), failure(other.bind, s.getsockname())]


def reuseport() -> Any:
    with socket.socket() as a, socket.socket() as b:
        for s in (a, b):
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        a.bind((LOCALHOST, 0))
        b.bind(a.getsockname())
        a.listen()
        b.listen()
        for s in (a, b):
            s.setblocking(False)
        clients = [socket.create_connection(a.getsockname()) for _ in range(16)]
        settle()
        accepted = 0
        for s in (a, b):
            with suppress(BlockingIOError):
                while True:
                    s.accept()
                    accepted += 1
        return [len(clients), accepted, a.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)]


# --- data ---------------------------------------------------------------------------------------


def sendto_with_address() -> Any:
    c, server = pair()
    return [failure(c.sendto, b"abc", server.getsockname()), server.recv(10)]


def recvfrom_tells_no_address() -> Any:
    c, server = pair()
    c.sendall(b"abc")
    data, address = server.recvfrom(10)
    c.sendall(b"def")
    more = server.recvmsg(10)
    return [data, address, more[0], more[3]]


def discard() -> Any:
    import ctypes

    c, server = pair()
    c.sendall(b"abcdef")
    settle()
    recv = ctypes.CDLL(None, use_errno=True).recv
    return [recv(server.fileno(), None, 4, socket.MSG_TRUNC), server.recv(10)]


def urgent() -> Any:
    c, server = pair()
    c.sendall(b"ab")
    c.send(b"!", socket.MSG_OOB)
    settle()
    return [mask(server, select.POLLPRI), server.recv(1, socket.MSG_OOB), server.recv(2)]


def big_both_ways() -> Any:
    c, server = pair()
    block = os.urandom(1 << 16)

    def write(s: socket.socket) -> None:
        for _ in range(128):
            s.sendall(block)
        s.shutdown(socket.SHUT_WR)

    def read(s: socket.socket) -> bool:
        return b"".join(iter(lambda: s.recv(1 << 20), b"")) == block * 128

    writers = [threading.Thread(target=write, args=(s,)) for s in (c, server)]
    results: list[bool] = []
    reader = threading.Thread(target=lambda: results.append(read(server)))
    for thread in (*writers, reader):
        thread.start()
    results.append(read(c))
    for thread in (*writers, reader):
        thread.join()
    return results


def one_byte_writes() -> Any:
    c, server = pair()
    got = bytearray()

    def read() -> None:
        while data := server.recv(65536):
            got.extend(data)

    thread = threading.Thread(target=read)
    thread.start()
    for i in range(20_000):
        c.send(bytes([i & 255]))
    c.close()
    thread.join()
    return bytes(got) == bytes(i & 255 for i in range(20_000))


def sendfile_without_reader() -> Any:
    """A1: a page run of sendfile is held back, and the writer must still get on."""
    c, server = pair()
    with Path("/proc/self/exe").open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        total = min(size, 4 << 20)
        got: list[int] = []

        def read() -> None:
            while data := server.recv(65536):
                got.append(len(data))

        thread = threading.Thread(target=read)
        thread.start()
        sent = 0
        while sent < total:
            sent += os.sendfile(c.fileno(), file.fileno(), sent, total - sent)
            if mask(c, select.POLLOUT) != "0x4":
                return "not writable"
        c.close()
        thread.join()
        return sum(got) == total


def polled_writer(size: int) -> Any:
    """A2: a small buffer, a writer that waits for POLLOUT."""
    with listener() as s, socket.socket() as c:
        c.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
        c.connect(s.getsockname())
        server, _ = s.accept()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
        answers: list[Any] = [c.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)]
        for source, sink in ((c, server), (server, c)):
            source.setblocking(False)
            done = threading.Event()
            got: list[int] = []

            def read(
                sink: socket.socket = sink, done: threading.Event = done, got: list[int] = got
            ) -> None:
                while sum(got) < 2_000_000:
                    got.append(len(sink.recv(65536)))
                done.set()

            threading.Thread(target=read, daemon=True).start()
            sent = 0
            while sent < 2_000_000:
                if mask(source, select.POLLOUT, 5.0) == "nothing":
                    return "stuck"
                sent += source.send(bytes(min(5000, 2_000_000 - sent)))
            answers.append(done.wait(10))
            source.setblocking(True)
        return answers


def polled_writer_4096() -> Any:
    return polled_writer(4096)


def polled_writer_8192() -> Any:
    return polled_writer(8192)


def polled_writer_65536() -> Any:
    return polled_writer(65536)


# --- options ------------------------------------------------------------------------------------


def options() -> Any:
    c, server = pair()
    tcp, ip, sol = socket.IPPROTO_TCP, socket.IPPROTO_IP, socket.SOL_SOCKET
    answers: list[Any] = [s.getsockopt(sol, socket.SO_DOMAIN) for s in (c, server)]
    answers += [c.getsockopt(sol, socket.SO_PROTOCOL), c.getsockopt(sol, socket.SO_TYPE)]
    for level, option, value in (
        (tcp, socket.TCP_NODELAY, 1),
        (tcp, socket.TCP_KEEPIDLE, 33),
        (tcp, socket.TCP_KEEPCNT, 3),
        (tcp, socket.TCP_USER_TIMEOUT, 5000),
        (tcp, socket.TCP_CORK, 1),
        (tcp, socket.TCP_CORK, 0),
        (sol, socket.SO_KEEPALIVE, 1),
        (sol, socket.SO_REUSEADDR, 1),
        (sol, socket.SO_RCVBUF, 10_000),
        (sol, socket.SO_SNDBUF, 10_000),
        (ip, socket.IP_TOS, 16),
        (ip, socket.IP_TTL, 10),
    ):
        answers += [failure(c.setsockopt, level, option, value), c.getsockopt(level, option)]
    return answers


def options_survive_connect() -> Any:
    with listener() as s, socket.socket() as c:
        tcp, sol = socket.IPPROTO_TCP, socket.SOL_SOCKET
        c.setsockopt(tcp, socket.TCP_NODELAY, 1)
        c.setsockopt(sol, socket.SO_KEEPALIVE, 1)
        c.setsockopt(tcp, socket.TCP_KEEPIDLE, 77)
        fcntl.fcntl(c, fcntl.F_SETFD, 0)
        c.connect(s.getsockname())
        answers = [
            bool(c.getsockopt(tcp, socket.TCP_NODELAY)),
            c.getsockopt(sol, socket.SO_KEEPALIVE),
        ]
        return [*answers, c.getsockopt(tcp, socket.TCP_KEEPIDLE), fcntl.fcntl(c, fcntl.F_GETFD)]


def options_of_accepted() -> Any:
    with socket.socket() as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.bind((LOCALHOST, 0))
        s.listen()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        c = socket.create_connection(s.getsockname())
        server, _ = s.accept()
        answers = [bool(server.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))]
        return [*answers, server.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), bool(c)]


def dangerous_options() -> Any:
    """An option that is reported as set and is not would be a hole; here it may only fail."""
    c, _ = pair()
    tcp_ulp, so_attach = 31, 26
    return [
        failure(c.setsockopt, socket.IPPROTO_TCP, tcp_ulp, b"nosuch") != "success",
        failure(c.setsockopt, socket.SOL_SOCKET, so_attach, b"\0" * 16) != "success",
    ]


def peer_credentials() -> Any:
    c, server = pair()
    return [s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12).hex() for s in (c, server)]


def tcp_info_state() -> Any:
    c, server = pair()
    first = TCP_INFO_STATES.get(c.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0])
    server.close()
    settle()
    second = TCP_INFO_STATES.get(c.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0])
    with listener() as s:
        third = TCP_INFO_STATES.get(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0])
    return [first, second, third]


def address_room() -> Any:
    """Never more than the room that the caller has; the true length is told."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    c, _ = pair()
    answers: list[Any] = []
    for call in (libc.getsockname, libc.getpeername):
        for room in (0, 2, 8, 16, 100):
            buffer = ctypes.create_string_buffer(b"\xee" * 128, 128)
            length = ctypes.c_uint(room)
            result = call(c.fileno(), buffer, ctypes.byref(length))
            untouched = buffer.raw[room:] == b"\xee" * (128 - room)
            answers.append([result, length.value, untouched])
    return answers


def accept_room() -> Any:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    answers: list[Any] = []
    with listener() as s:
        for room in (0, 4, 16, 128):
            c = socket.create_connection(s.getsockname())
            buffer = ctypes.create_string_buffer(b"\xee" * 128, 128)
            length = ctypes.c_uint(room)
            fd = libc.accept(s.fileno(), buffer, ctypes.byref(length))
            untouched = buffer.raw[room:] == b"\xee" * (128 - room)
            answers.append([fd >= 0, length.value, untouched, bool(c)])
            os.close(fd)
    return answers


def accept_flags() -> Any:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    answers = []
    with listener() as s:
        for flags in (0, socket.SOCK_NONBLOCK, socket.SOCK_CLOEXEC):
            c = socket.create_connection(s.getsockname())
            fd = libc.accept4(s.fileno(), None, None, flags)
            nonblocking = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK
            answers.append([bool(nonblocking), fcntl.fcntl(fd, fcntl.F_GETFD), bool(c)])
            os.close(fd)
    return answers


# --- descriptors --------------------------------------------------------------------------------


def duplicated_before_connect() -> Any:
    with listener() as s, socket.socket() as c:
        other = os.dup(c.fileno())
        c.connect(s.getsockname())
        server, _ = s.accept()
        os.write(other, b"from the duplicate")
        c.close()
        return [server.recv(100), os.fstat(other).st_mode & 0o170000 == 0o140000]


def duplicated_before_listen() -> Any:
    with socket.socket() as s:
        other = s.dup()
        s.bind((LOCALHOST, 0))
        s.listen()
        address = s.getsockname()
        s.close()
        c = socket.create_connection(address)
        return other.accept()[1] == c.getsockname()


def inherited_by_children() -> Any:
    with listener() as s:
        pids = []
        for _ in range(3):
            pid = os.fork()
            if pid == 0:
                for _ in range(4):
                    server, _ = s.accept()
                    server.sendall(server.recv(100))
                    server.close()
                os._exit(0)
            pids.append(pid)
        answers = set()
        for i in range(12):
            with socket.create_connection(s.getsockname()) as c:
                c.sendall(b"%d" % i)
                answers.add(c.recv(100))
        for pid in pids:
            os.waitpid(pid, 0)
        return len(answers)


def inherited_by_exec() -> Any:
    c, server = pair()
    os.set_inheritable(c.fileno(), True)
    code = (
        "import os, socket, sys\n"
        "s = socket.socket(fileno=int(sys.argv[1]))\n"
        "s.sendall(repr([int(s.family), int(s.type), s.getpeername()[1]]).encode())\n"
    )
    pid = os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, "-c", code, str(c.fileno())])
    c.close()
    told = server.recv(1000)
    os.waitpid(pid, 0)
    return [told == repr([2, 1, server.getsockname()[1]]).encode(), server.recv(1)]


def close_in_child_keeps_listener() -> Any:
    with listener() as s:
        pid = os.fork()
        if pid == 0:
            s.close()
            os._exit(0)
        os.waitpid(pid, 0)
        settle()
        c = socket.create_connection(s.getsockname())
        return s.accept()[1] == c.getsockname()


def spawned_child_keeps_listener() -> Any:
    """posix_spawn and subprocess close what they do not pass on, between vfork and exec."""
    import subprocess

    with listener() as s:
        done = subprocess.run(["/bin/true"], close_fds=True)
        c = socket.create_connection(s.getsockname())
        return [done.returncode, s.accept()[1] == c.getsockname()]


def numbers_stay() -> Any:
    with listener() as s, socket.socket() as c:
        before = (s.fileno(), c.fileno())
        c.connect(s.getsockname())
        server, _ = s.accept()
        lowest = server.fileno()  # no stray descriptor in between
        with Path("/dev/null").open() as file:
            return [before == (s.fileno(), c.fileno()), lowest - before[1], file.fileno() - lowest]


def at_the_limit() -> Any:
    """With no descriptor to spare accept says so, and the flow waits."""
    import resource

    with listener() as s:
        c = socket.create_connection(s.getsockname())
        settle()
        top = os.dup(0)
        os.close(top)
        resource.setrlimit(resource.RLIMIT_NOFILE, (top, 4096))
        answer = failure(s.accept)
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 4096))
        return [answer, s.accept()[1] == c.getsockname()]


CHECKS: dict[str, Callable[[], Any]] = {
    key: value
    for key, value in list(globals().items())
    if callable(value)
    and getattr(value, "__module__", "") == __name__
    and value.__code__.co_argcount == 0
    and key not in ("pair", "settle", "closed_address")
}

if __name__ == "__main__":
    signal.alarm(30)
    print(CHECKS[sys.argv[1]](), flush=True)
    os._exit(0)
