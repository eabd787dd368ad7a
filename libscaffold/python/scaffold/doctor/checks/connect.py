"""Connecting."""

import os
import select
import signal
import socket
import struct
import threading
import time
from pathlib import Path
from typing import Any

from ..kinds import TCP, TCP4, TCP6, TCP_MAPPED, Kind
from ..table import check
from ..verbs import (
    PATIENCE_S,
    abort_on_close,
    answer,
    c_answer,
    disconnect,
    in_child,
    mask,
    name,
    on,
    own_address,
    raw,
    reap,
    so_error,
    unanswered,
    unserved,
    until,
)


@check(*TCP, rows="names blocking-connect")
def blocking(kind: Kind) -> Any:
    """Both ends agree on both addresses."""
    with kind.listener() as s, kind.socket() as c:
        c.connect(s.getsockname())
        server, peer = s.accept()
        same = [peer == c.getsockname(), server.getpeername() == c.getsockname()]
        same += [server.getsockname() == s.getsockname(), c.getpeername() == s.getsockname()]
        return same, c.getsockname()[0], len(peer)


@check(*TCP, rows="nonblocking-connect")
def nonblocking(kind: Kind) -> Any:
    """EINPROGRESS, then POLLOUT, then no error."""
    with kind.listener() as s, kind.socket() as c:
        c.setblocking(False)
        first = name(c.connect_ex(s.getsockname()))
        return first, until(c, select.POLLOUT, select.POLLOUT), so_error(c)


@check(*TCP, rows="nonblocking-connect")
def asked_again(kind: Kind) -> Any:
    """The second connect tells the outcome once; from then on it is EISCONN."""
    with kind.listener() as s, kind.socket() as c:
        c.setblocking(False)
        c.connect_ex(s.getsockname())
        until(c, select.POLLOUT)
        return [name(c.connect_ex(s.getsockname())) for _ in range(3)]


@check(*TCP, rows="nonblocking-connect")
def asked_after_sending(kind: Kind) -> Any:
    """What was sent meanwhile has not told the outcome."""
    with kind.listener() as s, kind.socket() as c:
        c.setblocking(False)
        c.connect_ex(s.getsockname())
        until(c, select.POLLOUT)
        sent = c.send(b"x")
        return sent, [name(c.connect_ex(s.getsockname())) for _ in range(2)]


@check(*TCP, rows="nonblocking-connect reset")
def reset_before_it_was_told(kind: Kind) -> Any:
    """The flow was reset, and SO_ERROR has said so: the attempt is over, and told as aborted."""
    with kind.socket() as c:
        c.setblocking(False)
        with kind.listener() as s:
            address = s.getsockname()
            c.connect_ex(address)
            until(c, select.POLLOUT)
        until(c, select.POLLHUP)
        return so_error(c), name(c.connect_ex(address)), mask(c)


@check(*TCP, rows="connect-again")
def refused(kind: Kind) -> Any:
    """ECONNREFUSED, told once; the socket is as unconnected as before."""
    with unserved(kind) as nobody, kind.socket() as c:
        first = answer(c.connect, nobody)
        return first, so_error(c), answer(c.getpeername), answer(c.recv, 1), mask(c)


@check(*TCP, rows="so-error")
def refused_later(kind: Kind) -> Any:
    """A non-blocking connect is refused: what poll and SO_ERROR say, and what is left."""
    with unserved(kind) as nobody, kind.socket() as c:
        c.setblocking(False)
        first = name(c.connect_ex(nobody))
        polled = until(c, select.POLLHUP)
        return first, polled, so_error(c), so_error(c), mask(c)


@check(TCP4, TCP6, rows="so-error")
def refused_told_by_recv(kind: Kind) -> Any:
    """recv reports the refusal, and SO_ERROR then knows nothing."""
    with unserved(kind) as nobody, kind.socket() as c:
        c.setblocking(False)
        c.connect_ex(nobody)
        until(c, select.POLLHUP)
        return answer(c.recv, 1), so_error(c), answer(c.recv, 1)


