"""Labs: what they start ends with them, and what they claim about the link is so."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scaffold import ServiceError, namespaces
from scaffold.lab import Lab, instances_of


def namespaces_of_this_test() -> set[str]:
    mine = f"sc{os.getpid()}x"
    return {one for one in namespaces.ip("netns", "list").split() if one.startswith(mine)}


def test_everything_ends_with_the_lab(kind: str) -> None:
    before = namespaces_of_this_test() if kind == "namespaces" else set()
    with Lab(["a", "b", "c"], kind=kind) as lab:
        folder = lab.folder
        if kind == "namespaces":
            assert len(namespaces_of_this_test() - before) == 4  # one is the bridge's
        process = lab["a"].popen(["sh", "-c", "sleep 60 & sleep 60"], shim=False)
        stubborn = lab["b"].popen(
            ["sh", "-c", "trap '' TERM; echo set; while :; do sleep 60; done"],
            shim=False,
            stdout=subprocess.PIPE,
        )
        assert stubborn.stdout is not None
        assert stubborn.stdout.readline() == b"set\n"
    assert process.returncode is not None
    assert stubborn.returncode is not None
    assert not folder.exists()
    if kind == "namespaces":
        assert namespaces_of_this_test() == before


def test_everything_ends_when_the_body_fails(kind: str) -> None:
    with pytest.raises(KeyboardInterrupt), Lab(["a"], kind=kind) as lab:
        process = lab["a"].popen(["sleep", "60"], shim=False)
        raise KeyboardInterrupt
    assert process.returncode is not None


LAB_OF_ITS_OWN = """
from scaffold.lab import Lab
with Lab(["a"], kind="loopback") as lab:
    lab.start()
    print(lab["a"].daemon.pid, lab.folder, flush=True)
    input()
"""


def test_everything_ends_by_sigterm() -> None:
    """What `kill`, a service manager or a timeout sends first."""
    owner = subprocess.Popen(
        [sys.executable, "-c", LAB_OF_ITS_OWN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with owner:
        assert owner.stdout is not None
        pid, folder = owner.stdout.readline().split()
        owner.terminate()
        assert owner.wait(20) == -signal.SIGTERM
    assert not Path("/proc", pid).exists()
    assert not Path(folder).exists()


def test_a_handler_of_sigterm_stays() -> None:
    with Lab(["a"], kind="loopback"), Lab(["b"], kind="loopback"):
        assert callable(signal.getsignal(signal.SIGTERM))
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with Lab(["a"], kind="loopback"):
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def test_run_gives_up_in_time() -> None:
    with Lab(["a"], kind="loopback") as lab:
        start = time.monotonic()
        with pytest.raises(subprocess.TimeoutExpired):
            lab["a"].run(["sleep", "60"], shim=False, timeout=0.2)
        assert time.monotonic() - start < 3


def test_hosts_reach_each_other(root_only: None) -> None:
    with Lab(["a", "b", "c"], kind="namespaces") as lab:
        code = "import socket; print(socket.create_connection(('10.83.0.3', 9), 2))"
        done = lab["a"].run([sys.executable, "-c", code], shim=False)
        assert "ConnectionRefusedError" in done.stderr
        lab["c"].unreachable()
        done = lab["a"].run([sys.executable, "-c", code], shim=False)
        assert "ConnectionRefusedError" not in done.stderr


LOOPBACK = """
import socket
listener = socket.create_server(("127.0.0.1", 0))
socket.create_connection(listener.getsockname(), 10)
print("reached")
"""


@pytest.mark.parametrize(
    ("names", "link"),
    [(["a"], True), (["a", "b"], True), (["a", "b"], False)],
    ids=["alone", "linked", "unlinked"],
)
def test_a_host_has_a_loopback(names: list[str], link: bool, root_only: None) -> None:
    with Lab(names, kind="namespaces", link=link) as lab:
        done = lab["a"].run([sys.executable, "-c", LOOPBACK], shim=False)
    assert done.stdout == "reached\n", done.stderr


LISTEN = """
import socket
listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listener.bind(("", 7213))
print("ready", flush=True)
input()
"""

SEND = """
import socket, sys
for port in map(int, sys.argv[2:]):
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", (sys.argv[1], port))
"""


def test_a_capture_tells_scaffold_from_the_rest(root_only: None) -> None:
    with Lab(["a", "b"], kind="namespaces") as lab:
        process = lab["b"].popen(
            [sys.executable, "-c", LISTEN],
            shim=False,
            stdout=subprocess.PIPE,
            stdin=subprocess.PIPE,
        )
        assert process.stdout is not None
        process.stdout.readline()
        capture = lab.capture("a")
        assert capture is not None
        lab["a"].run([sys.executable, "-c", SEND, "10.83.0.2", "7213", "7213"], shim=False)
        assert capture.foreign() == []
        assert capture.bytes() > 80
        lab["a"].run([sys.executable, "-c", SEND, "10.83.0.2", "7214"], shim=False)
        foreign = capture.foreign()
        assert any(line.startswith("IP protocol 17: 10.83.0.1:") for line in foreign)
        assert any("10.83.0.2:7214" in line for line in foreign)
        capture.close()


def test_loss_and_shaping_need_namespaces() -> None:
    with pytest.raises(ServiceError, match="root"), Lab(["a"], kind="loopback", rate="1gbit"):
        pass


def test_instances_of() -> None:
    one = {"host": "a"}
    status = {"services": [{"name": "w.d.scaffold:80/tcp", "instances": [one]}]}
    assert instances_of(status, "w.d.scaffold:80") == [one]
    assert instances_of(status, "w.d.scaffold:81") == []


def test_a_scaffoldd_that_cannot_start_says_why(tmp_path: Path) -> None:
    with Lab(["a"], kind="loopback") as lab:
        with pytest.raises(ServiceError) as caught:
            lab["a"].scaffoldd(config=tmp_path / "absent.toml")
        assert "absent.toml" in str(caught.value)
