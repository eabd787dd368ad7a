"""What is said of a program's sockets: `SCAFFOLD_SHIM_LOG` and `scaffold run --explain`."""

import json
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from scaffold import explain
from scaffold.lab import Host

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs/schemas/explain.schema.json").read_text())
LINE = jsonschema.Draft202012Validator({"$ref": "#/$defs/line", "$defs": SCHEMA["$defs"]})
"""Made once: jsonschema.validate looks at the schema anew for each of thousands of lines."""

# Both ends of a flow, or of a plain connection, in one program; 100,000 bytes go up, 2 down.
PAIR = """
import socket
s = socket.create_server(("127.0.0.1", 0)); c = socket.create_connection(s.getsockname())
a, _ = s.accept(); c.sendall(bytes(100000)); n = 0
while n < 100000: n += len(a.recv(65536))
a.sendall(b"ok"); a.close(); assert c.recv(9) == b"ok" and c.recv(9) == b""
"""

Sockets = list[dict[str, Any]]


def logged(host: Host, log: Path, code: str, **options: Any) -> Sockets:
    """The sockets of a program; each line of its log is what the schema says."""
    env = {"SCAFFOLD_SHIM_LOG": str(log), **options.pop("env", {})}
    done = host.run([sys.executable, "-c", code], env=env, timeout=30, **options)
    assert (done.returncode, done.stderr) == (options.get("status", 0), "")
    return read(log)


def read(log: Path) -> Sockets:
    lines = explain.read(log)
    for line in lines:
        LINE.validate(line)
    sockets = explain.merge(lines)
    jsonschema.validate(explain.document(sockets), SCHEMA)
    return sockets


def only(sockets: Sockets, **wanted: Any) -> dict[str, Any]:
    """The one socket that is like this."""
    [one] = [s for s in sockets if all(s[key] == value for key, value in wanted.items())]
    return one


def bytes_of(one: dict[str, Any]) -> tuple[int | None, int | None]:
    return one["tx_bytes"], one["rx_bytes"]


def scaffold(host: Host, *words: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "scaffold.cli", "run", "--runtime-dir", str(host.runtime_dir)]
    return host.run([*command, *words], shim=False, **options)


# --- what is logged -------------------------------------------------------------------------------


def test_plain_ip(shared_host: Host, tmp_path: Path) -> None:
    sockets = logged(shared_host, tmp_path / "log", PAIR)
    client = only(sockets, role="client")
    server = only(sockets, role="accepted")
    listener = only(sockets, role="listener")
    assert {s["plane"] for s in sockets} == {"ip"}
    assert {s["state"] for s in sockets} == {"closed"}
    assert client["why"] == "127.0.0.1 is loopback; --all-local is not set"
    assert listener["why"] == "bound to loopback explicitly; --all-local is not set"
    assert server["why"] == "accepted by a listener on plain IP"
    assert bytes_of(client) == (100000, 2)
    assert bytes_of(server) == (2, 100000)
    assert client["peer"] == listener["local"] == server["local"]
    assert client["service"] is None


def test_service_flows(shared_host: Host, tmp_path: Path) -> None:
    sockets = logged(shared_host, tmp_path / "log", PAIR, all_local=True)
    assert [s["plane"] for s in sockets] == ["user"] * 3
    client, server = only(sockets, role="client"), only(sockets, role="accepted")
    port = only(sockets, role="listener")["local"].rpartition(":")[2]
    assert {s["service"] for s in sockets} == {f"loopback.a.host.scaffold:{port}"}
    assert client["why"] == "127.0.0.1 is loopback and --all-local is set"
    assert server["why"] == "accepted by a listener of loopback.a.host.scaffold"
    assert bytes_of(client) == (100000, 2)
    assert bytes_of(server) == (2, 100000)


SERVE = """
import socket
s = socket.create_server(("", 8123)); print("ready", flush=True)
c, _ = s.accept(); c.recv(9); c.sendall(b"hello"); c.close()
"""
ASK = """
import socket
s = socket.create_connection(("log.demo.scaffold", 8123)); s.sendall(b"ask"); s.recv(9)
"""