@check(*TCP, rows="connect-again A15")
def refused_when_bound(kind: Kind) -> Any:
    """A bound socket that is refused is bound as before, and connects."""
    with unserved(kind) as nobody, kind.listener() as s, kind.bound() as c:
        before = c.getsockname()
        first = answer(c.connect, nobody)
        found = mask(c), so_error(c), c.getsockname() == before
        c.connect(s.getsockname())
        return first, found, s.accept()[1] == c.getsockname()


@check(TCP4, rows="so-error")
def refused_told_by_send(kind: Kind) -> Any:
    """send reports the refusal; the next one is EPIPE."""
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    with unserved(kind) as nobody, kind.socket() as c:
        c.setblocking(False)
        c.connect_ex(nobody)
        until(c, select.POLLHUP)
        return answer(c.send, b"x"), answer(c.send, b"x"), so_error(c)


@check(TCP4, TCP6, rows="so-error")
def refused_told_by_connect(kind: Kind) -> Any:
    """The next connect reports the refusal, and the one after that is a new attempt."""
    with unserved(kind) as nobody, kind.socket() as c:
        c.setblocking(False)
        c.connect_ex(nobody)
        until(c, select.POLLHUP)
        return name(c.connect_ex(nobody)), name(c.connect_ex(nobody))


@check(TCP4, rows="so-error")
def refused_then_so_error_then_connect(kind: Kind) -> Any:
    """After SO_ERROR has told it, the next connect is ECONNABORTED."""
    with unserved(kind) as nobody, kind.socket() as c:
        c.setblocking(False)
        c.connect_ex(nobody)
        until(c, select.POLLHUP)
        return so_error(c), name(c.connect_ex(nobody)), name(c.connect_ex(nobody))


@check(*TCP, rows="connect-again A15")
def again_after_refusal(kind: Kind) -> Any:
    """The same socket connects after it was refused, and carries data."""
    with unserved(kind) as nobody, kind.listener() as s, kind.socket() as c:
        first = answer(c.connect, nobody)
        c.connect(s.getsockname())
        c.sendall(b"x")
        return first, s.accept()[0].recv(1)


@check(TCP4, TCP6, rows="connect-again A15")
def again_after_late_refusal(kind: Kind) -> Any:
    """The same, non-blocking."""
    with unserved(kind) as nobody, kind.listener() as s, kind.socket() as c:
        c.setblocking(False)
        c.connect_ex(nobody)
        until(c, select.POLLHUP)
        error = so_error(c)
        codes = [name(c.connect_ex(s.getsockname()))]
        if codes == ["ECONNABORTED"]:
            codes.append(name(c.connect_ex(s.getsockname())))
        until(c, select.POLLOUT, select.POLLOUT)
        return error, codes, s.accept()[1] == c.getsockname()


@check(*TCP, rows="connected-connect")
def when_connected(kind: Kind) -> Any:
    """EISCONN at both ends."""
    c, server = kind.pair()
    return answer(c.connect, server.getsockname()), answer(server.connect, c.getsockname())


@check(TCP4, TCP6, rows="connected-connect")
def when_listening(kind: Kind) -> Any:
    """A listener does not connect."""
    with kind.listener() as s, kind.listener() as other:
        return answer(s.connect, other.getsockname())


@check(*TCP, rows="disconnect B8")
def disconnected(kind: Kind) -> Any:
    """AF_UNSPEC ends the flow; the socket connects anew."""
    c, _server = kind.pair()
    done = disconnect(c)
    with kind.listener() as s:
        gone = answer(c.getpeername) == "ENOTCONN"
        again = answer(c.connect, s.getsockname())
        return done, gone, again, again == "ok" and s.accept()[1] == c.getsockname()


@check(TCP4, rows="disconnect B8")
def disconnected_peer(kind: Kind) -> Any:
    """The peer of a socket that was disconnected sees a reset."""
    c, server = kind.pair()
    done = disconnect(c)
    polled = mask(server) if done else until(server, select.POLLHUP)
    server.setblocking(False)
    return done, polled, answer(server.recv, 1)


