"""scaffoldd's side of datagrams in pieces, and of several that are written at once, spoken to
without libscaffold. `scaffold doctor` compares what programs see.
"""

import errno
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from e2e import control
from e2e.control import DATA, DROP, MORE, NOBODY, PUSH
from scaffold.lab import Host, Lab

pytestmark = pytest.mark.hosts
PAYLOAD_MAX = 65507
GATHERS_MAX = 128
"""base/limits.h: SC_GATHERS_MAX."""


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Lab(["a"], kind="loopback") as lab:
        lab.start()
        yield lab["a"]


def malformed(host: Host) -> int:
    count: int = host.status()["counters"]["dropped_datagram_malformed"]
    return count


def test_pieces_are_one_datagram(host: Host) -> None:
    with control.pair(host) as (one, other):
        other.packet(MORE, b"a", one.own)
        other.packet(MORE, b"", NOBODY)
        other.packet(DATA, b"b", ("127.0.0.1", 1))
        other.packet(MORE, b"c", one.own)
        other.packet(PUSH, b"", NOBODY)
        other.packet(MORE, b"", one.own)
        other.packet(PUSH, b"", NOBODY)
        assert [one.next().data for _ in range(3)] == [b"ab", b"c", b""]


def test_what_ends_nothing_does_nothing(host: Host) -> None:
    with control.pair(host) as (one, other):
        other.packet(PUSH, b"", one.own)
        other.packet(DROP, b"", one.own)
        other.packet(MORE, b"lost", one.own)
        other.packet(DROP, b"", NOBODY)
        other.packet(PUSH, b"", NOBODY)
        other.send(b"sound", one.own)
        assert one.next().data == b"sound"
        assert one.is_quiet()


def test_more_than_a_datagram_is_passed_over(host: Host) -> None:
    """All pieces of it, and none of the next."""
    with control.pair(host) as (one, other):
        other.connect(one.own)
        for piece in (40000, PAYLOAD_MAX - 40000, 1, 70):
            other.packet(MORE, bytes(piece), NOBODY)
        other.send(b"the rest of it")
        other.send(b"sound")
        assert other.next_error() == (errno.EMSGSIZE, one.own)
        assert one.next().data == b"sound"
        assert one.is_quiet()


def test_there_are_so_many_at_a_time(host: Host) -> None:
    """One more is told; whoever closes, or is done, makes room."""
    with ExitStack() as stack:
        one = stack.enter_context(control.server(host, ("127.0.0.1", 0)))
        many = [stack.enter_context(control.client(host, one.own)) for _ in range(GATHERS_MAX + 1)]
        for each in many:
            each.connect(one.own)
            each.packet(MORE, b"x", NOBODY)
            each.send(b"y") if each is many[0] else None
            each.settle()
        assert one.next().data == b"xy"
        many[0].packet(MORE, b"x", NOBODY)
        assert many[0].next_error() == (errno.ENOBUFS, one.own)
        many[1].packet(DROP, b"", NOBODY)
        many[1].settle()
        many[0].send(b"never")
        many[0].packet(MORE, b"now ", NOBODY)
        many[0].send(b"it goes")
        assert one.next().data == b"now it goes"
    with control.pair(host) as (one, other):
        other.packet(MORE, b"a", one.own)
        other.send(b"b")
        assert one.next().data == b"ab"


def test_segments(host: Host) -> None:
    before = malformed(host)
    with control.pair(host) as (one, other):
        for segment, size in ((-1, 5), (1, 129), (-(1 << 31), 0)):
            other.packet(DATA, bytes(size), one.own, segment=segment)
        other.packet(DATA, b"abcde", one.own, segment=2)
        other.packet(DATA, b"", one.own, segment=2)
        other.packet(DATA, b"abcde", one.own, segment=1 << 30)
        assert [one.next().data for _ in range(5)] == [b"ab", b"cd", b"e", b"", b"abcde"]
        assert malformed(host) == before + 3