@pytest.mark.parametrize("plane", ["user", "local"])
def test_client_and_server(host: Host, tmp_path: Path, plane: str) -> None:
    """What goes from socket to socket nobody counts."""
    host.kill_scaffoldd()
    host.scaffoldd(plane=plane)
    server = host.popen(
        [sys.executable, "-c", SERVE],
        service="log.demo.scaffold",
        env={"SCAFFOLD_SHIM_LOG": str(tmp_path / "server")},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    assert server.stdout.readline() == "ready\n"
    [client] = logged(host, tmp_path / "client", ASK)
    assert server.wait(20) == 0
    served = read(tmp_path / "server")
    name = "log.demo.scaffold:8123"
    address = client["peer"].rpartition(":")[0]
    assert client["why"] == f"{address} is log.demo.scaffold"
    assert [s["service"] for s in [client, *served]] == [name] * 3
    assert client["plane"] == plane
    assert bytes_of(client) == ((3, 5) if plane == "user" else (None, None))
    listener, accepted = only(served, role="listener"), only(served, role="accepted")
    assert listener["why"] == "listens on port 8123, SCAFFOLD_SERVICE names it"
    assert bytes_of(accepted) == ((5, 3) if plane == "user" else (None, None))
    assert accepted["why"] == "accepted by a listener of log.demo.scaffold"


def test_datagrams(shared_host: Host, tmp_path: Path) -> None:
    code = """
import socket
s = socket.socket(type=socket.SOCK_DGRAM); s.bind(("127.0.0.1", 0))
c = socket.socket(type=socket.SOCK_DGRAM); c.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 16)
c.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, 3)
c.sendto(b"hello", s.getsockname()); _, who = s.recvfrom(9); s.sendto(b"answer", who); c.recv(9)
"""
    server, client = logged(shared_host, tmp_path / "log", code, all_local=True)
    port = server["local"].rpartition(":")[2]
    assert {server["service"], client["service"]} == {f"loopback.a.host.scaffold:{port}/udp"}
    assert (server["role"], server["kind"], server["plane"]) == ("bound", "udp", "user")
    assert (client["role"], client["kind"], client["plane"]) == ("client", "udp", "user")
    assert bytes_of(client) == (5, 6)
    assert bytes_of(server) == (6, 5)
    assert client["no_effect"] == ["SO_PRIORITY"]


def test_failures(shared_host: Host, tmp_path: Path) -> None:
    code = """
import contextlib, socket
for target in ("nobody.demo.scaffold", 80), ("127.0.0.1", 1):
    with socket.socket() as s, contextlib.suppress(OSError):
        s.connect(target)
with socket.socket() as s:
    s.setblocking(False); s.connect_ex(("nobody.demo.scaffold", 81))
    import select; select.select([], [s], [], 20)
    s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
"""
    blocking, plain, background = logged(shared_host, tmp_path / "log", code)
    address = blocking["peer"].rpartition(":")[0]
    assert blocking["why"] == f"{address} is nobody.demo.scaffold; connect failed: ECONNREFUSED"
    assert blocking["service"] == "nobody.demo.scaffold:80"
    assert plain["why"].endswith("--all-local is not set; connect failed: ECONNREFUSED")
    assert background["why"].endswith("nobody.demo.scaffold; connect failed: ECONNREFUSED")
    assert [s["plane"] for s in (blocking, plain, background)] == ["user", "ip", "user"]
    assert explain.summary([blocking, plain, background])["failed"] == 2


def test_no_scaffoldd(host: Host, tmp_path: Path) -> None:
    code = "import socket; socket.socket().connect_ex(('198.18.0.5', 80))"
    host.kill_scaffoldd()
    env = {"SCAFFOLD_SHIM_LOG": str(tmp_path / "log")}
    host.run([sys.executable, "-c", code], env=env)
    [one] = read(tmp_path / "log")
    assert one["why"] == "198.18.0.5 is a service; no scaffoldd answers"
    assert one["error"] == "ENETDOWN"


def test_plain_kinds(shared_host: Host, tmp_path: Path) -> None:
    code = """
import socket
udp = socket.socket(type=socket.SOCK_DGRAM)
for _ in range(3): udp.sendto(b"x", ("127.0.0.1", 9))
many = socket.socket(type=socket.SOCK_DGRAM); many.connect_ex(("224.0.0.99", 9))
unused = socket.socket()
server = socket.create_server(("", 0))
a, b = socket.socketpair()
a.close(); b.close()
"""
    udp, many, server = logged(shared_host, tmp_path / "log", code)
    assert (udp["kind"], udp["reason"], bytes_of(udp)) == ("udp", "loopback", (None, None))
    assert (many["kind"], many["reason"]) == ("udp", "multicast")
    assert (server["kind"], server["why"]) == ("tcp", "SCAFFOLD_SERVICE is not set")


@pytest.mark.usefixtures("root_only")
def test_raw(shared_host: Host, tmp_path: Path) -> None:
    code = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP); s.bind(("127.0.0.1", 0))
