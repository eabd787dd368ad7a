"""--all-local at the addresses of the host's own interfaces, which come and go."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from scaffold import namespaces
from scaffold.lab import Host, Lab

pytestmark = pytest.mark.hosts

# Commands on stdin: "+" and "-" say that the address is there, or gone, from now on; it is asked
# for until that shows, which is a second away at most.
PROGRAM = """
import socket, sys, time
host = "10.77.0.9"
s = socket.socket(); s.bind(("", 0)); s.listen(); s.settimeout(20)
u = socket.socket(type=socket.SOCK_DGRAM); u.bind(("", 0)); u.settimeout(20)
def tcp():
    with socket.socket() as c:
        c.settimeout(5)
        try:
            c.connect((host, s.getsockname()[1]))
        except OSError:
            return False
        with s.accept()[0] as a:
            return a.getpeername() == c.getsockname() and c.getpeername()[0] == host
def udp():
    with socket.socket(type=socket.SOCK_DGRAM) as c:
        c.settimeout(5)
        try:
            c.sendto(b"x", (host, u.getsockname()[1]))
        except OSError:
            return False
        data, peer = u.recvfrom(9)
        u.sendto(b"y", peer)
        return c.recvfrom(9)[1] == (host, u.getsockname()[1])
for line in sys.stdin:
    there = line == "+\\n"
    deadline = time.monotonic() + 20
    while tcp() != there and time.monotonic() < deadline:
        pass
    print(there, tcp(), udp() if there else False, flush=True)
"""


@pytest.fixture
def host() -> Iterator[Host]:
    if not namespaces.available():
        pytest.skip("a namespace needs root")
    with Lab(["a"], kind="namespaces") as lab:
        lab.start()
        yield lab["a"]


def test_an_address_that_comes_and_goes(host: Host) -> None:
    program = host.popen(
        [sys.executable, "-c", PROGRAM],
        all_local=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdin and program.stdout
    for change, sign in (("add", "+"), ("del", "-"), ("add", "+")):
        words = ["ip", "address", change, "10.77.0.9/32", "dev", "lo"]
        assert host.run(words, shim=False).returncode == 0
        program.stdin.write(sign + "\n")
        program.stdin.flush()
        there = sign == "+"
        assert program.stdout.readline() == f"{there} {there} {there}\n"
    program.stdin.close()
    assert program.wait(30) == 0
