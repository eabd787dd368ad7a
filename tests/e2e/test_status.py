"""STATUS under way: readers that are slow, many, gone; and flows that come and go meanwhile."""

import array
import contextlib
import errno
import os
import select
import socket
import struct
import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from e2e.common import within
from e2e.control import REPLY, call, send
from scaffold import bench, paths
from scaffold.errors import ServiceError
from scaffold.lab import Host, Lab
from scaffold.status import assemble

pytestmark = pytest.mark.hosts

STATUS = 12
MOST = 16
FLOWS = 300


@pytest.fixture
def host() -> Iterator[Host]:
    """A host whose status is longer than a pipe holds."""
    with Lab(["a"], kind="loopback") as lab:
        lab.start()
        peer = paths.part(paths.BENCH_PEER)
        server = [peer, "server", "0.0.0.0", bench.PORT]
        ready(lab["a"].popen(server, stdout=subprocess.PIPE, service=bench.SERVICE))
        hold(lab["a"], FLOWS)
        yield lab["a"]
        assert lab["a"].daemon is not None
        assert lab["a"].daemon.poll() is None


def ready(process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"ready")
    return process


def hold(host: Host, flows: int) -> subprocess.Popen[bytes]:
    """Opens so many flows, which last as long as the process' standard input."""
    command = [paths.part(paths.BENCH_PEER), "hold", bench.SERVICE, str(bench.PORT), str(flows)]
    return ready(host.popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))


def ask(host: Host) -> int:
    """The end of the pipe that one status is read from."""
    with call(host) as control:
        send(control, STATUS, b"")
        reply, ancillary, _, _ = control.recvmsg(REPLY, socket.CMSG_SPACE(4))
    if error := struct.unpack_from("=i", reply, 8)[0]:
        raise OSError(error, os.strerror(error))
    [(_, _, data)] = ancillary
    return array.array("i", data)[0]


def descriptors(host: Host) -> int:
    assert host.daemon is not None
    return len(list(Path(f"/proc/{host.daemon.pid}/fd").iterdir()))


def read_all(fd: int) -> bytes:
    text = b""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    while True:
        assert poll.poll(10_000)
        piece = os.read(fd, 1 << 16)
        if not piece:
            os.close(fd)
            return text
        text += piece


def test_slow_readers_hold_nothing_up(host: Host) -> None:
    with contextlib.ExitStack() as open_pipes:
        pipes = []
        for _ in range(MOST - 1):
            pipes.append(ask(host))
            open_pipes.callback(os.close, pipes[-1])
        for _ in range(3):
            assert len(host.status()["flows"]) == 2 * FLOWS
        last = ask(host)
        with pytest.raises(OSError) as caught:
            ask(host)
        assert caught.value.errno == errno.EAGAIN
        with pytest.raises(ServiceError, match="too many at a time; ask again"):
            host.status()
        assert len(assemble(read_all(last))["flows"]) == 2 * FLOWS
        assert len(host.status()["flows"]) == 2 * FLOWS
    within(5, lambda: host.status()["counters"]["status_cut_off"] == MOST - 1)


def test_who_goes_away_costs_nothing_more(host: Host) -> None:
    before = descriptors(host)
    for _ in range(10 * MOST):
        os.close(ask(host))
    within(5, lambda: descriptors(host) <= before)
    assert len(host.status()["flows"]) == 2 * FLOWS


def test_many_at_once(host: Host) -> None:
    def one(_: int) -> int:
        while True:
            try:
                return len(host.status()["flows"])
            except ServiceError as error:
                assert error.errno == errno.EAGAIN

    with ThreadPoolExecutor(2 * MOST) as pool:
        assert set(pool.map(one, range(4 * MOST))) == {2 * FLOWS}


def test_what_stays_is_shown_once(host: Host) -> None:
    """While other flows open and end all the time."""
    kept = {flow["id"] for flow in host.status()["flows"]}
    assert len(kept) == 2 * FLOWS
    for flows in (10, 200, 50, 1, 400):
        process = hold(host, flows)
        process.kill()
        for _ in range(3):
            ids = Counter(flow["id"] for flow in host.status()["flows"])
            assert all(ids[one] == 1 for one in kept)
            assert max(ids.values()) == 1
        process.wait()


def test_scaffoldd_ends_meanwhile(host: Host) -> None:
    """An abort does not look like a short status."""
    fd = ask(host)
    host.kill_scaffoldd()
    with pytest.raises(ServiceError, match="broke off"):
        assemble(read_all(fd))
    host.scaffoldd()