"""
    [one] = logged(shared_host, tmp_path / "log", code, all_local=True)
    assert (one["plane"], one["kind"], one["why"]) == ("ip", "raw", "raw socket")


def test_options_without_effect(shared_host: Host, tmp_path: Path) -> None:
    code = PAIR.replace("a, _ = s.accept()", "a, _ = s.accept(); late()").replace(
        "import socket\n",
        """
import socket
def late():
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"reno")
    a.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")
""",
    )
    early = code.replace(
        "c = socket.create_connection(s.getsockname())",
        "c = socket.socket(); c.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 16);"
        " c.connect(s.getsockname())",
    )
    assert early != code
    sockets = logged(shared_host, tmp_path / "log", early, all_local=True)
    assert only(sockets, role="client")["no_effect"] == ["IP_TOS", "TCP_CORK"]
    assert only(sockets, role="accepted")["no_effect"] == []
    plain = logged(shared_host, tmp_path / "plain", early)
    assert [s["no_effect"] for s in plain] == [[], [], []]


# --- how sockets end ------------------------------------------------------------------------------

ENDS = {
    "close": "c.close(); a.close(); s.close()",
    "dup2": "import os; n = os.open('/dev/null', 0); [os.dup2(n, x.detach()) for x in (c, a, s)]",
    "exit": "",
    "_exit": "import os; os._exit(0)",
    "_Exit": "import ctypes; ctypes.CDLL(None)._Exit(0)",
    "quick_exit": "import ctypes; ctypes.CDLL(None).quick_exit(0)",
    "closefrom": "import ctypes; ctypes.CDLL(None).closefrom(3)",
    "close_range": "import ctypes; ctypes.CDLL(None).close_range(3, 1000, 0)",
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("all_local", [False, True], ids=["ip", "service"])
def test_ends(shared_host: Host, tmp_path: Path, end: str, all_local: bool) -> None:
    pair = PAIR.replace("a.close(); ", "").replace(' and c.recv(9) == b""', "")
    sockets = logged(shared_host, tmp_path / "log", pair + ENDS[end], all_local=all_local)
    assert [s["state"] for s in sockets] == ["closed"] * 3
    assert bytes_of(only(sockets, role="client")) == (100000, 2)
    assert bytes_of(only(sockets, role="accepted")) == (2, 100000)
    states = [line["state"] for line in explain.read(tmp_path / "log")]
    assert states.count("closed") == 3


def test_bytes_of_a_flow_that_was_over_before_the_close(shared_host: Host, tmp_path: Path) -> None:
    """A server that lingers: both ends have been read when it closes."""
    pair = PAIR.replace("a.close(); ", "a.shutdown(socket.SHUT_WR); ")
    code = pair + "c.close(); assert a.recv(9) == b''; a.close()"
    assert pair != PAIR
    for name, all_local in (("ip", False), ("service", True)):
        sockets = logged(shared_host, tmp_path / name, code, all_local=all_local)
        assert only(sockets, role="accepted")["tx_bytes"] == 2
        assert bytes_of(only(sockets, role="client")) == (100000, 2)
    assert only(sockets, role="accepted")["rx_bytes"] == 100000


def test_one_line_for_duplicates(shared_host: Host, tmp_path: Path) -> None:
    """Only the last number of a socket ends it; exit, too, finds them all."""
    code = PAIR + "import os; d = os.dup(c.fileno()); c.close(); e = os.dup(s.fileno())"
    sockets = logged(shared_host, tmp_path / "log", code, all_local=True)
    assert len(sockets) == 3
    lines = explain.read(tmp_path / "log")
    assert [line["state"] for line in lines].count("closed") == 3


def test_sockets_that_nobody_saw_end(shared_host: Host, tmp_path: Path) -> None:
    code = PAIR + "import os; os.kill(os.getpid(), 9)"
    env = {"SCAFFOLD_SHIM_LOG": str(tmp_path / "log")}
    done = shared_host.run([sys.executable, "-c", code], env=env, all_local=True)
    assert done.returncode == -signal.SIGKILL
    sockets = read(tmp_path / "log")
    client = only(sockets, role="client")
    assert (client["state"], *bytes_of(client)) == ("open", None, None)
    assert client["why"] == "127.0.0.1 is loopback and --all-local is set"
    assert only(sockets, role="accepted")["state"] == "closed"


def test_a_tree_of_processes(shared_host: Host, tmp_path: Path) -> None:
    """A child serves what its parent accepted, after exec: what the parent knew is not lost."""
    code = """
