"""What the end-to-end tests share."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from scaffold import scenario
from scaffold.lab import Host, Lab

ROOT = Path(__file__).parents[2]
APPS = ROOT / "ported-apps"
PEER = Path(__file__).with_name("peer.py")
SERVICE = "peer.test.scaffold"
PORT = 4000

wget = scenario.load(APPS, "wget")
memcached = scenario.load(APPS, "memcached")
iperf = scenario.load(APPS, "iperf")
OTHERS = ["ab", "civetweb", "elinks", "libmemcached", "pdns", "tftp"]
"""Programs of the table, beside those above."""


HELLO = """
import socket
s = socket.create_server(("0.0.0.0", 80))
while True:
    c, _ = s.accept()
    c.sendall(b"hello")
    c.close()
"""


def serve_hello(lab: Lab, host: Host, service: str) -> subprocess.Popen[bytes]:
    """A server that says hello, known to every host when this returns."""
    server = host.popen([sys.executable, "-c", HELLO], service=service)
    lab.await_service(f"{service}:80", process=server)
    return server


def serve(lab: Lab, mode: str, host: str = "b", service: str = SERVICE) -> subprocess.Popen[Any]:
    """peer.py as a service, known to every host when this returns."""
    command = [sys.executable, PEER, "serve", "0.0.0.0", str(PORT), mode]
    process = lab[host].popen(command, service=service, stdout=subprocess.PIPE)
    line(process, b"ready\n")
    lab.await_service(f"{service}:{PORT}", process=process)
    return process


def serve_tcp(lab: Lab, mode: str, port: int = PORT) -> subprocess.Popen[Any]:
    """The same over the kernel's TCP."""
    command = [sys.executable, PEER, "serve", lab["b"].address, str(port), mode]
    process = lab["b"].popen(command, shim=False, stdout=subprocess.PIPE)
    line(process, b"ready\n")
    return process


def reader(host: Host, target: str = SERVICE, *, shim: bool = True) -> subprocess.Popen[Any]:
    """peer.py reading; returns once its flow is open."""
    command = [sys.executable, PEER, "read", target, str(PORT)]
    process = host.popen(command, shim=shim, stdout=subprocess.PIPE)
    line(process, b"open\n")
    return process


def line(process: subprocess.Popen[Any], expected: bytes) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == expected


def outcome(process: subprocess.Popen[Any], timeout: float) -> dict[str, Any]:
    """The last line of a peer.py that must end by itself."""
    output, _ = process.communicate(timeout=timeout)
    result: dict[str, Any] = json.loads(output.splitlines()[-1])
    return result


def in_a_child(act: Callable[[], None]) -> None:
    """So that whatever is left over would be scaffoldd's alone."""
    child = os.fork()
    if child == 0:
        try:
            act()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


KERNELS = ["this kernel", "before 6.16"]


def start_on(lab: Lab, kernel: str, folder: Path) -> None:
    """As on a kernel that lets anybody pass descriptors to anybody, where that is wanted."""
    without, source = folder / "without", Path(__file__).with_name("without.c")
    if kernel != KERNELS[0]:
        command = ["cc", "-Wall", "-Wextra", "-Werror", "-o", without, source]
        subprocess.run(command, check=True)
        lab["a"].prefix = (str(without),)
    lab.start()
    lab["a"].prefix = ()


@contextlib.contextmanager
def stopped(host: Host) -> Iterator[None]:
    """Its scaffoldd stands still."""
    assert host.daemon is not None
    stat = Path(f"/proc/{host.daemon.pid}/stat")
    os.kill(host.daemon.pid, signal.SIGSTOP)  # send_signal is for its parent alone
    within(10, lambda: ") T " in stat.read_text())
    try:
        yield
    finally:
        os.kill(host.daemon.pid, signal.SIGCONT)


def within(seconds: float, condition: Any) -> float:
    """How many seconds until the condition held; fails when it never did."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds, f"not within {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - start
