"""Programs that load nothing, under `scaffold run --trap`: datagrams and resolvers."""

import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.common import APPS
from scaffold import scenario
from scaffold.lab import Host, Lab
from trap.common import HERE, address_of, go_program, static_program, trapped

tftp = scenario.load(APPS, "tftp")

ECHO = "echo.demo.scaffold"
GO_ECHO = "goecho.demo.scaffold"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return static_program(HERE / "datagrams.c", tmp_path_factory.mktemp("trap"))


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return go_program(HERE / "echo.go", tmp_path_factory.mktemp("trap"))


@pytest.fixture(scope="module")
def server(lab: Lab, host: Host, program: Path) -> str:
    """A static server of the service; the service's address."""
    environment = {"SCAFFOLD_SERVICE": ECHO}
    process = host.popen(trapped(program, "serve", "7000"), shim=False, env=environment)
    lab.await_service(f"{ECHO}:7000/udp", process=process)
    return address_of(host, ECHO)


def test_an_answer_comes_from_whom_was_asked(host: Host, server: str, program: Path) -> None:
    done = host.run(trapped(program, "ask", server, "7000", "hello"), shim=False)
    answer, source, own = done.stdout.splitlines()
    assert (answer, source) == ("hello", f"from {server}:7000"), done
    assert re.fullmatch(r"own 0\.0\.0\.0:\d+", own)


def test_a_connected_socket_reads_and_writes(host: Host, server: str, program: Path) -> None:
    done = host.run(trapped(program, "connected", server, "7000"), shim=False)
    lines = done.stdout.splitlines()
    assert lines[0] == f"peer {server}:7000", done
    assert sorted(lines[1:]) == ["8 one of 0", "8 one of 1", "8 one of 2"]


def test_a_refusal_is_the_kernels(host: Host, server: str, program: Path) -> None:
    done = host.run(trapped(program, "refused", server, "7999"), shim=False)
    assert done.stdout == "0x8 -1 Connection refused\n", done


def test_programs_under_the_shim_reach_it(host: Host, server: str) -> None:
    code = (
        "import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.settimeout(20);"
        f"s.sendto(bytes(60000), ('{server}', 7000));"
        "data, peer = s.recvfrom(65536); print(len(data), peer)"
    )
    done = host.run(["python3", "-c", code])
    assert done.stdout == f"60000 ('{server}', 7000)\n", done


def test_what_is_sent_in_segments_arrives_in_segments(host: Host) -> None:
    """UDP_SEGMENT of one message: the kernel cuts it on its way to the relay."""
    code = (
        "import socket, struct; s, c = (socket.socket(type=socket.SOCK_DGRAM) for _ in range(2));"
        "s.bind(('127.0.0.1', 0)); s.settimeout(20);"
        "cut = [(socket.IPPROTO_UDP, 103, struct.pack('H', 1000))];"
        "c.sendmsg([bytes(2500)], cut, 0, s.getsockname());"
        "print(*(len(s.recv(4096)) for _ in range(3)))"
    )
    words = trapped(sys.executable, "-c", code)
    done = host.run(words, shim=False, env={"SCAFFOLD_ALL_LOCAL": "1"})
    assert done.stdout == "1000 1000 500\n", done


def test_a_wildcard_is_plain_ips_as_well(host: Host) -> None:
    """Under --all-local, what is bound to every address is reached at the host's own ones, from
    outside the tree."""
    with socket.socket(type=socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))  # nothing is sent
        except OSError:
            pytest.skip("the host has no address but loopback's")
        here = s.getsockname()[0]
    code = (
        "import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(('', 0));"
        "s.settimeout(20); print(s.getsockname()[1], flush=True);"
        "data, peer = s.recvfrom(100); s.sendto(data + b' back', peer)"
    )
    words = trapped(sys.executable, "-c", code)
    environment = {"SCAFFOLD_ALL_LOCAL": "1"}
    process = host.popen(words, shim=False, env=environment, stdout=subprocess.PIPE)
    assert process.stdout
    port = int(process.stdout.readline())
    with socket.socket(type=socket.SOCK_DGRAM) as c:
        c.settimeout(20)
        c.sendto(b"there", (here, port))
        assert c.recvfrom(100) == (b"there back", (here, port))
    assert process.wait(20) == 0


BURSTS = """
import socket
whole = [b"1", b"2", b"3", b"end"]
for _ in range(200):
    with socket.socket(type=socket.SOCK_DGRAM) as server:
        server.settimeout(30)
        server.bind(("127.0.0.1", 0))
        with socket.socket(type=socket.SOCK_DGRAM) as client:
            for one in whole[:-1]: client.sendto(one, server.getsockname())
        with socket.socket(type=socket.SOCK_DGRAM) as other:
            other.sendto(whole[-1], server.getsockname())
        got = [server.recv(10) for _ in whole]
        if got != whole: print(got)
"""


def test_what_was_sent_before_a_close_comes_and_in_order(host: Host) -> None:
    """Also before what another socket sent later, as over the kernel's loopback."""
    environment = {"SCAFFOLD_ALL_LOCAL": "1"}
    words = trapped(sys.executable, "-c", BURSTS)
    done = host.run(words, shim=False, env=environment, timeout=300)
    assert (done.returncode, done.stdout) == (0, ""), done


