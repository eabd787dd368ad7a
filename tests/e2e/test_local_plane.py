"""The local plane: programs of one host whose sockets are connected to each other."""

import json
import os
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.common import line, within
from scaffold import explain
from scaffold.doctor.verbs import own_address
from scaffold.lab import Host, Lab

pytestmark = pytest.mark.hosts

SERVICE = "near.test.scaffold"
PORT = 4100
NOBODY = 65534

PRELUDE = f"""
import errno, hashlib, json, os, select, signal, socket, struct, subprocess, sys, time
HERE = ("{SERVICE}", {PORT})
RESET = struct.pack("ii", 1, 0)
PLANT = (
    "import array, errno, json, socket\\nrefused = None\\ntry:\\n"
    " rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [0]))]\\n"
    " socket.socket(fileno=0).sendmsg([b'x'], rights)\\n"
    "except OSError as error:\\n refused = errno.errorcode[error.errno]\\n"
    "print(json.dumps(refused))"
)
BARE = os.environ | {{"LD_PRELOAD": ""}}
def bare(text, c):
    words = [sys.executable, "-c", text]
    return json.loads(subprocess.run(words, env=BARE, stdin=c, stdout=subprocess.PIPE).stdout)
def code(call, *args):
    try:
        call(*args)
    except OSError as error:
        return errno.errorcode[error.errno]
def tell(*words):
    print(json.dumps(words), flush=True)
"""

ECHO = f"""
s = socket.create_server(("0.0.0.0", {PORT}), backlog=64)
tell("ready")
while True:
    c = s.accept()[0]
    if os.fork() == 0:
        s.close()
        while data := c.recv(65536):
            c.sendall(data)
        os._exit(0)
    c.close()
"""


@pytest.fixture
def host() -> Iterator[Host]:
    with Lab(["a"], kind="loopback") as lab:
        lab.start()
        yield lab["a"]


def start(host: Host, text: str, *words: str, **options: Any) -> subprocess.Popen[Any]:
    python = "/usr/bin/python3" if "user" in options else sys.executable
    command = [python, "-c", PRELUDE + textwrap.dedent(text), *words]
    options.setdefault("stdout", subprocess.PIPE)
    return host.popen(command, **options)


def serve(host: Host, text: str = ECHO, **options: Any) -> subprocess.Popen[Any]:
    process = start(host, text, service=SERVICE, **options)
    line(process, b'["ready"]\n')
    host.lab.await_service(f"{SERVICE}:{PORT}", process=process)
    return process


def told(process: subprocess.Popen[Any]) -> Any:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def ask(host: Host, text: str, *words: str, **options: Any) -> Any:
    process = start(host, text, *words, **options)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return json.loads(output.splitlines()[-1])


def planes(host: Host) -> list[str]:
    return [flow["plane"] for flow in host.status()["flows"]]


# --- which flows ----------------------------------------------------------------------------------

PLANE = """
c = socket.create_connection(HERE)
c.sendall(b"x")
assert c.recv(1) == b"x"
tell(c.getpeername()[1])
sys.stdin.read()
"""


def plane_of(host: Host, text: str = PLANE) -> str:
    """The plane of the flow that a client opens."""
    client = start(host, text, stdin=subprocess.PIPE)
    told(client)
    [plane, same] = planes(host)
    client.communicate()
    assert plane == same
    return plane


def test_it_is_the_default(host: Host) -> None:
    serve(host)
    assert plane_of(host) == "local"


@pytest.mark.parametrize("where", ["flag", "file"])
def test_it_can_be_switched_off(where: str, tmp_path: Path) -> None:
    with Lab(["a"], kind="loopback") as lab:
        config = tmp_path / "scaffoldd.toml"
        config.write_text('plane = "user"\n')
        lab.start(**({"plane": "user"} if where == "flag" else {"config": config}))
        serve(lab["a"])
        assert plane_of(lab["a"]) == "user"


@pytest.mark.parametrize("plane", ["auto", "local"])
def test_all_local(plane: str) -> None:
    """Loopback sockets take it only when they are told to."""
    client = """
    s = socket.create_server(("127.0.0.1", 0))
    c = socket.create_connection(s.getsockname())
    tell(s.accept()[1] == c.getsockname())
    sys.stdin.read()
    """
    with Lab(["a"], kind="loopback") as lab:
        lab.start(plane=plane)
        process = start(lab["a"], client, all_local=True, stdin=subprocess.PIPE)
        assert told(process) == [True]
        assert planes(lab["a"]) == ["user" if plane == "auto" else "local"] * 2
        process.communicate()


