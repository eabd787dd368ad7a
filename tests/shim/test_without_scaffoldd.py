"""What a program meets when scaffoldd is not there, or another one, or the settings are wrong."""

import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scaffold import launch
from scaffold._native import lib

PLAIN = """
import socket
s = socket.create_server(("127.0.0.1", 0)); c = socket.create_connection(s.getsockname())
a, peer = s.accept(); c.sendall(b"x"); print(a.recv(1), peer == c.getsockname())
"""
SERVICE = """
import errno, socket
for _ in range(3):
    s = socket.socket()
    try: s.connect(("198.18.0.77", 80))
    except OSError as error: print(errno.errorcode[error.errno])
    try: s.getpeername()
    except OSError as error: print(errno.errorcode[error.errno])
"""


def run(runtime_dir: Path, code: str, **env: str) -> "subprocess.CompletedProcess[str]":
    values = launch.environment(runtime_dir)
    values.update(env)
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=values, capture_output=True, text=True, timeout=30)


def test_plain_ip_is_left_alone(tmp_path: Path) -> None:
    done = run(tmp_path / "none", PLAIN)
    assert (done.stdout, done.stderr) == ("b'x' True\n", "")


def test_services_fail_and_say_why_once(tmp_path: Path) -> None:
    done = run(tmp_path / "none", SERVICE)
    assert done.stdout == "ENETDOWN\nENOTCONN\n" * 3
    [line] = done.stderr.splitlines()
    assert str(tmp_path / "none") in line
    assert "scaffold up" in line
    assert "scaffold run" in line


def test_serving_fails(tmp_path: Path) -> None:
    code = (
        "import socket\ntry: socket.create_server(('', 0))\nexcept OSError as e: print(e.errno)\n"
    )
    done = run(tmp_path / "none", code, SCAFFOLD_SERVICE="web.demo.scaffold")
    assert done.stdout == "100\n"


@contextmanager
def another_version(runtime_dir: Path, version: int) -> Iterator[None]:
    """Something that answers like a scaffoldd of another release."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(runtime_dir / "ctl"))
    listener.listen()

    def answer() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                op = struct.unpack_from("=IHH", connection.recv(8192))[2]
                connection.send(struct.pack("=IHH", 0x53434631, version, op) + bytes(2000))

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()


def test_another_version(tmp_path: Path) -> None:
    with another_version(tmp_path, 9):
        done = run(tmp_path, SERVICE)
    assert done.stdout == "ENETDOWN\nENOTCONN\n" * 3
    [line] = done.stderr.splitlines()
    assert "version 9" in line
    assert f"version {lib.SC_CTL_VERSION}" in line


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SCAFFOLD_SERVICE", "web"),
        ("SCAFFOLD_SERVICE", "web.demo.scaffold:99999"),
        ("SCAFFOLD_SERVICE", "web.demo.scaffold:80/sctp"),
        ("SCAFFOLD_SERVICE", "web.demo.scaffold,bad name.demo.scaffold"),
        ("SCAFFOLD_PUBLISH", "80"),
        ("SCAFFOLD_PUBLISH", "80:0"),
        ("SCAFFOLD_POOL", "10.0.0.0"),
        ("SCAFFOLD_ALL_LOCAL", "yes"),
    ],
)
def test_bad_settings(tmp_path: Path, variable: str, value: str) -> None:
    done = run(tmp_path / "none", PLAIN, **{variable: value})
    [line] = done.stderr.splitlines()
    assert variable in line
    assert value.rpartition(",")[2] in line
    assert done.stdout == "b'x' True\n"


def test_clean_environment(tmp_path: Path) -> None:
    """Settings are read before the program can clear them (A14)."""
    code = (
        "import os; os.environ.clear(); os.putenv('SCAFFOLD_RUNTIME_DIR', '/nowhere')\n" + SERVICE
    )
    done = run(tmp_path / "none", code)
    assert str(tmp_path / "none") in done.stderr


@pytest.mark.usefixtures("root_only")
def test_no_control_descriptor_stays(tmp_path: Path) -> None:
    code = "import os\n" + SERVICE + "print(sorted(os.listdir('/proc/self/fd')))"
    done = run(tmp_path / "none", code)
    assert done.stdout.splitlines()[-1] == "['0', '1', '2', '3', '4']"  # s, and the listing itself
