"""What breaks, and what the programs then see: an error, in time, and never an end of file."""

import errno
import json
import signal
import subprocess
import sys

import pytest

from e2e.common import (
    PEER,
    PORT,
    SERVICE,
    line,
    outcome,
    reader,
    serve,
    serve_tcp,
    wget,
    within,
)
from e2e.relay import Harm, harmed_lab
from scaffold import namespaces
from scaffold.lab import Lab, instances_of

pytestmark = [pytest.mark.hosts, pytest.mark.spread]


def test_own_scaffoldd_killed(lab: Lab) -> None:
    serve(lab, "source")
    client = reader(lab["a"])
    line(client, b"flowing\n")
    lab["a"].kill_scaffoldd()
    result = outcome(client, timeout=3)
    assert result["end"] == "ECONNRESET"


def test_peers_scaffoldd_killed(lab: Lab) -> None:
    serve(lab, "source")
    client = reader(lab["a"])
    line(client, b"flowing\n")
    lab["b"].kill_scaffoldd()
    result = outcome(client, timeout=32)
    assert result["end"] in ("ECONNRESET", "ETIMEDOUT", "EHOSTUNREACH", "ECONNREFUSED")


def test_peers_host_unreachable(lab: Lab) -> None:
    serve(lab, "source")
    client = reader(lab["a"])
    line(client, b"flowing\n")
    lab["b"].unreachable()
    result = outcome(client, timeout=32)
    assert result["end"] in ("ECONNRESET", "ETIMEDOUT", "EHOSTUNREACH")


@pytest.mark.parametrize("victim", ["a", "b"])
def test_a_flow_not_yet_accepted(lab: Lab, victim: str) -> None:
    serve(lab, "never")
    client = reader(lab["a"])
    lab[victim].kill_scaffoldd()
    result = outcome(client, timeout=32)
    assert result["end"] != "EOF"


@pytest.mark.parametrize("mode", ["source", "hold"])
def test_killed_server_is_what_tcp_gives(lab: Lab, mode: str) -> None:
    """`kill -9` of the peer's program: the same end over TCP and over SCAFFOLD."""
    ends = {}
    for stack in ("tcp", "user"):
        server = serve(lab, mode) if stack == "user" else serve_tcp(lab, mode)
        target = SERVICE if stack == "user" else lab["b"].address
        client = reader(lab["a"], target, shim=stack == "user")
        line(server, b"accepted\n")
        if mode == "source":
            line(client, b"flowing\n")
        server.kill()
        server.wait()
        ends[stack] = outcome(client, timeout=10)["end"]
    assert ends["user"] == ends["tcp"]


def test_a_reset_is_seen_by_who_reads_long_after(lab: Lab) -> None:
    """What arrived before the reset is read first, and then the error follows, however late."""
    serving = (
        "import socket, struct, time; s = socket.create_server(('', 4000))\n"
        "print('ready', flush=True); c, _ = s.accept(); c.sendall(bytes(600000)); time.sleep(1)\n"
        "c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0)); c.close()\n"
        "print('reset', flush=True); time.sleep(60)"
    )
    reading = (
        "import socket, time; s = socket.create_connection(('peer.test.scaffold', 4000))\n"
        "s.settimeout(10); time.sleep(8); total = 0\n"
        "try:\n"
        "    while data := s.recv(4096): total += len(data)\n"
        "    print(total, 'EOF')\n"
        "except OSError as e: print(total, type(e).__name__)"
    )
    command = [sys.executable, "-c", serving]
    server = lab["b"].popen(command, service=SERVICE, stdout=subprocess.PIPE)
    line(server, b"ready\n")
    lab.await_service(f"{SERVICE}:{PORT}", process=server)
    done = lab["a"].run([sys.executable, "-c", reading], timeout=30)
    assert done.stdout == "600000 ConnectionResetError\n", done.stderr


def test_a_killed_instance_is_gone_at_once(lab: Lab) -> None:
    server = serve(lab, "hold")
    server.kill()
    server.wait()
    service = f"{SERVICE}:{PORT}"
    within(1.5, lambda: not instances_of(lab.router.status(), service))