def test_sockets_that_reset_take_the_user_plane(host: Host) -> None:
    serve(host)
    resets = PLANE.replace(
        "c = socket.create_connection(HERE)",
        "c = socket.socket(); c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET);"
        " c.connect(HERE)",
    )
    assert plane_of(host, resets) == "user"


@pytest.mark.parametrize("when", ["before bind", "before listen", "after listen"])
def test_listeners_that_reset_take_the_user_plane(host: Host, when: str) -> None:
    """What they accept inherits it, and is reset."""
    server = f"""
    def reset(now):
        if now == "{when}":
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    s = socket.socket()
    reset("before bind")
    s.bind(("0.0.0.0", {PORT}))
    reset("before listen")
    s.listen(5)
    reset("after listen")
    tell("ready")
    c = s.accept()[0]
    c.sendall(b"x")
    sys.stdin.read(1)
    c.close()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes(8))
    tell("again")
    c = s.accept()[0]
    c.sendall(b"x")
    sys.stdin.read()
    """
    client = """
    c = socket.create_connection(HERE)
    assert c.recv(1) == b"x"
    tell("open")
    tell(code(c.recv, 1))
    """
    process = serve(host, server, stdin=subprocess.PIPE)
    reader = start(host, client)
    told(reader)
    assert planes(host) == ["user", "user"]
    assert process.stdin is not None
    process.stdin.write(b"x")
    process.stdin.flush()
    assert told(reader) == ["ECONNRESET"]
    told(process)
    told(start(host, client))
    within(5, lambda: planes(host) == ["local", "local"])
    process.communicate()


# --- abuse ----------------------------------------------------------------------------------------


def test_nobody_plants_descriptors(host: Host) -> None:
    """Without the shim, which would leave them out: the kernel refuses them at both ends."""
    server = f"""
    s = socket.create_server(("0.0.0.0", {PORT}))
    tell("ready")
    c = s.accept()[0]
    refused = bare(PLANT, c)
    data, control, flags, _ = c.recvmsg(100, 1000)
    tell(refused, data.decode(), len(control), int(flags))
    """
    client = """
    c = socket.create_connection(HERE)
    refused = bare(PLANT, c)
    c.sendall(b"end")
    tell(refused, c.recv(9).decode())
    """
    process = serve(host, server)
    [refused, came] = ask(host, client)
    if refused is None:
        pytest.skip("this kernel has no SO_PASSRIGHTS: programs of one user may")
    assert (refused, came) == ("EPERM", "")
    assert told(process) == ["EPERM", "end", 0, 0]


def test_a_reset_is_refused_later(host: Host, tmp_path: Path) -> None:
    """It would read as an end. The flow stays what it is, and --explain says why."""
    serve(host)
    log = tmp_path / "log"
    client = """
    c = socket.create_connection(HERE)
    tell(
        code(c.setsockopt, socket.SOL_SOCKET, socket.SO_LINGER, RESET),
        c.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)[0],
        code(c.setsockopt, socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 5)),
        code(c.sendall, b"x"),
        c.recv(1).decode(),
    )
    """
    env = {"SCAFFOLD_SHIM_LOG": str(log)}
    assert ask(host, client, env=env) == ["ENOTSUP", 0, None, None, "x"]
    [one] = explain.merge(explain.read(log))
    assert (one["plane"], one["error"], one["tx_bytes"]) == ("local", None, None)
    assert one["why"].endswith("; SO_LINGER of 0 s was refused: the local plane does not reset")


def test_another_user(root_only: None) -> None:
    """The kernel keeps descriptors out, so that whose programs they are does not matter."""
    with Lab(["a"], kind="loopback", allow_uids=[NOBODY]) as lab:
        lab.start()
        for path in (lab.folder, lab["a"].runtime_dir.parent, lab["a"].runtime_dir):
            path.chmod(0o755)
        if not Path("/usr/bin/python3").exists():
            pytest.skip("no Python that every user reaches")
        serve(lab["a"], user=NOBODY)
        assert plane_of(lab["a"]) == "local"


