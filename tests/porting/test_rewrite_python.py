"""Python gets scaffold.inet's functions where they have namesakes, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from scaffold.lab import Lab
from scaffold_port.cli import main

NAME = "echo.demo.scaffold"
ECHO = '''"""Echoes one connection: `echo.py serve|ask HOST PORT`."""

import socket
import sys
from socket import create_connection as dial


def serve(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
        print("ready", flush=True)
        connection, _ = listener.accept()
        with connection:
            while data := connection.recv(1000):
                connection.sendall(data)


def ask(host, port):
    with dial((host, port), timeout=10) as connection:
        connection.sendall(b"hello")
        print(connection.recv(1000).decode())


dict(serve=serve, ask=ask)[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
'''


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def rewritten(tmp_path: Path, text: bytes) -> bytes:
    file = tmp_path / "a.py"
    file.write_bytes(text)
    done = CliRunner().invoke(main, ["rewrite", str(file), "--in-place"])
    assert done.exit_code == 0, done.output
    return file.read_bytes()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"import socket\n\nprint(socket.AF_INET)  # socket.socket()\n",
        b"import ssl\r\n\r\ndef socket():\r\n\treturn 'socket.socket()'\r\nsocket()",
        b"import socket\n\nclass Mine(socket.socket):\n    pass\n\nisinstance(1, socket.socket)\n",
    ],
)
def test_nothing_to_do_is_the_same_file(tmp_path: Path, text: bytes) -> None:
    assert rewritten(tmp_path, text) == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            b"import os\nimport socket\n\nx = socket.socket( socket.AF_INET )  # kept\n",
            b"import os\nimport socket\nimport scaffold.inet\n\n"
            b"x = scaffold.inet.socket( socket.AF_INET )  # kept\n",
        ),
        (
            b"import socket as s\r\nx = s.create_server(('', 80))",
            b"import socket as s\r\nimport scaffold.inet\r\n"
            b"x = scaffold.inet.create_server(('', 80))",
        ),
        (
            b"'''Words.'''\nfrom __future__ import annotations\n\ndef f():\n\tfrom socket import"
            b" socket, AF_INET\n\treturn socket(AF_INET)\n",
            b"'''Words.'''\nfrom __future__ import annotations\nimport scaffold.inet\n\ndef f():\n"
            b"\tfrom socket import socket, AF_INET\n\treturn scaffold.inet.socket(AF_INET)\n",
        ),
        (
            b"#!/usr/bin/env python3\n# -*- coding: utf-8 -*-\n@print\ndef f(asyncio, socket):\n"
            b"    import asyncio\n    return asyncio.open_connection('\xc3\xa4', 80)\n",
            b"#!/usr/bin/env python3\n# -*- coding: utf-8 -*-\nimport scaffold.inet\n@print\n"
            b"def f(asyncio, socket):\n"
            b"    import asyncio\n    return scaffold.inet.open_connection('\xc3\xa4', 80)\n",
        ),
        (
            b"from asyncio import start_server\n\nasync def f():\n"
            b"    await start_server(f, 'h', 1)\n",
            b"from asyncio import start_server\nimport scaffold.inet\n\nasync def f():\n"
            b"    await scaffold.inet.start_server(f, 'h', 1)\n",
        ),
    ],
)
def test_forms(tmp_path: Path, before: bytes, after: bytes) -> None:
    assert rewritten(tmp_path, before) == after
    assert rewritten(tmp_path, after) == after
    compile(after, "a.py", "exec")


def test_the_program_serves_services_and_plain_ip(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(rewritten(tmp_path, ECHO.encode()))
    command = [sys.executable, tmp_path / "a.py"]
    with Lab(["a"], kind="loopback") as lab:
        lab.start()
        for host, port in ((NAME, "80"), ("127.0.0.1", "4123")):
            words = [*command, "serve", host, port]
            server = lab["a"].popen(words, shim=False, stdout=subprocess.PIPE)
            assert server.stdout is not None
            assert server.stdout.readline() == b"ready\n"
            done = lab["a"].run([*command, "ask", host, port], shim=False)
            assert done.stdout == "hello\n", done.stderr
            assert server.wait(10) == 0


def test_a_large_body_stays_python(tmp_path: Path) -> None:
    """A part of the standard library: what changes compiles, and changes once."""
    library = Path(subprocess.__file__).parent
    names = [
        *library.glob("s[a-s]*.py"),
        *library.glob("[fhip]*.py"),
        *library.glob("asyncio/*.py"),
    ]
    for path in names:
        target = tmp_path / "library" / path.relative_to(library)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    folder = tmp_path / "library"
    done = CliRunner().invoke(main, ["rewrite", str(folder), "--in-place"])
    assert done.exit_code == 0
    pairs = [(path, folder / path.relative_to(library)) for path in names]
    changed = [new for old, new in pairs if old.read_bytes() != new.read_bytes()]
    assert len(changed) >= 3
    for path in changed:
        compile(path.read_bytes(), path, "exec")
    again = CliRunner().invoke(main, ["rewrite", str(folder), "--diff"])
    assert again.stdout == ""
