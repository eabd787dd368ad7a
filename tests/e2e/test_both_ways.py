"""Both directions of a connection are full before either end reads: from then on each gets on by
select alone, and sees the end of the other's direction."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from e2e.common import ROOT, SERVICE, line
from scaffold import paths
from scaffold.lab import Lab

pytestmark = [pytest.mark.hosts]

SOURCE = Path(__file__).with_name("both_ways.c")
HEADER = ROOT / "libscaffold/include/scaffold/redirect.h"
SIZE = 8 << 20  # some times what all buffers on the way hold
PATIENCE_S = 120  # an end that is stuck says so itself, after one minute
BUFFERS = pytest.mark.parametrize("buffer", [0, 8192], ids=["", "small buffers"])


def built(folder: Path, *flags: str | Path) -> Path:
    program = folder / "both_ways"
    command = ["cc", "-Wall", "-Wextra", "-Werror", "-O2", SOURCE, "-o", program, *flags]
    subprocess.run(command, check=True)
    return program


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("program"))


@pytest.fixture(scope="module")
def relinked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = paths.part("libscaffold.so")
    flags = ["-include", HEADER, library, f"-Wl,-rpath,{library.parent}"]
    return built(tmp_path_factory.mktemp("relinked"), *flags)


def end(lab: Lab, name: str, *command: str | Path, shim: bool) -> "subprocess.Popen[Any]":
    pipes = dict.fromkeys(["stdin", "stdout", "stderr"], subprocess.PIPE)
    return lab[name].popen(command, shim=shim, **pipes)


def carries(lab: Lab, program: Path, target: str, buffer: int, *, shim: bool) -> None:
    """Between the two hosts, every byte and both ends."""
    last = str(SIZE), str(buffer)
    server = end(lab, "b", program, "serve", target, *last, shim=shim)
    assert server.stdout is not None
    port = server.stdout.readline().decode().strip()
    if target == SERVICE:
        lab.await_service(f"{SERVICE}:{port}", process=server)
    both = [server, end(lab, "a", program, "call", target, port, *last, shim=shim)]
    for one in both:
        line(one, b"full\n")
    for one in both:
        assert one.stdin is not None
        one.stdin.write(b"\n")
        one.stdin.flush()
    for one in both:
        output, errors = one.communicate(timeout=PATIENCE_S)
        assert (output, errors) == (f"{SIZE} sent, {SIZE} received\n".encode(), b"")


@BUFFERS
def test_natively(lab: Lab, program: Path, buffer: int) -> None:
    carries(lab, program, lab["b"].address, buffer, shim=False)


@BUFFERS
def test_under_the_shim(lab: Lab, program: Path, buffer: int) -> None:
    carries(lab, program, SERVICE, buffer, shim=True)


@BUFFERS
def test_relinked(lab: Lab, relinked: Path, buffer: int) -> None:
    carries(lab, relinked, SERVICE, buffer, shim=False)
