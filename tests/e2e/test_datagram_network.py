"""Datagrams between hosts, spoken to scaffoldd without libscaffold."""

import errno

import pytest

from e2e.common import within
from e2e.control import Address, Endpoint, client, resolve6, server
from scaffold.lab import Lab

pytestmark = [pytest.mark.hosts, pytest.mark.spread]
SERVICE = "dns.test.scaffold"
PORT = 4053
ANY: Address = ("0.0.0.0", PORT)
PAYLOAD_MAX = 65507


def serve(lab: Lab, host: str) -> Endpoint:
    """A server that the router knows of."""
    return server(lab[host], ANY, SERVICE)


def ask(other: Endpoint, one: Endpoint, data: bytes, to: Address) -> Address:
    """The peer as the server sees it."""
    other.send(data, to)
    asked = one.next()
    assert asked.data == data
    return asked.peer


def test_an_answer_reaches_the_very_socket_that_asked(loopback_lab: Lab) -> None:
    a = loopback_lab["a"]
    with (
        serve(loopback_lab, "b") as one,
        client(a, one.own) as first,
        client(a, one.own) as second,
    ):
        for asker in (first, second):
            peer = ask(asker, one, b"question", one.own)
            assert peer == asker.own
            one.send(b"answer", peer)
            answer = asker.next()
            assert (answer.data, answer.peer) == (b"answer", one.own)
        assert first.is_quiet()


@pytest.mark.parametrize("size", [0, 1, 1200, 4096, PAYLOAD_MAX])
def test_sizes(loopback_lab: Lab, size: int) -> None:
    with serve(loopback_lab, "b") as one, client(loopback_lab["a"], one.own) as other:
        data = bytes(i % 251 for i in range(size))
        one.send(data, ask(other, one, data, one.own))
        assert other.next().data == data


def test_ttl_and_tos_travel(loopback_lab: Lab) -> None:
    with serve(loopback_lab, "b") as one, client(loopback_lab["a"], one.own) as other:
        other.send(b"x", one.own, ttl=9, tos=0xB8)
        asked = one.next()
        assert (asked.ttl, asked.tos) == (9, 0xB8)


def test_a_reply_from_another_port_of_the_service(loopback_lab: Lab) -> None:
    """As in.tftpd does it; what follows comes to that very socket."""
    with serve(loopback_lab, "b") as one, client(loopback_lab["a"], one.own) as other:
        peer = ask(other, one, b"read", one.own)
        with server(loopback_lab["b"], (one.own[0], 0)) as child:
            child.connect(peer)
            child.send(b"block 1")
            block = other.next()
            assert (block.data, block.peer) == (b"block 1", child.own)
            other.send(b"ack 1", block.peer)
            assert child.next().data == b"ack 1"
            assert one.is_quiet()


def test_a_port_of_a_host_is_reached_from_any_socket(loopback_lab: Lab) -> None:
    a = loopback_lab["a"]
    with serve(loopback_lab, "b") as one, client(a, one.own) as other:
        peer = ask(other, one, b"x", one.own)
        with client(loopback_lab["b"], one.own) as third:
            third.send(b"from another socket", peer)
            heard = other.next()
            assert (heard.data, heard.peer) == (b"from another socket", third.own)


def test_nobody_serves_it(loopback_lab: Lab) -> None:
    """Only the socket that sent hears of it."""
    a = loopback_lab["a"]
    with serve(loopback_lab, "b") as one, client(a, one.own) as other, client(a, one.own) as idle:
        peer = ask(other, one, b"x", one.own)
        for to in [(one.own[0], 9), (ask_host(other, one), 9)]:
            other.send(b"x", to)
            assert other.next_error() == (errno.ECONNREFUSED, to)
        other.socket.close()
        within(5, lambda: all(f["id"] != f"{other.serial:x}" for f in a.status()["flows"]))
        one.send(b"late", peer)
        assert one.next_error() == (errno.ECONNREFUSED, peer)
        assert idle.is_quiet()


def ask_host(other: Endpoint, one: Endpoint) -> str:
    """The server's host, as a socket there that serves nothing is shown."""
    with client(one.host, one.own) as third:
        third.send(b"", other.own)
        return other.next().peer[0]


def test_a_connected_socket_stays_with_who_answered(loopback_lab: Lab) -> None:
    """A second instance, on its own host even, takes nothing from it until the first is gone."""
    a = loopback_lab["a"]
    with serve(loopback_lab, "b") as one, client(a, one.own) as other:
        other.connect(one.own)
        one.send(b"answer", ask(other, one, b"1", one.own))
        assert other.next().data == b"answer"
        with serve(loopback_lab, "a") as near:
            other.send(b"2")
            assert one.next().data == b"2"
            assert near.is_quiet()
            one.socket.close()
            within(5, lambda: not loopback_lab["b"].status()["flows"])
            other.send(b"3")
            assert other.next_error() == (errno.ECONNREFUSED, one.own)
            other.send(b"4")
            assert near.next().data == b"4"


@pytest.mark.parametrize("where", ["a", "b"])
def test_by_its_ipv6_address(loopback_lab: Lab, where: str) -> None:
    """Who asked there is answered from there, and so is who connected to it."""
    host = loopback_lab[where]
    with serve(loopback_lab, "b") as one:
        target = (resolve6(host, SERVICE), PORT)
        with client(host, target, family="6") as other:
            assert target[0].startswith("fd53:4341:4646:")
            one.send(b"answer", ask(other, one, b"x", target))
            assert other.next().peer == target
            other.connect(target)
            one.send(b"answer", ask(other, one, b"y", target))
            assert other.next().peer == target


def test_a_port_stays_its_own_for_those_who_know_it(loopback_lab: Lab) -> None:
    """An answer that comes late must not reach a stranger."""
    a = loopback_lab["a"]
    with serve(loopback_lab, "b") as one, client(a, one.own) as known, client(a, one.own) as fresh:
        ask(known, one, b"x", one.own)
        for e in (known, fresh):
            e.socket.close()
        within(5, lambda: not a.status()["flows"])
        client(a, one.own, fresh.own[1]).socket.close()
        with pytest.raises(OSError) as error:
            client(a, one.own, known.own[1])
        assert error.value.errno == errno.EADDRINUSE


def test_the_router_asks_a_host(loopback_lab: Lab) -> None:
    with serve(loopback_lab, "a") as one, client(loopback_lab["b"], one.own) as other:
        one.send(b"answer", ask(other, one, b"question", one.own))
        assert other.next().peer == one.own
        other.send(b"x", (one.own[0], 9))
        assert other.next_error() == (errno.ECONNREFUSED, (one.own[0], 9))


def test_an_unknown_address(loopback_lab: Lab) -> None:
    with client(loopback_lab["a"], ("198.18.0.1", 1)) as other:
        other.send(b"x", ("198.19.77.77", 53))
        assert other.next_error() == (errno.ENETUNREACH, ("198.19.77.77", 53))


def test_by_namespaces(lab: Lab) -> None:
    """Over a real link, too."""
    with serve(lab, "b") as one, client(lab["a"], one.own) as other:
        for data in (b"", b"x", bytes(PAYLOAD_MAX)):
            one.send(data, ask(other, one, data, one.own))
            assert other.next().data == data