def test_who_it_is_is_listed(host: Host) -> None:
    server = serve(host)
    client = start(host, PLANE, stdin=subprocess.PIPE)
    told(client)
    flows = {flow["pid"]: flow for flow in host.status()["flows"]}
    assert flows.keys() == {client.pid, server.pid}
    for flow in flows.values():
        assert flow["service"] == f"{SERVICE}:{PORT}"
        assert (flow["plane"], flow["state"], flow["uid"]) == ("local", "open", os.geteuid())
        assert [flow[key] for key in ("tx_bytes", "rx_bytes", "rtt_us", "lost")] == [None] * 4
        assert flow["age_s"] >= 0
    client.communicate()
    within(5, lambda: planes(host) == [])


# --- what lives on --------------------------------------------------------------------------------

SOURCE = f"""
s = socket.create_server(("0.0.0.0", {PORT}))
tell("ready")
c = s.accept()[0]
sums = hashlib.sha256()
for number in range(2000):
    block = number.to_bytes(4, "big") * 8192
    sums.update(block)
    c.sendall(block)
c.shutdown(socket.SHUT_WR)
tell(sums.hexdigest(), c.recv(1).decode())
"""

SINK = """
c = socket.create_connection(HERE)
sums = hashlib.sha256(c.recv(1))
tell("open")
sys.stdin.readline()
while data := c.recv(65536):
    sums.update(data)
tell(sums.hexdigest(), code(c.sendall, b"y"))
"""


def test_it_outlives_scaffoldd(host: Host) -> None:
    """Killed under a transfer, which is complete all the same, in both directions."""
    server = serve(host, SOURCE)
    client = start(host, SINK, stdin=subprocess.PIPE)
    told(client)
    assert host.daemon is not None
    host.daemon.kill()
    host.daemon.wait()
    output, _ = client.communicate(b"\n", timeout=60)
    [received, error] = json.loads(output.splitlines()[-1])
    [sent, answer] = told(server)
    assert (received, error, answer) == (sent, None, "y")


def test_whoever_holds_it_keeps_it(host: Host) -> None:
    """A program that was passed the socket by exec, and has never heard of the shim."""
    serve(host)
    client = """
    c = socket.create_connection(HERE)
    heir = "import os; os.read(2, 1); os.write(0, b'x'); print(os.read(0, 9), flush=True)"
    subprocess.Popen([sys.executable, "-c", heir], env=BARE, stdin=c, stderr=sys.stdin)
    tell("passed")
    """
    process = start(host, client, stdin=subprocess.PIPE)
    told(process)
    assert process.wait() == 0
    assert planes(host) == ["local", "local"]
    assert process.stdin is not None
    process.stdin.write(b"x")
    process.stdin.flush()
    line(process, b"b'x'\n")
    within(5, lambda: planes(host) == [])


# --- who gets it ----------------------------------------------------------------------------------

WORKER = f"""
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
s.bind(("0.0.0.0", {PORT}))
s.listen(64)
tell("ready")
while True:
    c = s.accept()[0]
    c.sendall(sys.argv[1].encode())
    c.close()
"""

ASK_MANY = """
def one():
    with socket.create_connection(HERE) as c:
        return c.recv(9).decode()
tell([one() for _ in range(20)])
"""


def worker(host: Host, name: str, number: int = 1) -> subprocess.Popen[Any]:
    process = start(host, WORKER, name, service=SERVICE)
    line(process, b'["ready"]\n')
    host.lab.await_service(f"{SERVICE}:{PORT}", instances=number, process=process)
    return process


def test_workers_get_their_turns(host: Host) -> None:
    """As on the user plane; one that has gone is passed over."""
    one, two = worker(host, "one"), worker(host, "two", 2)
    [answers] = ask(host, ASK_MANY)
    assert Counter(answers) == {"one": 10, "two": 10}
    one.kill()
    one.wait()
    [answers] = ask(host, ASK_MANY)
    assert Counter(answers) == {"two": 20}
    two.kill()


@pytest.mark.parametrize("plane", ["auto", "local"])
def test_workers_at_an_address_of_the_host(plane: str) -> None:
    """Of --all-local. That somebody is there is looked at before, which is nobody's turn."""
    address = own_address()
    if address is None:
        pytest.skip("this host has no address but loopback's")
    with Lab(["a"], kind="loopback") as lab:
        lab.start(plane=plane)
        for name in ("one", "two"):
            process = start(lab["a"], WORKER, name, all_local=True)
            line(process, b'["ready"]\n')
        asking = f"HERE = ({address!r}, {PORT})" + ASK_MANY
        [answers] = ask(lab["a"], asking, all_local=True)
        assert Counter(answers) == {"one": 10, "two": 10}