@check(TCP4, TCP6, rows="names A11")
def from_bound_port(kind: Kind) -> Any:
    """The port that was bound is the one that the server sees."""
    with kind.listener() as s, kind.bound() as c:
        port = c.getsockname()[1]
        c.connect(s.getsockname())
        return c.getsockname()[1] == port, s.accept()[1][1] == port


@check(TCP4, TCP6, rows="names A11")
def from_bound_wildcard(kind: Kind) -> Any:
    """A wildcard becomes an address when the socket connects."""
    with kind.listener() as s, kind.socket() as c:
        c.bind((kind.any, 0))
        before = c.getsockname()
        c.connect(s.getsockname())
        return before[0], c.getsockname()[0], before[1] == s.accept()[1][1]


@check(TCP4, TCP6, rows="names")
def to_wildcard(kind: Kind) -> Any:
    """Connecting to 0.0.0.0 reaches this host."""
    with kind.listener() as s, kind.connect((kind.any, s.getsockname()[1])) as c:
        return c.getpeername()[0], s.accept()[1] == c.getsockname()


@check(TCP4, rows="loopback-net")
def other_loopback_address(kind: Kind) -> Any:
    """Who listens at 127.0.0.1 is not at 127.0.0.2."""
    with kind.listener() as s, kind.socket() as c:
        return answer(c.connect, ("127.0.0.2", s.getsockname()[1]))


@check(TCP4, rows="loopback-net")
def its_own_loopback_address(kind: Kind) -> Any:
    """Who listens at 127.0.0.2 is reached there, and not at 127.0.0.1."""
    with kind.socket() as s:
        s.bind(("127.0.0.2", 0))
        s.listen()
        port = s.getsockname()[1]
        c = kind.connect(("127.0.0.2", port))
        server, peer = s.accept()
        with kind.socket() as other:
            wrong = answer(other.connect, ("127.0.0.1", port))
        names = [c.getpeername()[0], server.getsockname()[0], s.getsockname()[0]]
        return names, peer == c.getsockname(), wrong


@check(TCP4, rows="loopback-net")
def from_other_loopback_address(kind: Kind) -> Any:
    """Who is bound to 127.0.0.2 connects from there, whatever it connects to."""
    found = []
    with kind.listener() as s:
        for options in ((), (socket.SO_REUSEADDR,)):
            with kind.socket() as c:
                for option in options:
                    on(c, option)
                c.bind(("127.0.0.2", 0))
                before = c.getsockname()
                c.connect(s.getsockname())
                server, peer = s.accept()
                names = c.getsockname(), server.getpeername()
                found.append((before[0], all(one == before for one in (*names, peer))))
                server.close()
    return found


@check(TCP4, rows="loopback-net")
def wildcard_at_other_address(kind: Kind) -> Any:
    """Who listens at 0.0.0.0 is reached at all of 127/8, and sees which one."""
    with kind.socket() as s:
        s.bind(("", 0))
        s.listen()
        c = kind.connect(("127.3.2.1", s.getsockname()[1]))
        server, _ = s.accept()
        return server.getsockname()[0], c.getpeername()[0], c.getsockname()[0]


@check(TCP4, rows="own-addresses")
def at_own_address(kind: Kind) -> Any:
    """Who listens at 0.0.0.0 is reached at the addresses of the host's interfaces."""
    if (host := own_address()) is None:
        return None
    with kind.socket() as s, kind.socket() as c:
        s.bind(("", 0))
        s.listen()
        code = answer(c.connect, (host, s.getsockname()[1]))
        server, peer = s.accept()
        c.sendall(b"abc")
        same = c.getpeername()[0] == host, c.getsockname()[0] == host, peer == c.getsockname()
        return code, same, server.recv(3, socket.MSG_WAITALL)


@check(TCP4, rows="own-addresses")
def bound_to_own_address(kind: Kind) -> Any:
    """Who listens at such an address is reached there, and not on loopback; and the other way."""
    if (host := own_address()) is None:
        return None
    with kind.socket() as s, kind.socket() as c, kind.socket() as d, kind.listener() as local:
        s.bind((host, 0))
        s.listen()
        found = [answer(c.connect, s.getsockname())]
        found.append(answer(d.connect, (kind.host, s.getsockname()[1])))
        with kind.socket() as e:
            return [*found, answer(e.connect, (host, local.getsockname()[1]))]


