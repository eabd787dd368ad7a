"""scaffoldd's side of datagram sockets, spoken to without libscaffold: what a program may rely on.

Sockets of one host; what goes over the network is in test_datagram_network.py.
"""

import array
import errno
import json
import select
import socket
import struct
from collections.abc import Iterator

import jsonschema
import pytest

from e2e import control
from e2e.common import ROOT, within
from e2e.control import Address, Datagram, client, server
from scaffold.lab import Host, Lab

pytestmark = pytest.mark.hosts
SERVICE = "dns.test.scaffold"
PORT = 4053
ANY: Address = ("0.0.0.0", PORT)
PAYLOAD_MAX = 65507
SCHEMA = ROOT / "docs/schemas/status.schema.json"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(["a"], kind="loopback") as lab:
        lab.start()
        yield lab


@pytest.fixture
def host(lab: Lab) -> Iterator[Host]:
    """A host that has no socket before and after."""
    yield lab["a"]
    assert lab["a"].daemon is not None
    assert lab["a"].daemon.poll() is None
    within(5, lambda: lab["a"].status()["flows"] == [])


def counter(host: Host, name: str) -> int:
    value: int = host.status()["counters"][name]
    return value


def test_loopback_shows_plain_addresses(host: Host) -> None:
    with control.pair(host) as (one, other):
        other.send(b"question", one.own)
        asked = one.next()
        assert (asked.data, asked.peer, asked.own) == (b"question", other.own, one.own)
        assert other.own[0] == "127.0.0.1"
        one.send(b"answer", asked.peer)
        assert other.next() == Datagram(b"answer", one.own, other.own)


def test_loopback_in_ipv6(host: Host) -> None:
    with server(host, ("::1", 0), family="6") as one, client(host, one.own, family="6") as other:
        other.send(b"question", one.own)
        asked = one.next()
        assert asked.peer == other.own
        assert asked.peer[0] == "::1"
        one.send(b"answer", asked.peer)
        assert other.next().peer == one.own


def test_each_loopback_address_is_its_own(host: Host) -> None:
    with (
        server(host, ("127.0.0.1", PORT)) as first,
        server(host, ("127.0.0.2", PORT)) as second,
        server(host, ("::1", PORT), family="6") as third,
        client(host) as other,
    ):
        for to in (first, second, third):
            other.send(to.own[0].encode(), to.own)
            assert to.next().data == to.own[0].encode()
        other.send(b"", ("127.0.0.3", PORT))
        assert other.next_error() == (errno.ECONNREFUSED, ("127.0.0.3", PORT))


def test_an_answer_reaches_the_very_socket_that_asked(host: Host) -> None:
    with server(host, ANY, SERVICE) as one:
        target = one.own
        assert target[1] == PORT
        with client(host, target) as first, client(host, target) as second:
            assert first.own != second.own
            first.send(b"1", target)
            second.send(b"2", target)
            for asker in (first, second):
                asked = one.next()
                assert (asked.peer, asked.own) == (asker.own, target)
                one.send(asked.data * 2, asked.peer)
            assert (first.next().data, second.next().data) == (b"11", b"22")


def test_an_answer_comes_from_the_service(host: Host) -> None:
    with server(host, ANY, SERVICE) as one, client(host, one.own) as other:
        other.connect(one.own)
        other.send(b"question", tos=4)
        asked = one.next()
        assert asked.tos == 4
        one.send(b"answer", asked.peer)
        assert other.next().peer == one.own


def test_a_reply_from_another_port_of_the_service(host: Host) -> None:
    """As in.tftpd does it: a new socket at the address that the request was sent to."""
    with server(host, ANY, SERVICE) as one, client(host, one.own) as other:
        other.send(b"read", one.own)
        asked = one.next()
        with server(host, (asked.own[0], 0)) as child:
            assert child.own[0] == one.own[0]
            assert child.own[1] != PORT
            child.connect(asked.peer)
            child.send(b"block 1")
            block = other.next()
            assert (block.data, block.peer) == (b"block 1", child.own)
            other.send(b"ack 1", block.peer)
            assert child.next() == Datagram(b"ack 1", other.own, child.own)
            assert one.is_quiet()


def test_a_source_that_is_not_the_sockets_is_refused(host: Host) -> None:
    with server(host, ANY, SERVICE) as one, client(host, one.own) as other:
        other.send(b"", one.own)
        peer = one.next().peer
        one.send(b"from the service", peer, own=(one.own[0], 0))
        one.send(b"from its host", peer, own=(peer[0], 0))
        one.send(b"", peer, own=("198.18.77.77", 0))
        assert other.next().peer == one.own
        assert other.next().peer[0] == peer[0]
        assert one.next_error() == (errno.EINVAL, peer)


def test_a_connected_socket_hears_its_peer_alone(host: Host) -> None:
    with control.pair(host) as (one, other), client(host) as stranger:
        other.connect(one.own)
        stranger.send(b"stranger", other.own)
        assert stranger.next_error() == (errno.ECONNREFUSED, other.own)
        one.send(b"peer", other.own)
        assert other.next().data == b"peer"
        other.disconnect()
        other.send(b"", stranger.own)
        stranger.next()
        stranger.send(b"stranger", other.own)
        assert other.next().data == b"stranger"


