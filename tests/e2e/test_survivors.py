"""scaffoldd dies and another one takes its place: what programs were serving is served again."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.common import line, within
from scaffold.control import Control
from scaffold.lab import Host, Lab, instances_of

pytestmark = pytest.mark.hosts

PROGRAM = Path(__file__).with_name("survivor.py")
SERVICE = "back.test.scaffold"
INSTANCES = {4000: 1, 4001: 1, 4002: 2}
MANY = 300

ASK = """
import socket, sys
for port in map(int, sys.argv[2:]):
    with socket.create_connection((sys.argv[1], port), 20) as s:
        s.sendall(b"hello")
        got = b""
        while len(got) < len(str(port)) + 6: got += s.recv(100)
        print(got.decode().replace("\\n", " "))
"""


def answers(host: Host, service: str, *ports: int) -> list[str]:
    done = host.run([sys.executable, "-c", ASK, service, *map(str, ports)])
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def start_survivor(host: Host) -> subprocess.Popen[bytes]:
    process = host.popen(
        [sys.executable, PROGRAM], service=SERVICE, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    line(process, b"ready\n")
    return process


def listen_once_more(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin
    process.stdin.write(b"\n")
    process.stdin.flush()
    line(process, b"listens\n")


def start_many(host: Host) -> subprocess.Popen[bytes]:
    command = [sys.executable, PROGRAM, str(MANY)]
    process = host.popen(command, shim=False, stdout=subprocess.PIPE)
    line(process, b"ready\n")
    return process


def are_known(host: Host, ports: dict[int, int]) -> bool:
    """A router counts what a host serves by its ids; the host itself by its sockets."""
    status = host.status()
    return all(len(instances_of(status, f"{SERVICE}:{port}")) >= 1 for port in ports)


def are_back(lab: Lab, host: Host, ports: dict[int, int]) -> None:
    """First here: the router still has the old registrations until the host joins again."""
    within(20, lambda: are_known(host, ports))
    within(20, lambda: are_known(lab.router, ports))


def many_known(host: Host) -> int:
    return sum(".many.scaffold" in one["name"] for one in host.status()["services"])


@contextlib.contextmanager
def three(kind: str) -> Iterator[Lab]:
    """A router, a host that serves and one that asks."""
    with Lab(["r", "a", "b"], router="r", kind=kind) as lab:
        lab.start()
        yield lab


@pytest.mark.parametrize("victim", ["a", "r"])
def test_every_kind_of_listener_comes_back(kind: str, victim: str) -> None:
    """Twins, groups, forked holders; and sockets that were bound at the time and listen later."""
    with three(kind) as lab:
        process = start_survivor(lab[victim])
        listen_once_more(process)
        ports = {**INSTANCES, 4003: 1}
        within(20, lambda: are_known(lab["r"], ports))
        lab[victim].kill_scaffoldd()
        lab[victim].scaffoldd(**({} if victim == "r" else {"port": 0}))
        are_back(lab, lab[victim], ports)
        own = lab[victim].status()
        counts = {port: len(instances_of(own, f"{SERVICE}:{port}")) for port in ports}
        assert counts == ports, "sockets of one service are as many instances as before"
        listen_once_more(process)
        ports[4004] = 1
        within(20, lambda: are_known(lab["r"], ports))
        for asking in ("a", "b"):
            within(20, lambda: lab["b"].status()["router_answers"])
            assert answers(lab[asking], SERVICE, *ports) == [f"{port} hello" for port in ports]


def test_hundreds_of_services_come_back(kind: str) -> None:
    with three(kind) as lab:
        start_many(lab["a"])
        within(30, lambda: many_known(lab["r"]) == MANY)
        lab["a"].kill_scaffoldd()
        lab["a"].scaffoldd(port=0)
        within(30, lambda: many_known(lab["a"]) == MANY)
        within(30, lambda: many_known(lab["r"]) == MANY)
        for i in (0, MANY // 2, MANY - 1):
            assert answers(lab["b"], f"s{i}.many.scaffold", 80) == ["80 hello"]


def test_they_come_back_when_the_router_does() -> None:
    """While it is away nobody says what the addresses stand for."""
    with three("loopback") as lab:
        start_survivor(lab["a"])
        within(20, lambda: are_known(lab["r"], INSTANCES))
        lab["r"].kill_scaffoldd()
        lab["a"].kill_scaffoldd()
        lab["a"].scaffoldd(port=0)
        within(20, lambda: "the service router knows what they serve" in lab["a"].log())
        assert not lab["a"].status()["services"]
        lab["r"].scaffoldd()
        within(30, lambda: are_known(lab["r"], INSTANCES))
        assert answers(lab["b"], SERVICE, 4000) == ["4000 hello"]


def test_a_survivor_that_somebody_else_asked_for() -> None:
    """Its address is known before the host has joined: then it needs no question, and is served."""
    with three("loopback") as lab:
        a = lab["a"]
        start_survivor(a)
        within(20, lambda: are_known(lab["r"], INSTANCES))
        a.kill_scaffoldd()
        shutil.rmtree(a.runtime_dir.parent / "state")  # it is another host, until it is let go
        a.scaffoldd(port=0)
        code = f"import socket; print(socket.gethostbyname('{SERVICE}'))"
        asking = a.popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        with Control(lab["r"].runtime_dir) as control:
            control.forget_host("a")
        assert asking.communicate(timeout=30)[0].startswith(b"198.18.")
        are_back(lab, a, INSTANCES)
        assert answers(lab["b"], SERVICE, 4000) == ["4000 hello"]


def test_a_listener_on_loopback_comes_back(loopback_lab: Lab) -> None:
    """--all-local: no router is asked about 127.0.0.1."""
    a = loopback_lab["a"]
    serving = [sys.executable, PROGRAM]
    process = a.popen(serving, all_local=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    line(process, b"ready\n")
    loopback_lab["b"].kill_scaffoldd()
    a.kill_scaffoldd()
    a.scaffoldd(port=0)
    command = [sys.executable, "-c", ASK, "127.0.0.1", "4000", "4001"]
    done = a.run(command, all_local=True)
    assert done.stdout.splitlines() == ["4000 hello", "4001 hello"], done.stderr


def test_the_program_is_known_with_the_first_flow(loopback_lab: Lab) -> None:
    """The kernel does not say who listens until somebody connects."""
    a = loopback_lab["a"]
    start_survivor(a)
    within(20, lambda: are_known(loopback_lab["b"], INSTANCES))
    a.kill_scaffoldd()
    a.scaffoldd(port=0)
    are_back(loopback_lab, a, INSTANCES)
    assert answers(loopback_lab["b"], SERVICE, 4000) == ["4000 hello"]
    one = instances_of(a.status(), f"{SERVICE}:4000")[0]
    assert one["pid"] > 0
    assert one["program"].startswith("python")


# --- what cannot come back ------------------------------------------------------------------------


def name_of(host: Host, text: str) -> str:
    """A file of this host's scaffoldd, written by hand."""
    instance = 0xCBF29CE484222325
    for byte in str(host.runtime_dir).encode():
        instance = (instance ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    folded = (instance ^ instance >> 32) & 0xFFFFFFFF
    return f"scaffold.{os.geteuid()}.{folded:08x}.{text}"


def files_of(host: Host) -> list[str]:
    return sorted(path.name for path in (host.runtime_dir / "listeners").iterdir())


def listens_at(host: Host, text: str) -> socket.socket:
    """As scaffoldd does it: in its folder."""
    listener = socket.socket(socket.AF_UNIX)
    with contextlib.chdir(host.runtime_dir / "listeners"):
        listener.bind(name_of(host, text))
    listener.listen()
    return listener


def test_what_cannot_come_back_is_named(loopback_lab: Lab) -> None:
    a = loopback_lab["a"]
    start_survivor(a)
    within(20, lambda: are_known(loopback_lab["b"], INSTANCES))
    pool = a.run([sys.executable, "-c", f"import socket; print(socket.gethostbyname('{SERVICE}'))"])
    served = socket.inet_aton(pool.stdout.strip()).hex()
    unknown, misplaced = "b.4-.c6130000:0050.0.0", f"b.6-.fd{1:030x}:0050.0.0"
    twice, forbidden = f"b.4-.{served}:0fa0.0.0", "b.4-.7f000001:0fa0.0.65534"
    with contextlib.ExitStack() as stack:
        for text in (unknown, misplaced, twice, forbidden, "b.no name of ours"):
            stack.enter_context(listens_at(a, text))
        listens_at(a, "b.4-.c6130001:0050.0.0").close()
        a.kill_scaffoldd()
        a.scaffoldd(port=0)
        are_back(loopback_lab, a, INSTANCES)
        named = {text: name_of(a, text) for text in (unknown, misplaced, forbidden)}
        within(20, lambda: f"listener {named[unknown]} survived" in a.log())
        for line_of_log in (
            f"warn: listener {named[unknown]} survived and is not served: "
            "the service router does not know its address",
            f"warn: listener {named[misplaced]} is ignored: its name holds no address of a service",
            f"warn: listener {named[forbidden]} of uid 65534 is ignored",
            "survived and is not served: the service is already served on this host",
        ):
            assert line_of_log in a.log()
        assert "c6130001" not in a.log() and "no name of ours" not in a.log()
        assert not [name for name in files_of(a) if "c6130001" in name], "its socket was gone"


POSE = """
import os, socket, sys
os.chdir(sys.argv[1])
for name in sys.argv[2:], [bytes([0]).decode() + one for one in sys.argv[2:]]:
    for one in name:
        s = socket.socket(socket.AF_UNIX); globals()[one] = s
        s.bind(one); s.listen()
print("ready", flush=True)
sys.stdin.read()
"""


def test_another_user_cannot_pose_as_a_survivor(root_only: None, tmp_path: Path) -> None:
    """Under names like scaffoldd's, and under the very name of a listener that it had."""
    with Lab(["a"], kind="loopback") as lab:
        a = lab["a"]
        a.scaffoldd()
        process = start_survivor(a)
        within(20, lambda: are_known(a, INSTANCES))
        [true] = [name for name in files_of(a) if ":0fa0." in name]
        folder = a.runtime_dir.parent / "poser"
        folder.mkdir()
        for path in (lab.folder, a.runtime_dir.parent, folder):
            path.chmod(0o777)
        names = [name_of(a, "b.4-.7f000001:0fa0.0.0"), true]
        poser = a.popen(
            [sys.executable, "-c", POSE, folder, *names],
            shim=False,
            user=65534,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        line(poser, b"ready\n")
        a.kill_scaffoldd()
        a.scaffoldd()
        within(20, lambda: are_known(a, INSTANCES))
        names_served = {one["name"] for one in a.status()["services"]}
        assert names_served == {f"{SERVICE}:{port}" for port in INSTANCES}
        assert answers(a, SERVICE, 4000) == ["4000 hello"]
        a.end(process)
        within(20, lambda: not a.status()["services"])


def test_files_come_and_go_with_their_sockets(loopback_lab: Lab) -> None:
    """Also while scaffoldd is away; those of sockets that live on stay. What was bound and did not
    listen is known to no scaffoldd after the one that bound it, and is cleared away by the next."""
    a = loopback_lab["a"]
    survivor = start_survivor(a)
    many = start_many(a)
    within(20, lambda: many_known(a) == MANY)
    assert len(files_of(a)) == MANY + 7
    a.kill_scaffoldd()
    a.end(many)
    assert len(files_of(a)) == MANY + 7
    a.scaffoldd(port=0)
    assert len(files_of(a)) == 7
    are_back(loopback_lab, a, INSTANCES)
    a.end(survivor)
    within(20, lambda: len(files_of(a)) == 2)
    a.kill_scaffoldd()
    a.scaffoldd(port=0)
    assert not files_of(a)


def test_a_runtime_directory_deeper_than_an_address_is_long() -> None:
    """Also for what comes back."""
    name = "a" * 48
    with Lab([name], kind="loopback") as lab:
        lab.start()
        host = lab[name]
        assert len(str(host.runtime_dir)) > 75
        start_survivor(host)
        within(20, lambda: are_known(host, INSTANCES))
        assert answers(host, SERVICE, 4000) == ["4000 hello"]
        host.kill_scaffoldd()
        host.scaffoldd()
        are_back(lab, host, INSTANCES)
        assert answers(host, SERVICE, 4000) == ["4000 hello"]


def test_a_datagram_service_does_not_come_back(loopback_lab: Lab) -> None:
    """Its program hears of it at once, and opens a new socket."""
    code = (
        "import errno, socket\n"
        "def serve():\n"
        "    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', 4000))\n"
        "    print('ready', flush=True); return s\n"
        "s = serve()\n"
        "for call in [lambda: s.recv(100)] * 2 + [lambda: s.sendto(b'x', ('198.18.0.5', 9))] * 2:\n"
        "    try: call()\n"
        "    except OSError as e: print(errno.errorcode[e.errno], flush=True)\n"
        "input(); s.close(); s = serve(); data, peer = s.recvfrom(100); s.sendto(data, peer)\n"
        "input()"
    )
    a, b = loopback_lab["a"], loopback_lab["b"]
    process = a.popen(
        [sys.executable, "-c", code],
        service=SERVICE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    line(process, b"ready\n")
    a.kill_scaffoldd()
    for _ in range(4):
        line(process, b"ENETDOWN\n")
    a.scaffoldd(port=0)
    within(20, lambda: a.status()["router_answers"])
    assert not a.status()["services"]
    assert process.stdin
    process.stdin.write(b"\n")
    process.stdin.flush()
    line(process, b"ready\n")
    within(20, lambda: instances_of(b.status(), f"{SERVICE}:4000/udp"))
    asking = (
        "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(20)\n"
        f"s.sendto(b'hello', ('{SERVICE}', 4000)); print(s.recv(100).decode())"
    )
    done = b.run([sys.executable, "-c", asking])
    assert done.stdout == "hello\n", done.stderr


def test_a_router_started_again_knows_what_hosts_serve(kind: str) -> None:
    """With another secret or none, and all at once: nobody has to do anything."""
    with three(kind) as lab:
        start_survivor(lab["a"])
        within(20, lambda: are_known(lab["r"], INSTANCES))
        lab["r"].kill_scaffoldd()
        lab["r"].scaffoldd()
        within(20, lambda: are_known(lab["r"], INSTANCES))
        assert answers(lab["b"], SERVICE, 4000) == ["4000 hello"]


def test_a_stopped_scaffoldd_leaves_survivors_too(loopback_lab: Lab) -> None:
    a = loopback_lab["a"]
    start_survivor(a)
    within(20, lambda: are_known(loopback_lab["b"], INSTANCES))
    assert a.daemon
    a.daemon.send_signal(signal.SIGTERM)
    a.daemon.wait()
    within(20, lambda: not instances_of(loopback_lab["b"].status(), f"{SERVICE}:4000"))
    a.scaffoldd(port=0)
    are_back(loopback_lab, a, INSTANCES)
