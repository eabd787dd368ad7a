"""Forks of every kind in one thread while another connects and binds: nobody but the program and
scaffoldd holds a socket, so that what happens to it is seen whoever lives on."""

import subprocess
from pathlib import Path

import pytest

from e2e.common import line
from scaffold.lab import Host, Lab

ROUNDS = 1000
NATIVE = 200
HOW = ["reset", "end", "close", "bind"]


def built(folder: Path) -> Path:
    program = folder / "forks"
    source = Path(__file__).with_name("forks.c")
    command = ["cc", "-Wall", "-Werror", "-O1", "-pthread", "-o", program, source]
    subprocess.run(command, check=True)
    return program


def all_are_seen(host: Host, program: Path, how: str, rounds: int, *, shim: bool = True) -> None:
    command = [program, how, str(rounds)]
    done = host.run(command, shim=shim, all_local=shim, timeout=240)
    assert done.stdout == f"{rounds} of {rounds} seen\n", done


@pytest.mark.parametrize("how", HOW)
def test_natively(shared_host: Host, tmp_path: Path, how: str) -> None:
    all_are_seen(shared_host, built(tmp_path), how, NATIVE, shim=False)


@pytest.mark.parametrize("how", HOW)
def test_what_happens_to_a_socket_is_seen(shared_host: Host, tmp_path: Path, how: str) -> None:
    all_are_seen(shared_host, built(tmp_path), how, ROUNDS)


def test_the_end_of_scaffoldd_is_seen(tmp_path: Path) -> None:
    """By datagram sockets, of which nobody else says so."""
    with Lab(["a"], kind="loopback") as lab:
        lab.start()
        command = [built(tmp_path), "kept", "200"]
        program = lab["a"].popen(command, all_local=True, stdout=subprocess.PIPE)
        line(program, b"kept\n")
        lab["a"].kill_scaffoldd()
        assert program.communicate(timeout=120)[0] == b"200 of 200 seen\n"