import os, socket, sys
s = socket.create_server(("127.0.0.1", 0)); c = socket.create_connection(s.getsockname())
a, _ = s.accept()
if os.fork() == 0:
    os.dup2(a.fileno(), 0); os.set_inheritable(a.fileno(), False)
    script = "import socket; s = socket.socket(fileno=0); s.sendall(s.recv(9)); s.detach()"
    os.execv(sys.executable, [sys.executable, "-c", script])
a.close(); c.sendall(b"through"); assert c.recv(9) == b"through"; os.wait()
"""
    sockets = logged(shared_host, tmp_path / "log", code, all_local=True)
    assert len(sockets) == 3
    accepted = only(sockets, role="accepted")
    assert bytes_of(accepted) == (7, 7)
    assert accepted["why"] == "accepted by a listener of loopback.a.host.scaffold"
    assert len({line["pid"] for line in explain.read(tmp_path / "log")}) == 2


def test_many_processes_write_whole_lines(shared_host: Host, tmp_path: Path) -> None:
    code = """
import os, socket
for _ in range(8):
    if os.fork() == 0:
        for _ in range(100):
            s = socket.socket(type=socket.SOCK_DGRAM); s.bind(("127.0.0.1", 0)); s.close()
        os._exit(0)
for _ in range(8): os.wait()
"""
    sockets = logged(shared_host, tmp_path / "log", code)
    assert len(sockets) == 800
    assert {s["state"] for s in sockets} == {"closed"}


def test_a_duplicate_that_cannot_be_repaired(shared_host: Host, tmp_path: Path) -> None:
    """The parent's number goes on standing for the socket that the child has connected."""
    code = """
import os, socket
s = socket.create_server(("127.0.0.1", 0)); c = socket.socket(); d = socket.socket()
if os.fork() == 0:
    c.connect(s.getsockname()); os._exit(0)
os.wait(); e = socket.create_connection(s.getsockname())
"""
    sockets = logged(shared_host, tmp_path / "log", code, all_local=True)
    assert [s["unrepaired"] for s in sockets] == [False, True, False]