def test_other_hosts_take_over() -> None:
    with Lab(["a", "b"], router="b", kind="loopback") as lab:
        lab.start()
        near = worker(lab["a"], "near")
        worker(lab["b"], "far", 2)
        [answers] = ask(lab["a"], ASK_MANY)
        assert Counter(answers) == {"near": 20}
        near.kill()
        near.wait()
        [answers] = ask(lab["a"], ASK_MANY)
        assert Counter(answers) == {"far": 20}


def test_a_full_queue_makes_them_wait(host: Host) -> None:
    """Nobody is refused: those beyond the backlog wait for their turn in the user plane."""
    server = f"""
    s = socket.create_server(("0.0.0.0", {PORT}), backlog=2)
    tell("ready")
    sys.stdin.readline()
    for _ in range(12):
        c = s.accept()[0]
        c.sendall(c.recv(9))
        c.close()
    tell("done")
    """
    client = """
    all = [socket.socket() for _ in range(12)]
    for c in all:
        c.setblocking(False)
        assert c.connect_ex(HERE) == errno.EINPROGRESS
    tell("waits", len(select.select([], all, [], 0)[1]))
    sys.stdin.readline()
    answers = []
    for number, c in enumerate(all):
        c.setblocking(True)
        select.select([], [c], [])
        assert c.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
        c.sendall(b"%d" % number)
        answers.append(int(c.recv(9)))
    tell(answers)
    """
    process = serve(host, server, stdin=subprocess.PIPE)
    waiting = start(host, client, stdin=subprocess.PIPE)
    assert told(waiting) == ["waits", 3]  # Linux's rule: backlog + 1
    assert process.stdin is not None
    process.stdin.write(b"\n")
    process.stdin.flush()
    output, _ = waiting.communicate(b"\n", timeout=60)
    assert json.loads(output) == [list(range(12))]
    assert told(process) == ["done"]


def test_a_listener_that_goes(host: Host) -> None:
    """What it had not accepted is reset, as in TCP."""
    server = f"""
    s = socket.create_server(("0.0.0.0", {PORT}))
    tell("ready")
    sys.stdin.readline()
    """
    process = serve(host, server, stdin=subprocess.PIPE)
    client = start(host, "c = socket.create_connection(HERE)\ntell(0)\ntell(code(c.recv, 1))")
    told(client)
    process.communicate(b"\n")
    assert told(client) == ["ECONNRESET"]


def test_by_its_ipv6_address(host: Host) -> None:
    """Each end shows what its program named."""
    server = f"""
    s = socket.create_server(("0.0.0.0", {PORT}))
    tell("ready")
    c, peer = s.accept()
    tell(peer, c.getpeername())
    c.sendall(b"x")
    sys.stdin.read()
    """
    client = """
    where = socket.getaddrinfo(*HERE, socket.AF_INET6, socket.SOCK_STREAM)[0][4]
    c = socket.create_connection(where[:2])
    c.recv(1)
    tell(c.getpeername()[:2] == where[:2], c.getsockname()[:2])
    sys.stdin.read()
    """
    process = serve(host, server, stdin=subprocess.PIPE)
    asking = start(host, client, stdin=subprocess.PIPE)
    [same, own] = told(asking)
    assert same
    assert planes(host) == ["local", "local"]
    [accepted, peer] = told(process)
    assert accepted == peer == [own[0].removeprefix("::ffff:"), own[1]]


def test_digest_of_much(host: Host) -> None:
    """64 MiB there and back are the same bytes."""
    serve(host)
    client = """
    import threading
    c = socket.create_connection(HERE)
    block = hashlib.sha256(b"x").digest() * 2048
    sent = hashlib.sha256()
    def send():
        for number in range(1024):
            piece = number.to_bytes(4, "big") + block
            sent.update(piece)
            c.sendall(piece)
        c.shutdown(socket.SHUT_WR)
    sender = threading.Thread(target=send)
    sender.start()
    got = hashlib.sha256()
    while data := c.recv(65536):
        got.update(data)
    sender.join()
    tell(sent.hexdigest() == got.hexdigest())
    """
    assert ask(host, client) == [True]
