"""HELLO and STOP are of every version of the control protocol; nothing else is."""

import errno
import os
import select
import struct
from collections.abc import Iterator

import pytest

from e2e.control import HELLO, MAGIC, REPLY, REQUEST, STOP, VERSION, call
from scaffold.lab import Host, Lab

pytestmark = pytest.mark.hosts
# of a version, its head and the length of its requests: one before, one that is still to come, and
# one whose requests are the head alone
OTHERS = [(VERSION - 1, REQUEST), (VERSION + 6, 500), (VERSION + 7, 8)]


@pytest.fixture
def host() -> Iterator[Host]:
    with Lab(["a"], kind="loopback") as lab:
        lab.start()
        yield lab["a"]


def ask(host: Host, version: int, op: int, length: int) -> tuple[int, ...]:
    """Version, op, error and value of the answer, at the same place in every version. With it
    scaffoldd hangs up.
    """
    with call(host) as control:
        control.send(struct.pack("=IHH", MAGIC, version, op).ljust(length, b"\0"))
        reply = control.recv(4096)
        assert control.recv(1) == b""
    assert len(reply) == REPLY
    magic, *rest = struct.unpack_from("=IHHiI", reply)
    assert magic == MAGIC
    return tuple(rest)


@pytest.mark.parametrize(("version", "length"), OTHERS)
def test_other_versions(host: Host, version: int, length: int) -> None:
    assert host.daemon is not None
    pid = host.daemon.pid
    assert ask(host, VERSION, HELLO, REQUEST) == (VERSION, HELLO, 0, pid)
    assert ask(host, version, HELLO, length) == (VERSION, HELLO, 0, pid)
    for op in set(range(15)) - {HELLO, STOP}:
        answer = ask(host, version, op, length)
        assert answer[:3] == (VERSION, op, errno.EPROTO)
    assert ask(host, VERSION, HELLO, REQUEST) == (VERSION, HELLO, 0, pid)
    exited = os.pidfd_open(pid)
    assert ask(host, version, STOP, length)[:3] == (version, STOP, 0)
    assert select.select([exited], [], [], 30)[0]
    os.close(exited)
    assert host.daemon.wait(30) == 0


def test_who_may_not_stop_it_is_told_in_his_version(root_only: None, host: Host) -> None:
    for folder in (host.runtime_dir.parent.parent, host.runtime_dir.parent, host.runtime_dir):
        folder.chmod(0o755)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setresuid(61003, 61003, 61003)
        answer = ask(host, 2, STOP, REQUEST)
        os.write(writer, struct.pack("4i", *answer))
        os._exit(0)
    os.close(writer)
    answer = struct.unpack("4i", os.read(reader, 16))
    os.close(reader)
    assert os.waitpid(child, 0)[1] == 0
    assert answer[:3] == (2, STOP, errno.EPERM)
    assert host.status()["pid"]