@check(TCP4, TCP6, rows="dual-stack")
def other_loopback_family(kind: Kind) -> Any:
    """Who listens at 127.0.0.1 is not at ::1, nor the other way round."""
    other = TCP6 if kind is TCP4 else TCP4
    with other.listener() as s, kind.socket() as c:
        return answer(c.connect, (kind.host, s.getsockname()[1]))


@check(TCP4, TCP6, rows="dual-stack")
def wrong_family(kind: Kind) -> Any:
    """An address of another family is refused as such."""
    other = TCP6 if kind is TCP4 else TCP4
    with other.listener() as s, kind.socket() as c:
        address = raw(other, s.getsockname()[1])
        return c_answer("connect", c.fileno(), address, len(address))


@check(*TCP, rows="names")
def short_address(kind: Kind) -> Any:
    """An address that is cut short is EINVAL."""
    with kind.listener() as s, kind.socket() as c:
        address = raw(kind, s.getsockname()[1])
        return [c_answer("connect", c.fileno(), address, length) for length in (0, 2, 8)]


@check(TCP4, rows="self-connect")
def to_itself(kind: Kind) -> Any:
    """TCP can connect a socket to itself, by a simultaneous open."""
    with kind.bound() as s:
        return answer(s.connect, s.getsockname())


@check(TCP4, TCP6, rows="names")
def port_zero(kind: Kind) -> Any:
    """Nobody is at port 0."""
    with kind.socket() as c:
        return answer(c.connect, (kind.host, 0))


# --- while it goes on ---------------------------------------------------------------------------


@check(*TCP, rows="connecting-name")
def going_on_names(kind: Kind) -> Any:
    """No peer yet, but a local address."""
    with unanswered(kind) as slow, kind.socket() as c:
        c.setblocking(False)
        first = name(c.connect_ex(slow))
        return first, answer(c.getpeername), c.getsockname()[0], c.getsockname()[1] != 0


@check(TCP4, TCP6, rows="connecting-send nonblocking-connect")
def going_on_calls(kind: Kind) -> Any:
    """Neither sent nor received, nor ready, nor failed."""
    with unanswered(kind) as slow, kind.socket() as c:
        c.setblocking(False)
        c.connect_ex(slow)
        calls = answer(c.send, b"x"), answer(c.recv, 1), name(c.connect_ex(slow))
        return calls, mask(c), so_error(c)


@check(TCP4, TCP6, rows="blocking-connect")
def timeout(kind: Kind) -> Any:
    """SO_SNDTIMEO bounds connect, which goes on behind it."""
    with unanswered(kind) as slow, kind.socket() as c:
        on(c, socket.SO_SNDTIMEO, struct.pack("ll", 0, 50_000))
        before = time.monotonic()
        first = answer(c.connect, slow)
        return first, time.monotonic() - before < PATIENCE_S, name(c.connect_ex(slow))


@check(TCP4, TCP6, rows="blocking-connect restart")
def interrupted(kind: Kind) -> Any:
    """A signal without SA_RESTART ends the call, not the attempt."""
    with unanswered(kind) as slow, kind.socket() as c:
        signal.signal(signal.SIGALRM, lambda *_: None)
        signal.siginterrupt(signal.SIGALRM, True)
        # Again and again: a slow machine may not be in the call yet when the first one comes.
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
        address = raw(kind, slow[1])
        first = c_answer("connect", c.fileno(), address, len(address))
        signal.setitimer(signal.ITIMER_REAL, 0)
        c.setblocking(False)
        return first, name(c.connect_ex(slow))