def test_connecting_and_binding_the_port_again(host: Host) -> None:
    """As iperf's server: the bound socket becomes the client's, a second one takes its place."""
    with (
        server(host, ANY, SERVICE, reuseaddr=True) as first,
        client(host, first.own) as one,
        client(host, first.own) as other,
    ):
        one.send(b"1", first.own)
        first.connect(first.next().peer)
        with server(host, ANY, SERVICE, reuseaddr=True) as second:
            other.send(b"2", first.own)
            one.send(b"1 again", first.own)
            assert second.next().data == b"2"
            assert first.next().data == b"1 again"
        one.send(b"1 still", first.own)
        assert first.next().data == b"1 still"


def test_the_most_recently_bound_receives(host: Host) -> None:
    with (
        server(host, ANY, SERVICE, reuseaddr=True) as first,
        server(host, ANY, SERVICE, reuseaddr=True) as second,
        client(host, first.own) as other,
    ):
        other.send(b"1", first.own)
        assert second.next().data == b"1"
        second.socket.close()
        within(5, lambda: len(host.status()["flows"]) == 2)
        other.send(b"2", first.own)
        assert first.next().data == b"2"


def test_sharers_of_a_port_divide_the_senders(host: Host) -> None:
    sharers = [server(host, ANY, SERVICE, reuseport=True) for _ in range(4)]
    clients = [client(host, sharers[0].own) for _ in range(32)]
    for c in clients:
        c.send(b"1", sharers[0].own)
        c.send(b"2", sharers[0].own)
    within(5, lambda: counter(host, "datagrams_to_programs") >= 64)
    heard = {}
    for sharer in sharers:
        while not sharer.is_quiet():
            heard.setdefault(sharer.next().peer, []).append(sharer)
    assert all(len(by) == 2 and by[0] is by[1] for by in heard.values())
    assert len({by[0].own for by in heard.values()}) == 1
    assert len({id(by[0]) for by in heard.values()}) > 1
    for e in sharers + clients:
        e.socket.close()


@pytest.mark.parametrize("address", [ANY, ("127.0.0.1", PORT)])
def test_an_address_in_use(host: Host, address: Address) -> None:
    service = SERVICE if address is ANY else ""
    with server(host, address, service, reuseaddr=True), pytest.raises(OSError) as error:
        server(host, address, service)
    assert error.value.errno == errno.EADDRINUSE
    with server(host, address, service, reuseport=True), pytest.raises(OSError) as error:
        server(host, address, service, reuseaddr=True)
    assert error.value.errno == errno.EADDRINUSE
    with server(host, address, service):
        pass


def test_both_families_of_one_process_are_one_instance(host: Host) -> None:
    with (
        server(host, ANY, SERVICE, wildcard=True) as v4,
        server(host, ANY, SERVICE, wildcard=True, family="6") as v6,
        client(host, v4.own) as other,
    ):
        other.send(b"x", v4.own)
        assert v6.next().data == b"x"
        assert v4.is_quiet()
        services = {s["name"]: s["instances"] for s in host.status()["services"]}
        assert len(services[f"{SERVICE}:{PORT}/udp"]) == 2


def test_an_address_lasts_as_long_as_its_socket(host: Host) -> None:
    with server(host, ("127.0.0.1", PORT)):
        with pytest.raises(OSError) as error:
            server(host, ("127.0.0.1", PORT))
        assert error.value.errno == errno.EADDRINUSE
    within(5, lambda: can_bind(host, ("127.0.0.1", PORT)))


def can_bind(host: Host, address: Address) -> bool:
    try:
        server(host, address).socket.close()
    except OSError:
        return False
    return True


def test_who_is_not_connected_is_not_woken_by_errors(host: Host) -> None:
    with client(host) as c:
        c.hear_errors(False)
        c.send(b"x", ("127.0.0.1", 9))
        c.send(b"to itself, behind it", c.own)
        assert c.next().data == b"to itself, behind it"
        assert c.is_quiet()


def test_nobody_there(host: Host) -> None:
    with server(host, ANY, SERVICE) as one, client(host, one.own) as other:
        own = other.own
        for to in [("127.0.0.1", 9), (own[0], 9)]:
            other.send(b"x", to)
            assert other.next_error() == (errno.ECONNREFUSED, to)
        assert one.is_quiet()
        other.send(b"x")
        assert other.next_error()[0] == errno.EDESTADDRREQ


def test_sizes(host: Host) -> None:
    with control.pair(host) as (one, other):
        for size in (0, 1, 1400, PAYLOAD_MAX):
            other.send(bytes(size), one.own)
            assert len(one.next().data) == size
        other.send(bytes(PAYLOAD_MAX + 1), one.own)
        assert other.next_error() == (errno.EMSGSIZE, one.own)
        other.send(b"after", one.own)
        assert one.next().data == b"after"