CHURN = """
import socket
while True:
    many = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(300)]
    for one in many: one.bind(("127.0.0.1", 0))
    for one in many: one.close()
"""
EXCHANGES = """
import socket
for _ in range(300):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, \\
         socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        server.settimeout(30)
        server.bind(("127.0.0.1", 0))
        client.bind(("127.0.0.1", 0))
        client.sendto(b"hello", server.getsockname())
        print(server.recv(10).decode())
"""


def test_sockets_of_others_that_come_and_go(host: Host) -> None:
    """The kernel's list of sockets is not of one moment: one that is open may be missing."""
    churn = host.popen([sys.executable, "-c", CHURN], shim=False)
    environment = {"SCAFFOLD_ALL_LOCAL": "1"}
    try:
        words = trapped(sys.executable, "-c", EXCHANGES)
        done = host.run(words, shim=False, env=environment, timeout=300)
    finally:
        churn.kill()
        churn.wait()
    assert done.stdout == "hello\n" * 300, done.stderr


def test_a_closed_socket_gives_its_service_up(lab: Lab, host: Host, program: Path) -> None:
    """Its supervisor lives on: the service ends with the socket."""
    name = "short.demo.scaffold"
    command = f"{program} serve 7001 & echo $!; read line"
    process = host.popen(
        trapped("sh", "-c", command),
        shim=False,
        env={"SCAFFOLD_SERVICE": name},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    pid = int(process.stdout.readline())
    lab.await_service(f"{name}:7001/udp", process=process)
    os.kill(pid, signal.SIGTERM)
    lab.await_service(f"{name}:7001/udp", instances=0)
    assert process.poll() is None
    process.communicate(b"\n", timeout=20)


def test_go_on_both_ends(lab: Lab, host: Host, echo: Path) -> None:
    environment = {"SCAFFOLD_SERVICE": GO_ECHO}
    process = host.popen(trapped(echo, "serve", ":7002"), shim=False, env=environment)
    lab.await_service(f"{GO_ECHO}:7002/udp", process=process)
    address = address_of(host, GO_ECHO)
    done = host.run(trapped(echo, "ask", f"{GO_ECHO}:7002", "by name"), shim=False)
    assert done.stdout == f"by name from {address}:7002\n", done


def test_static_tftp(lab: Lab, host: Host, busybox: str, tmp_path: Path) -> None:
    """in.tftpd answers from a new port."""
    folder = tmp_path / "served"
    folder.mkdir()
    tmp_path.chmod(0o755)
    folder.chmod(0o777)
    content = bytes(range(256)) * 400
    (folder / "file").write_bytes(content)
    (folder / "file").chmod(0o644)
    server = tftp.serve(host, folder)
    lab.await_service(f"{tftp.SERVICE}:{tftp.PORT}/udp", process=server)
    fetched = tmp_path / "fetched"
    words = [busybox, "tftp", "-g", "-r", folder / "file", "-l", fetched, tftp.SERVICE]
    done = host.run(trapped(*words), shim=False)
    assert done.returncode == 0, done
    assert fetched.read_bytes() == content
    words = [busybox, "tftp", "-p", "-l", fetched, "-r", folder / "stored", tftp.SERVICE]
    done = host.run(trapped(*words), shim=False)
    assert done.returncode == 0, done
    assert (folder / "stored").read_bytes() == content
    host.end(server)


# --- resolvers ------------------------------------------------------------------------------------


@pytest.fixture
def name_server() -> Iterator[str]:
    """A name server that knows one address for everything, on a loopback address of its own."""
    with socket.socket(type=socket.SOCK_DGRAM) as s:
        try:
            s.bind(("127.0.0.53", 53))
        except PermissionError:
            pytest.skip("port 53 needs root")

        def serve() -> None:
            while True:
                query, peer = s.recvfrom(512)
                if not query:
                    return
                record = struct.pack("!HHHIH4B", 0xC00C, 1, 1, 60, 4, 192, 0, 2, 7)
                head = query[:2] + struct.pack("!HHHHH", 0x8180, 1, 1, 0, 0)
                s.sendto(head + query[12:] + record, peer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield "127.0.0.53"
        s.sendto(b"", ("127.0.0.53", 53))
        thread.join(20)


def test_a_resolver_that_never_connects(
    host: Host, server: str, program: Path, name_server: str
) -> None:
    """Names of services are answered, all others asked of the name server; both answers come from
    whom was asked."""
    for name, answer in ((ECHO, server), ("www.example.org", "192.0.2.7")):
        done = host.run(trapped(program, "lookup", name_server, name), shim=False)
        assert done.stdout == f"from {name_server}:53\n{answer}\n", done


def test_a_name_that_cannot_be(host: Host, program: Path, name_server: str) -> None:
    done = host.run(trapped(program, "lookup", name_server, "lonely.scaffold"), shim=False)
    assert done.stdout.endswith("code 3\n"), done
