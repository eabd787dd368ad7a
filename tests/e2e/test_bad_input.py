"""Bad input: each one line that names the thing and the remedy; nothing hangs."""

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from scaffold import ServiceError, paths
from scaffold.lab import Lab

pytestmark = [pytest.mark.hosts, pytest.mark.spread]

CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 80), 5)
except socket.gaierror as error:
    print("gai", error.errno)
except OSError as error:
    print("errno", error.errno)
"""


def scaffoldd(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [paths.part(paths.DAEMON), "--runtime-dir", folder / "run", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=10)


def one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    lines = [text for text in done.stderr.splitlines() if text.strip()]
    assert done.returncode not in (0, None)
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "99999"], ["99999"]),
        (["--port", "x"], ["--port"]),
        (["--router", "a:b:c"], ["--router"]),
        (["--router", "name.invalid"], ["name.invalid"]),
        (["--listen", "300.1.1.1"], ["300.1.1.1"]),
        (["--listen", "192.0.2.1"], ["192.0.2.1", "--insecure-network"]),
        (["--no-such-flag"], ["--no-such-flag"]),
        (["--name", "not a name"], ["not a name"]),
        (["--config", "/no/such.toml"], ["/no/such.toml"]),
    ],
)
def test_flags(arguments: list[str], words: list[str], tmp_path: Path) -> None:
    one_line(scaffoldd(*arguments, folder=tmp_path), *words)


def test_port_in_use(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        one_line(scaffoldd("--port", port, folder=tmp_path), port, "in use")


@pytest.mark.parametrize("text", ["[[", "port = 'x'", "unknown_key = 1", "\0\1\2"])
def test_unreadable_configuration(text: str, tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text(text)
    one_line(scaffoldd("--config", str(config), folder=tmp_path), str(config))


def test_a_runtime_directory_that_is_too_long() -> None:
    """Its beginning is another directory."""
    environment = {**os.environ, "SCAFFOLD_RUNTIME_DIR": f"/tmp/{'x' * 95}"}
    words = [paths.part(paths.DAEMON)]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=10)
    one_line(done, "SCAFFOLD_RUNTIME_DIR is longer than 95 bytes; give a shorter --runtime-dir")
    program = [sys.executable, "-c", CONNECT, "web.demo.scaffold"]
    environment["LD_PRELOAD"] = str(paths.part(paths.SHIM))
    done = subprocess.run(program, capture_output=True, text=True, env=environment, timeout=10)
    assert done.stdout.split() == ["gai", str(socket.EAI_AGAIN)]
    assert "no scaffoldd answers in SCAFFOLD_RUNTIME_DIR, which is too long;" in done.stderr


def test_two_scaffoldds_of_one_directory(tmp_path: Path) -> None:
    with Lab(["a"], kind="loopback") as lab:
        lab.start()
        command = [paths.part(paths.DAEMON), "--runtime-dir", lab["a"].runtime_dir, "--port", "0"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
        one_line(done, str(lab["a"].runtime_dir))


def test_an_unreachable_router_is_said_and_starting_goes_on() -> None:
    with Lab(["a"], kind="loopback") as lab:
        lab["a"].scaffoldd(router="127.0.0.1:9", join="sc1-" + 52 * "a")
        done = lab["a"].run([sys.executable, "-c", CONNECT, "web.demo.scaffold"], timeout=20)
        answer = done.stdout.split()
        allowed = {str(errno.ENETUNREACH), str(errno.ECONNREFUSED), str(errno.ETIMEDOUT)}
        assert answer[0] == "gai" or answer[1] in allowed, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["we_b.demo.scaffold", "demo.scaffold", "-.demo.scaffold"])
def test_malformed_names(name: str, loopback_lab: Lab) -> None:
    done = loopback_lab["a"].run([sys.executable, "-c", CONNECT, name], timeout=10)
    assert done.stdout.split() == ["gai", str(socket.EAI_NONAME)]


def test_scaffoldd_not_running(tmp_path: Path) -> None:
    """A bare preload: the service's address fails, says why once, and plain IP works."""
    with Lab(["a"], kind="loopback") as lab:
        done = lab["a"].run([sys.executable, "-c", CONNECT, "web.demo.scaffold"], timeout=10)
        assert done.stdout.split() == ["gai", str(socket.EAI_AGAIN)]
        listener = socket.create_server(("127.0.0.1", 0))
        code = f"import socket; socket.create_connection({listener.getsockname()!r})"
        with listener:
            done = lab["a"].run([sys.executable, "-c", code], timeout=10)
        assert (done.returncode, done.stderr) == (0, "")


def test_pool_address_without_scaffoldd(tmp_path: Path) -> None:
    with Lab(["a"], kind="loopback") as lab:
        done = lab["a"].run([sys.executable, "-c", CONNECT, "198.18.0.9"], timeout=10)
        assert done.stdout.split() == ["errno", str(errno.ENETDOWN)]
        lines = [text for text in done.stderr.splitlines() if text]
        assert len(lines) == 1
        assert "scaffold" in lines[0]


def test_run_of_a_missing_program(tmp_path: Path) -> None:
    with Lab(["a"], kind="loopback") as lab:
        lab.start()
        command = [sys.executable, "-m", "scaffold.cli", "run", "--", "no-such-program"]
        done = lab["a"].run(command, shim=False)
        assert done.returncode == 127
        assert done.stderr == "scaffold: no-such-program: No such file or directory\n"


def test_run_starts_a_scaffoldd_and_says_so(tmp_path: Path) -> None:
    with Lab(["a"], kind="loopback") as lab:
        host = lab["a"]
        run = [sys.executable, "-m", "scaffold.cli"]
        first = host.run([*run, "run", "--", "true"], shim=False)
        try:
            assert first.returncode == 0
            assert "started scaffoldd (pid" in first.stderr
            second = host.run([*run, "run", "--", "true"], shim=False)
            assert second.stderr == ""
        finally:
            down = host.run([*run, "down"], shim=False)
        assert "has stopped" in down.stdout
        with pytest.raises(ServiceError, match="no scaffoldd answers"):
            host.status()


def test_up_and_down(tmp_path: Path) -> None:
    with Lab(["a"], kind="loopback") as lab:
        host = lab["a"]
        run = [sys.executable, "-m", "scaffold.cli"]
        up = host.run([*run, "up", "--port", "0", "--name", "here"], shim=False)
        assert up.returncode == 0, up.stderr
        again = host.run([*run, "up"], shim=False)
        assert "already answers" in again.stdout
        other = host.run([*run, "up", "--name", "there"], shim=False)
        assert other.returncode == 1
        assert "scaffold down" in other.stderr
        status = host.run([*run, "status"], shim=False)
        assert "here" in status.stdout
        down = host.run([*run, "down"], shim=False)
        assert down.returncode == 0