def test_what_was_written_before_the_close_arrives(host: Host) -> None:
    with control.pair(host) as (one, other):
        one.send(b"unread", other.own)
        within(5, lambda: not other.is_quiet())
        for i in range(100):
            other.send(b"%d" % i, one.own)
        other.socket.close()
        assert [one.next().data for _ in range(100)] == [b"%d" % i for i in range(100)]


def test_a_full_queue_drops_and_counts(host: Host) -> None:
    with server(host, ("127.0.0.1", 0), rcvbuf=4096) as one, client(host) as other:
        for _ in range(100):
            other.send(bytes(1400), one.own)
        other.send(b"", ("127.0.0.1", 9))
        other.next_error()  # all before it have been read
        dropped = next(f["dropped"] for f in host.status()["flows"] if f["dropped"])
        assert 0 < dropped < 100
        for _ in range(100 - dropped):
            assert len(one.next().data) == 1400
        assert one.is_quiet()


def test_status_and_the_program_see_the_same(host: Host) -> None:
    with server(host, ANY, SERVICE) as one, client(host, one.own) as other:
        other.connect(one.own)
        other.send(b"12345")
        one.next()
        status = host.status()
        jsonschema.validate(status, json.loads(SCHEMA.read_text()))
        flows = {int(f["id"], 16): f for f in status["flows"]}
        ours, theirs = flows[other.serial], flows[one.serial]
        assert (ours["state"], ours["tx_bytes"], ours["rx_bytes"]) == ("datagram", 5, 0)
        assert ours["peer"] == theirs["own"] == f"{one.own[0]}:{PORT}"
        assert (theirs["service"], theirs["rx_bytes"]) == (f"{SERVICE}:{PORT}/udp", 5)
        with control.call(host) as asker:
            request = other.name.ljust(216, b"\0") + struct.pack("=I", control.INFO)
            control.send(asker, control.FLOW_GET, request)
            reply = control.receive(asker)
            assert (reply.error, reply.tx_bytes, reply.rx_bytes) == (0, 5, 0)


def test_a_thousand_sockets(host: Host) -> None:
    with server(host, ANY, SERVICE) as one:
        clients = [client(host, one.own) for _ in range(1000)]
        assert len({c.own for c in clients}) == 1000
        for c in clients:
            c.send(b"%d" % c.own[1], one.own)
            asked = one.next()
            one.send(asked.data, asked.peer)
        for c in clients:
            assert c.next().data == b"%d" % c.own[1]
            c.socket.close()


def test_ports_of_streams_are_others(host: Host) -> None:
    with server(host, ("127.0.0.1", PORT)), control.call(host) as stream:
        body = b"".ljust(256, b"\0") + control.pack(("127.0.0.1", PORT))[0]
        body += PORT.to_bytes(2, "little") + bytes([0, ord("4")])
        control.send(stream, control.BIND, body)
        assert control.receive(stream).error == 0


def test_garbage_harms_its_sender_alone(host: Host) -> None:
    before = counter(host, "dropped_datagram_malformed")
    with control.pair(host) as (one, other):
        for packet in (b"x", bytes(43), b"\xff" * 44, bytes(44), b"\x04" + bytes(100), b""):
            other.socket.send(packet)
        other.send(b"sound", one.own)
        assert one.next().data == b"sound"
        assert counter(host, "dropped_datagram_malformed") == before + 6


def test_descriptors_in_a_datagram_are_closed(host: Host) -> None:
    before = counter(host, "dropped_datagram_rights")
    with control.pair(host) as (one, other):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            head = control.HEAD.pack(control.DATA, 0, 0, 0, 0, *control.pack(one.own), bytes(16), 0)
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [theirs.fileno()]))]
            try:
                other.socket.sendmsg([head, b"x"], rights)
            except PermissionError:  # SO_PASSRIGHTS, Linux 6.16: they do not even arrive
                return
            assert one.next().data == b"x"
            theirs.close()
            ours.settimeout(10)
            assert ours.recv(1) == b""
    assert counter(host, "dropped_datagram_rights") == before + 1


def test_a_socket_whose_program_has_gone_leaves_its_address(host: Host) -> None:
    """Nobody took it from the reply."""
    body = b"".ljust(256, b"\0") + control.pack(("127.0.0.1", 0))[0]
    body += PORT.to_bytes(2, "little") + bytes([0, ord("4"), 0, 0, 1, 0])
    for _ in range(3):
        with control.call(host) as one:
            control.send(one, control.BIND, body)
            assert select.select([one], [], [], 10)[0]
    with server(host, ("127.0.0.1", PORT)) as one:
        assert one.own[1] == PORT


def test_the_end_of_scaffoldd_is_the_end_of_its_sockets() -> None:
    with Lab(["a"], kind="loopback") as lab:
        lab.start()
        with server(lab["a"], ("127.0.0.1", 0)) as one:
            lab["a"].kill_scaffoldd()
            assert one.socket.recv(100) == b""
