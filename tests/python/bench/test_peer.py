"""The traffic program over plain IP, without scaffoldd."""

import socket
from collections.abc import Iterator

import pytest

from scaffold import ServiceError, bench, paths
from scaffold.bench import peer
from scaffold.bench.peer import Client, Target, holding
from scaffold.lab import Host, Lab

STREAMS = [
    ("throughput", ()),
    ("throughput", (8,)),
    ("latency", ()),
    ("requests", (4, 64)),
    ("requests", (64, 1024)),
    ("opens", ()),
    ("opens-closed", ()),
]


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Lab(["a"], kind="loopback") as lab:
        yield lab["a"]


@pytest.fixture(scope="module")
def target(host: Host) -> Target:
    return bench.plain_server(host)[1]


def test_one_run_of_each(host: Host, target: Target) -> None:
    rate = bench.traffic(host, target, "throughput", 0.2)
    assert rate["bytes"] == sum(rate["flows"]) > 1 << 20
    assert rate["seconds"] >= 0.2
    trip = bench.traffic(host, target, "latency", 0.2)
    assert 0 < trip["median_us"] <= trip["p99_us"]
    assert trip["count"] > 10


@pytest.mark.parametrize(("mode", "words"), STREAMS)
def test_turns(mode: str, words: tuple[int, ...], host: Host, target: Target) -> None:
    client = Client(host, target, mode, words)
    try:
        for _ in range(3):
            answer = client.measure(0.05)
            client.renew()
            assert answer["seconds"] >= 0.05
            assert answer.get("count", answer.get("bytes")) > 0
            if mode == "throughput":
                assert len(answer["flows"]) == (words or (1,))[0]
    finally:
        client.close()


def test_datagrams(host: Host) -> None:
    _, target = bench.plain_server(host, datagrams=True)
    assert target.stack == "udp"
    one, many = (bench.traffic(host, target, "datagrams", 0.1, n, 64) for n in (1, 16))
    for answer in (one, many):
        assert answer["count"] > 10
        assert answer["lost"] >= 0


def test_flows_that_are_held_end_with_the_block(host: Host, target: Target) -> None:
    with holding(host, target, 10) as pid:
        assert pid > 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["latency", "127.0.0.1", 1, 0.1], "Connection refused"),
        (["latency", "nobody.invalid", 1, 0.1], "nobody.invalid"),
        (["requests", "127.0.0.1", 1, 0.1, 0], "COUNT from 1"),
        (["requests", "127.0.0.1", 1, 0.1, 1, 1 << 20], "SIZE from 1 to 131072"),
        (["gossip", "127.0.0.1", 1, 0.1], "usage:"),
    ],
)
def test_what_goes_wrong_is_said(words: list[object], message: str, host: Host) -> None:
    command = [paths.part(paths.BENCH_PEER), *(str(word) for word in words)]
    done = host.run(command, shim=False)
    assert done.returncode in (1, 2)
    assert message in done.stderr


def test_a_client_that_waits_for_ever_is_an_error(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a server that takes flows and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = Target("tcp", *silent.getsockname())
        client = Client(host, target, "latency")
        monkeypatch.setattr(peer, "_PATIENCE_S", 0.1)
        with pytest.raises(ServiceError, match=r"tcp latency: .* not gone on for 0.1 s"):
            client.measure(0.1)


def test_a_client_that_ends_is_an_error(host: Host) -> None:
    with pytest.raises(ServiceError, match=r"tcp latency: .*Connection refused"):
        Client(host, Target("tcp", "127.0.0.1", 1), "latency")
