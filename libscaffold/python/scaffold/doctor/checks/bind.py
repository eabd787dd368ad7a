"""Binding."""

import select
import socket
from typing import Any

from ..kinds import TCP, TCP4, TCP6, UDP, UDP4, Kind
from ..table import check
from ..verbs import answer, c_answer, of_a_few_ports, on, raw, unserved, until


@check(*TCP, *UDP, rows="address-in-use")
def twice(kind: Kind) -> Any:
    """A bound socket is not bound again."""
    with kind.bound() as s:
        return answer(s.bind, (kind.host, 0))


@check(*TCP, rows="address-in-use")
def served_port(kind: Kind) -> Any:
    """EADDRINUSE where somebody listens, at bind."""
    with kind.listener() as s, kind.socket() as other:
        return answer(other.bind, s.getsockname())


@check(*TCP, *UDP, rows="address-in-use")
def bound_port(kind: Kind) -> Any:
    """EADDRINUSE where somebody is bound."""
    with kind.bound() as s, kind.socket() as other:
        return answer(other.bind, s.getsockname())


@check(TCP4, TCP6, rows="address-in-use B7")
def reuseaddr_bound(kind: Kind) -> Any:
    """Two that do not listen share a port with SO_REUSEADDR; only one may listen."""
    with kind.socket() as a, kind.socket() as b:
        for s in (a, b):
            on(s, socket.SO_REUSEADDR)
        a.bind((kind.host, 0))
        code = answer(b.bind, a.getsockname())
        return code, answer(a.listen), answer(b.listen)


@check(TCP4, TCP6, rows="address-in-use")
def reuseaddr_served(kind: Kind) -> Any:
    """SO_REUSEADDR does not share a port with a listener."""
    with kind.socket() as a, kind.socket() as b:
        for s in (a, b):
            on(s, socket.SO_REUSEADDR)
        a.bind((kind.host, 0))
        a.listen()
        return answer(b.bind, a.getsockname())


@check(TCP4, TCP6, rows="reuseport")
def reuseport_alone(kind: Kind) -> Any:
    """SO_REUSEPORT of one of two does not share."""
    with kind.socket() as a, kind.socket() as b:
        on(b, socket.SO_REUSEPORT)
        a.bind((kind.host, 0))
        return answer(b.bind, a.getsockname()), answer(a.listen), answer(b.listen)


@check(*TCP, rows="address-in-use")
def clients_port(kind: Kind) -> Any:
    """EADDRINUSE where a connected client is, at bind, whoever chose its port."""
    with kind.listener() as s, kind.socket() as other:
        found = []
        for client in (kind.bound(), kind.socket()):
            with client as c:
                c.connect(s.getsockname())
                found.append(answer(other.bind, c.getsockname()))
        return found


@check(TCP4, TCP6, rows="address-in-use")
def reuseaddr_clients_port(kind: Kind) -> Any:
    """SO_REUSEADDR shares a client's port when both have it."""
    found = []
    for first, second in ((0, 1), (1, 0), (1, 1)):
        with kind.listener() as s, kind.socket() as c, kind.socket() as other:
            on(c, socket.SO_REUSEADDR, first)
            on(other, socket.SO_REUSEADDR, second)
            c.bind((kind.host, 0))
            c.connect(s.getsockname())
            found.append(answer(other.bind, c.getsockname()))
    return found


@check(TCP4, TCP6, rows="address-in-use")
def free_after_close(kind: Kind) -> Any:
    """A port is free again as soon as its listener is closed."""
    with kind.listener() as s:
        address = s.getsockname()
    with kind.socket() as again:
        return answer(again.bind, address), answer(again.listen)


@check(TCP4, rows="address-in-use")
def free_after_flow(kind: Kind) -> Any:
    """With SO_REUSEADDR also where flows of the port are still open."""
    with kind.socket() as s:
        on(s, socket.SO_REUSEADDR)
        s.bind((kind.host, 0))
        s.listen()
        address = s.getsockname()
        c = kind.connect(address)
        server, _ = s.accept()
    with kind.socket() as again:
        on(again, socket.SO_REUSEADDR)
        codes = answer(again.bind, address), answer(again.listen)
        with kind.connect(address) as new:
            accepted = again.accept()[1] == new.getsockname()
    c.sendall(b"x")
    return codes, accepted, server.recv(1)


@check(TCP4, TCP6, *UDP, rows="names")
def short_address(kind: Kind) -> Any:
    """An address that is cut short is EINVAL."""
    with kind.socket() as s:
        return [c_answer("bind", s.fileno(), raw(kind, 0), length) for length in (0, 2, 8)]


@check(TCP4, TCP6, UDP4, rows="dual-stack")
def wrong_family(kind: Kind) -> Any:
    """An address of another family."""
    other = TCP6 if kind.family == socket.AF_INET else TCP4
    address = raw(other, 0)
    with kind.socket() as s:
        return c_answer("bind", s.fileno(), address, len(address))


@check(TCP4, UDP4, rows="names")
def somebody_elses_address(kind: Kind) -> Any:
    """EADDRNOTAVAIL for an address that is not ours (RFC 5737)."""
    with kind.socket() as s:
        return answer(s.bind, ("192.0.2.1", 0))


@check(TCP4, rows="address-in-use")
def when_connected(kind: Kind) -> Any:
    """A connected socket is not bound."""
    c, server = kind.pair()
    return answer(c.bind, (kind.host, 0)), answer(server.bind, (kind.host, 0))


@check(TCP4, rows="loopback-net address-in-use")
def other_loopback_address(kind: Kind) -> Any:
    """One port of two addresses of 127/8 is two listeners'."""
    with kind.listener() as s, kind.socket() as other:
        return answer(other.bind, ("127.0.0.2", s.getsockname()[1])), answer(other.listen)


@check(TCP4, TCP6, rows="address-in-use")
def wildcard_over_address(kind: Kind) -> Any:
    """The wildcard collides with an address of the same port."""
    with kind.listener() as s, kind.socket() as other:
        return answer(other.bind, (kind.any, s.getsockname()[1]))


@check(TCP4, TCP6, rows="address-in-use")
def address_over_wildcard(kind: Kind) -> Any:
    """And the other way round."""
    with kind.socket() as s, kind.socket() as other:
        s.bind((kind.any, 0))
        s.listen()
        return answer(other.bind, (kind.host, s.getsockname()[1]))


@check(TCP4, TCP6, rows="connect-again")
def after_refusal(kind: Kind) -> Any:
    """A socket whose non-blocking connect was refused can be bound."""
    with unserved(kind) as nobody, kind.socket() as s:
        s.setblocking(False)
        answer(s.connect, nobody)
        until(s, select.POLLHUP)
        return answer(s.bind, (kind.host, 0))


@check(TCP4, TCP6, *UDP, rows="address-in-use")
def different_ports(kind: Kind) -> Any:
    """Ports of the kernel's choice differ."""
    sockets = [kind.bound() for _ in range(20)]
    return len({s.getsockname()[1] for s in sockets})


@check(TCP4, UDP4, rows="address-in-use")
def protocols_have_ports_of_their_own(kind: Kind) -> Any:
    """A port of TCP is free for UDP, and the other way round."""
    other = UDP4 if kind is TCP4 else TCP4

    def bind_both() -> Any:
        with kind.bound() as s, other.socket() as o:
            return answer(o.bind, s.getsockname())

    return of_a_few_ports(bind_both)