def test_leases_end_with_their_host(kind: str) -> None:
    """A host that stops answering: its registrations are gone within 5 s."""
    with Lab(["a", "b"], router="a", kind=kind) as lab:
        lab.start()
        serve(lab, "hold", host="b")
        lab["b"].kill_scaffoldd()
        service = f"{SERVICE}:{PORT}"
        within(6, lambda: not instances_of(lab["a"].status(), service))


def test_forked_holders_keep_the_registration(lab: Lab) -> None:
    code = (
        "import os, socket, time; s = socket.socket(); s.bind(('', 4000)); s.listen();"
        "os.fork() and os._exit(0); print('ready', flush=True); time.sleep(60)"
    )
    process = lab["b"].popen([sys.executable, "-c", code], service=SERVICE, stdout=subprocess.PIPE)
    line(process, b"ready\n")
    lab.await_service(f"{SERVICE}:{PORT}", process=None)
    process.wait()
    with pytest.raises(AssertionError, match="not within"):
        within(2.5, lambda: not instances_of(lab.router.status(), f"{SERVICE}:{PORT}"))


def test_flows_survive_a_killed_router(kind: str) -> None:
    """The service router is on no flow's path: an open flow goes on without it."""
    with Lab(["r", "a", "b"], router="r", kind=kind) as lab:
        lab.start()
        serve(lab, "source")
        client = reader(lab["a"])
        line(client, b"flowing\n")
        lab["r"].kill_scaffoldd()
        with pytest.raises(subprocess.TimeoutExpired):
            client.wait(3)
        status = [flow for flow in lab["a"].status()["flows"] if flow["pid"] == client.pid]
        before = status[0]["rx_bytes"]
        within(5, lambda: lab["a"].status()["flows"][0]["rx_bytes"] > before)


@pytest.mark.parametrize("sndbuf", [4096, 8192, 65536])
def test_a_poll_driven_writer_never_stalls(lab: Lab, sndbuf: int) -> None:
    serve(lab, "echo")
    command = [sys.executable, PEER, "write", SERVICE, str(PORT), str(4 << 20), str(sndbuf)]
    done = lab["a"].run(command)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result == {"sent": 4 << 20, "received": 4 << 20, "stalls": 0, "same": True}


def test_nobody_serves_it(lab: Lab) -> None:
    code = (
        "import socket\n"
        "try: socket.create_connection(('nobody.test.scaffold', 80))\n"
        "except OSError as e: print(e.errno)"
    )
    done = lab["a"].run([sys.executable, "-c", code], timeout=10)
    assert done.stdout.strip() == str(errno.ECONNREFUSED)


def test_second_bind_of_a_service(lab: Lab) -> None:
    serve(lab, "hold")
    command = [sys.executable, PEER, "serve", "0.0.0.0", str(PORT), "hold"]
    done = lab["b"].run(command, service=SERVICE, timeout=10)
    assert "Address already in use" in done.stderr


def test_loss_between_hosts(root_only: None) -> None:
    """1 % of the packets dropped each way, offloads off: 16 MiB arrive, identical."""
    with Lab(["a", "b"], router="b", drop_per_mille=10) as lab:
        lab.start()
        result = wget.run(lab, size=16 << 20)
        assert result.figures["bytes"] == 16 << 20
        assert namespaces.dropped(lab["a"].namespace or "") > 10


def test_reordering_and_duplicates_between_hosts(root_only: None) -> None:
    """1 % dropped, 5 % overtaken, 5 % twice, by a relay between TUN devices."""
    with harmed_lab(Harm(drop=10, late=50, double=50), seed=1) as (lab, relay):
        wget.run(lab, size=16 << 20)
        assert min(relay.counts.values()) > 0


def test_interrupted_programs_leave_nothing(lab: Lab) -> None:
    """Ctrl-C on a server: the registration ends, and scaffoldd goes on."""
    server = serve(lab, "hold")
    server.send_signal(signal.SIGINT)
    server.wait(5)
    within(1.5, lambda: not instances_of(lab.router.status(), f"{SERVICE}:{PORT}"))
    serve(lab, "hold")