@check(TCP4, rows="restart")
def restarted(kind: Kind) -> Any:
    """A signal with SA_RESTART does not end the call."""
    seen: list[float] = []
    with kind.listener(0) as s, kind.connect(s.getsockname()), kind.socket() as c:
        address = raw(kind, s.getsockname()[1])

        def make_room(*_: Any) -> None:
            seen.append(time.monotonic())
            if len(seen) == 3:
                signal.setitimer(signal.ITIMER_REAL, 0)

        signal.signal(signal.SIGALRM, make_room)
        signal.siginterrupt(signal.SIGALRM, False)
        # Python runs its handlers after the call: the signals come first, then another process
        # makes room.
        signal.setitimer(signal.ITIMER_REAL, 0.02)

        def accept_later() -> None:
            select.select([], [], [], 0.1)
            s.accept()
            s.accept()

        pid = in_child(accept_later)
        result = c_answer("connect", c.fileno(), address, len(address))
        return result, reap(pid)


@check(TCP4, rows="blocking-connect backlog")
def room_made_later(kind: Kind) -> Any:
    """A connect that waits for room in the queue gets it."""
    with kind.listener(0) as s, kind.connect(s.getsockname()), kind.socket() as c:
        c.setblocking(False)
        first = name(c.connect_ex(s.getsockname()))
        s.accept()
        polled = until(c, select.POLLOUT, select.POLLOUT)
        return first, polled, s.accept()[1] == c.getsockname()


@check(TCP4, rows="connecting-send")
def shut_down_while_going_on(kind: Kind) -> Any:
    """shutdown gives the attempt up."""
    with unanswered(kind) as slow, kind.socket() as c:
        c.setblocking(False)
        c.connect_ex(slow)
        return answer(c.shutdown, socket.SHUT_RDWR), answer(c.getpeername), mask(c)


@check(TCP4, rows="blocking-connect")
def from_many_threads(kind: Kind) -> Any:
    """Threads that connect at once do not disturb each other."""
    results: list[bool] = []
    with kind.listener(64) as s:

        def work() -> None:
            for _ in range(8):
                with kind.connect(s.getsockname()) as c:
                    c.sendall(b"x")
                    results.append(c.recv(1) == b"y")

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(32):
            server, _ = s.accept()
            server.recv(1)
            server.sendall(b"y")
            server.close()
        for thread in threads:
            thread.join()
    return results.count(True)


@check(TCP4, TCP_MAPPED, rows="A9")
def fast_open(kind: Kind) -> Any:
    """MSG_FASTOPEN is connect and send in one."""
    with kind.listener() as s, kind.socket() as c:
        code = answer(c.sendto, b"early", socket.MSG_FASTOPEN, s.getsockname())
        server, _ = s.accept()
        return code, server.recv(10)


@check(TCP4, rows="A9")
def fast_open_refused(kind: Kind) -> Any:
    """The same, where nobody is."""
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    with unserved(kind) as nobody, kind.socket() as c:
        return answer(c.sendto, b"early", socket.MSG_FASTOPEN, nobody)


@check(TCP4, rows="B2")
def refused_then_raw_write(kind: Kind) -> Any:
    """write(2) and read(2) tell a refusal as send and recv do."""
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    codes = []
    for call, argument in ((os.write, b"x"), (os.read, 1)):
        with unserved(kind) as nobody, kind.socket() as c:
            c.setblocking(False)
            c.connect_ex(nobody)
            until(c, select.POLLHUP)
            codes.append(answer(call, c.fileno(), argument))
    return codes


@check(TCP4, rows="B3")
def reset_before_so_error(kind: Kind) -> Any:
    """A flow that is reset before its opening was asked for: what SO_ERROR and recv say."""
    with kind.listener() as s, kind.socket() as c:
        c.setblocking(False)
        c.connect_ex(s.getsockname())
        server, _ = s.accept()
        abort_on_close(server)
        server.close()
        polled = until(c, select.POLLHUP)
        return polled, so_error(c), so_error(c), answer(c.recv, 1)


@check(TCP4, rows="blocking-connect")
def errno_of_bad_descriptors(kind: Kind) -> Any:
    """What is no socket, or nothing at all."""
    address = raw(kind, 9)
    with Path("/dev/null").open() as file:
        return [c_answer("connect", fd, address, 16) for fd in (-1, 9999, file.fileno())]
