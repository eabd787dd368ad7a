"""TCP_CONGESTION is the flow's: chosen by either program, before and while it is open, inherited
from a listener, and otherwise what scaffoldd's configuration says."""

import json
import subprocess
from pathlib import Path

import pytest

from scaffold.lab import Lab

pytestmark = [pytest.mark.hosts]

SERVICE, PORT = "control.lab.scaffold", 5400

COMMON = """
import errno, json, socket, sys
service, port = sys.argv[1], int(sys.argv[2])
def chosen(s):
    return s.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\\0").decode()
def choose(s, name):
    try:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name)
    except OSError as error:
        return errno.errorcode[error.errno]
    return chosen(s)
"""

SERVER = f"""{COMMON}
listener = socket.create_server(("0.0.0.0", port))
said = [chosen(listener)]
print("ready", flush=True)
flow, _ = listener.accept()
said += [chosen(flow), choose(listener, b"reno")]
flow.sendall(b"1")
second, _ = listener.accept()
said += [chosen(second), chosen(flow), choose(second, b"bbr")]
second.sendall(b"2")
got = 0
while piece := second.recv(65536):
    got += len(piece)
assert got == 100_000
print(json.dumps(said), flush=True)
"""

CLIENT = f"""{COMMON}
flow = socket.create_connection((service, port))
said = [chosen(flow)]
assert flow.recv(1) == b"1"
early = socket.socket()
said.append(choose(early, b"bbr"))
early.connect((service, port))
said += [chosen(early)] + [choose(early, name) for name in (b"cubic", b"no-such-thing", b"reno")]
assert early.recv(1) == b"2"
early.sendall(bytes(100_000))
early.close()
print(json.dumps(said), flush=True)
"""


def talk(lab: Lab) -> tuple[list[str], list[str]]:
    """What the server was told, and the client."""
    words = [SERVICE, str(PORT)]
    python = ["python3", "-c"]
    server = lab["b"].popen([*python, SERVER, *words], service=SERVICE, stdout=subprocess.PIPE)
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    lab.await_service(f"{SERVICE}:{PORT}", process=server)
    client = lab["a"].run([*python, CLIENT, *words])
    assert client.returncode == 0, client.stderr
    told = json.loads(server.communicate(timeout=60)[0])
    return told, json.loads(client.stdout)


def test_by_the_program(lab: Lab) -> None:
    server, client = talk(lab)
    assert server == ["cubic", "cubic", "reno", "reno", "cubic", "bbr"]
    assert client == ["cubic", "bbr", "bbr", "cubic", "ENOENT", "reno"]


def test_by_the_configuration(kind: str, tmp_path: Path) -> None:
    config = tmp_path / "scaffoldd.toml"
    config.write_text('congestion = "bbr"\n')
    with Lab(["a", "b"], router="b", kind=kind) as lab:
        lab["b"].scaffoldd(config=config)
        lab["a"].scaffoldd()
        server, client = talk(lab)
    assert server == ["bbr", "bbr", "reno", "reno", "bbr", "bbr"]
    assert client == ["cubic", "bbr", "bbr", "cubic", "ENOENT", "reno"]


ALONE = f"""{COMMON}
listener = socket.create_server(("0.0.0.0", port))
flow = socket.create_connection((service, port))
other, _ = listener.accept()
print(json.dumps([chosen(flow), chosen(other), choose(flow, b"reno"), chosen(other)]), flush=True)
sys.stdin.read()
print(json.dumps([chosen(flow), chosen(other)]), flush=True)
"""


def test_from_socket_to_socket(kind: str, tmp_path: Path) -> None:
    """Nobody goes by it there; what was not chosen is scaffoldd's default, as anywhere, and once
    there is no scaffoldd a whole name all the same."""
    config = tmp_path / "scaffoldd.toml"
    config.write_text('congestion = "bbr"\n')
    with Lab(["a"], kind=kind) as lab:
        host = lab["a"]
        host.scaffoldd(config=config)
        pipe = subprocess.PIPE
        command = ["python3", "-c", ALONE, SERVICE, str(PORT)]
        program = host.popen(command, service=SERVICE, stdin=pipe, stdout=pipe)
        assert program.stdout is not None
        assert json.loads(program.stdout.readline()) == ["bbr", "bbr", "reno", "bbr"]
        host.kill_scaffoldd()
        last, _ = program.communicate(timeout=60)
    assert json.loads(last) == ["reno", "cubic"]
