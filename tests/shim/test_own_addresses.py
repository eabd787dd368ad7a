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
import ctypes, socket, struct, sys, time
host = "10.77.0.9"
libc = ctypes.CDLL(None, use_errno=True)
def sendmmsg(s, text, to):
    "One datagram."
    piece = ctypes.create_string_buffer(text, len(text))
    name = struct.pack("=HH4s8x", socket.AF_INET, socket.htons(to[1]), socket.inet_aton(to[0]))
    name = ctypes.create_string_buffer(name, 16)
    iov = (ctypes.c_size_t * 2)(ctypes.addressof(piece), len(text))
    one = (ctypes.c_size_t * 8)(ctypes.addressof(name), 16, ctypes.addressof(iov), 1)
    if libc.sendmmsg(s.fileno(), one, 1, 0) != 1:
        raise OSError(ctypes.get_errno(), "sendmmsg")
# A port that the kernel gives to a client would in the end be the client's own: tcp() tries often,
# and a socket of plain IP that connects to itself is connected.
s = socket.socket(); s.bind(("", 4000)); s.listen(); s.settimeout(20)
u = socket.socket(type=socket.SOCK_DGRAM); u.bind(("", 4000)); u.settimeout(20)
def tcp():
    with socket.socket() as c:
        c.settimeout(5)
        try:
            c.connect((host, s.getsockname()[1]))
        except OSError:
            return False
        with s.accept()[0] as a:
            return a.getpeername() == c.getsockname() and c.getpeername()[0] == host
def udp(send):
    with socket.socket(type=socket.SOCK_DGRAM) as c:
        c.settimeout(5)
        try:
            send(c, b"x", (host, u.getsockname()[1]))
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
    print(there, tcp(), there and udp(socket.socket.sendto) and udp(sendmmsg), flush=True)
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