def test_bind_given_up_for_plain_ip(shared_host: Host, tmp_path: Path) -> None:
    """What bind had reserved is no socket of its own. Its port may be somebody's on plain IP."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = (
            f"import errno, socket; server = {server.getsockname()!r}\n"
            "for _ in range(8):\n"
            "    c = socket.socket(); c.bind(('', 0))\n"
            "    if c.connect_ex(server) != errno.EADDRINUSE: break\n"
            "assert c.getpeername() == server"
        )
        sockets = logged(shared_host, tmp_path / "log", code, service="log.demo.scaffold")
    assert (sockets[-1]["plane"], sockets[-1]["reason"]) == ("ip", "loopback")


# --- the file -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("root_only")
def test_an_unreachable_file_is_said_once(shared_host: Host, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    # What that user may not load is loaded before.
    code = "import encodings.idna, os, socket; os.setuid(65534)\n" + PAIR
    env = {"SCAFFOLD_SHIM_LOG": str(tmp_path / "log")}
    done = shared_host.run([sys.executable, "-c", code], env=env)
    [line] = done.stderr.splitlines()
    assert done.returncode == 0
    assert f"SCAFFOLD_SHIM_LOG: {tmp_path}/log: Permission denied" in line


def test_a_relative_name_survives_chdir(shared_host: Host, tmp_path: Path) -> None:
    env = {"SCAFFOLD_SHIM_LOG": "log"}
    code = "import os; os.chdir('/')\n" + PAIR
    shared_host.run([sys.executable, "-c", code], env=env, cwd=tmp_path)
    assert len(read(tmp_path / "log")) == 3


def test_no_descriptor_is_kept(shared_host: Host, tmp_path: Path) -> None:
    code = PAIR + "import os; assert len(os.listdir('/proc/self/fd')) == 6  # 0-2, s, c, the list"
    logged(shared_host, tmp_path / "log", code, all_local=True)


def test_reasons_are_those_of_the_schema() -> None:
    text = (ROOT / "libscaffold/client/explain/why.c").read_text()
    codes = re.findall(r'\[SC_WHY_\w+\] =\s*\{"([a-z-]+)"', text)
    assert codes == SCHEMA["$defs"]["reason"]["enum"]


# --- scaffold run --explain -----------------------------------------------------------------------


def test_explain_prints_a_table(shared_host: Host) -> None:
    done = scaffold(
        shared_host, "--all-local", "--explain", "--", sys.executable, "-c", PAIR + "print('out')"
    )
    assert (done.returncode, done.stdout) == (0, "out\n")
    lines = done.stderr.splitlines()
    assert lines[-1] == "scaffold: 3 sockets: 2 service flows, 1 bound to services, 0 plain IP"
    [client] = [line for line in lines if "127.0.0.1 is loopback and" in line and "KiB" in line]
    assert "97.7 KiB" in client
    assert "user" in client


def test_explain_counts_for_programs(shared_host: Host) -> None:
    done = scaffold(shared_host, "--explain", "--json", "--", sys.executable, "-c", PAIR)
    document = json.loads(done.stderr.splitlines()[-1])
    jsonschema.validate(document, SCHEMA)
    reasons = {"bound-loopback": 1, "loopback": 1, "accepted-ip": 1}
    assert document["summary"]["ip_reasons"] == reasons
    assert document["summary"]["ip"] == 3


def test_explain_and_a_log_of_the_users_own(shared_host: Host, tmp_path: Path) -> None:
    log = tmp_path / "log"
    logged(shared_host, log, PAIR)
    before = log.read_text()
    env = {"SCAFFOLD_SHIM_LOG": str(log)}
    words = ("--explain", "--json", "--", sys.executable, "-c", PAIR)
    done = scaffold(shared_host, *words, env=env)
    assert json.loads(done.stderr.splitlines()[-1])["summary"]["sockets"] == 3
    assert log.read_text().startswith(before)
    assert len(read(log)) == 6


def test_explain_keeps_the_exit_status(shared_host: Host) -> None:
    for code, status in (("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 15)", -15)):
        done = scaffold(shared_host, "--explain", "--", sys.executable, "-c", code)
        assert done.returncode == status
        assert done.stderr.splitlines()[-1].startswith("scaffold: 0 sockets")
    done = scaffold(shared_host, "--explain", "--", "./there-is-no-such-program")
    assert done.returncode == 127


@pytest.mark.parametrize("words", [[], ["--explain"]], ids=["plain", "explain"])
def test_signals_are_not_ignored_for_the_program(shared_host: Host, words: list[str]) -> None:
    """Python ignores SIGPIPE for itself; a program that writes into a closed pipe must end."""
    done = scaffold(shared_host, *words, "--", "grep", "SigIgn", "/proc/self/status")
    ignored = int(done.stdout.split()[1], 16)  # whoever started us may ignore others
    assert not any(ignored >> (number - 1) & 1 for number in (signal.SIGPIPE, signal.SIGXFSZ))


def test_explain_passes_signals_on(shared_host: Host) -> None:
    """Who ends `scaffold run` ends the program, and hears of its sockets."""
    code = PAIR + "print('ready', flush=True); import signal; signal.pause()"
    command = [sys.executable, "-m", "scaffold.cli", "run", "--explain", "--runtime-dir"]
    process = shared_host.popen(
        [*command, str(shared_host.runtime_dir), "--", sys.executable, "-c", code],
        shim=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.terminate()
    _, errors = process.communicate(timeout=20)
    assert process.returncode == -signal.SIGTERM
    assert errors.splitlines()[-1].startswith("scaffold: 3 sockets")
