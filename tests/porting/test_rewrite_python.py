"""Python gets scaffold.inet's functions where they have namesakes, and nothing else."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scaffold.lab import Lab
from scaffold_port.cli import main
from scaffold_port.rest import Rest

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


def run(path: Path, *words: str) -> Result:
    done = CliRunner().invoke(main, ["rewrite", str(path), *words], catch_exceptions=False)
    assert done.exit_code in (0, 1, 4), done.output  # something may be left, or not analysed
    return done


def rewritten(tmp_path: Path, text: bytes) -> bytes:
    file = tmp_path / "a.py"
    file.write_bytes(text)
    run(file, "--in-place")
    return file.read_bytes()


def left(tmp_path: Path, text: bytes) -> list[str]:
    """What is listed of a file that stays as it is."""
    assert rewritten(tmp_path, text) == text
    document = json.loads(run(tmp_path / "a.py", "--json").stdout)
    return [str(Rest(**one)).replace(f"{tmp_path}/", "") for one in document["left"]]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"import socket\n\nprint(socket.AF_INET)  # socket.socket()\n",
        b"import ssl\r\n\r\ndef socket():\r\n\treturn 'socket.socket()'\r\nsocket()",
        b"import socket\n\nclass Mine(socket.socket):\n    pass\n\nisinstance(1, socket.socket)\n",
        b"from socket import socket\n\ndef f(socket):\n    return socket()\n",
        b"from socket import *\nsocket(AF_INET)\n",
        b"from .socket import socket\nsocket()\n",
        b"def f():\n    from socket import socket\n\ndef g():\n    return socket()\n",
        b"import socket\nscaffold = 1\nsocket.socket()\n",
        b"import socket\nsocket.create_server = None\nsocket.create_server(1)\n",
        b"try:\n    from gevent import socket\nexcept:\n    import socket\nsocket.socket()\n",
        b"import socket\nx = (socket  # of the module\n     .socket)()\n",
        b"import socket\rsocket.socket()\r",
        b"import socket\nsocket.socket(socket.AF_UNIX).connect('a')\n",
        b"import socket\nclass A:\n    look = socket.gethostbyname\n",
        b"import socket\nmatch 1:\n    case socket.socket():\n        pass\n",
        b"import socket\nx = f'{socket.gethostbyname(1)=}'\n",
        b"import socket\nprint 'two', socket.socket()\n",
        b"import socket\nfor socket in 1, 2:\n    socket.socket()\n",
        b"import socket\nfor x in 1, 2:\n    socket.socket()\n    socket = x\n",
        b"import socket\nif 1:\n    socket = 1\nsocket.socket()\n",
        b"import socket\ndef f():\n    global socket\n    socket = 1\nsocket.socket()\n",
        b"import socket\ndef f():\n    socket.socket()\n    socket = 1\n",
        b"import socket\ndef f(net=socket):\n    return net.socket()\n",
        b"import socket\n[socket.socket() for socket in (1, 2)]\n",
        b"import socket\nf = lambda socket: socket.socket()\n",
        b"import socket\nclass A:\n    net = socket\n    def f(self):\n        self.net.socket()\n",
        b"import socket\ndef f(x: 'socket.socket', y: socket.socket) -> socket.socket: ...\n",
        b"import socket\ndel socket\n__all__ = ['socket.socket']\n",
        b"import socket, mock\nmock.patch('socket.socket', 1)\nsocket.socket()\n",
        b"import socket, mock\nmock.patch.object(socket, 'socket')\nsocket.socket()\n",
        b"import socket\nsetattr(socket, 'socket', 1)\nsocket.socket()\n",
        b"def f(peer):\n    import socket\n    socket.inet_aton(peer)\n    return peer\n",
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
            b"import socket\nx = socket.fromfd(3, socket.AF_INET, socket.SOCK_STREAM)\n",
            b"import socket\nimport scaffold.inet\n"
            b"x = scaffold.inet.fromfd(3, socket.AF_INET, socket.SOCK_STREAM)\n",
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
            b"#!/usr/bin/env python3\n# -*- coding: utf-8 -*-\n@print\ndef f(socket):\n"
            b"    import asyncio\n    return asyncio.open_connection('\xc3\xa4', 80)\n",
            b"#!/usr/bin/env python3\n# -*- coding: utf-8 -*-\nimport scaffold.inet\n@print\n"
            b"def f(socket):\n"
            b"    import asyncio\n    return scaffold.inet.open_connection('\xc3\xa4', 80)\n",
        ),
        (
            b"from asyncio import start_server\n\nasync def f():\n"
            b"    await start_server(f, 'h', 1)\n",
            b"from asyncio import start_server\nimport scaffold.inet\n\nasync def f():\n"
            b"    await scaffold.inet.start_server(f, 'h', 1)\n",
        ),
        (
            b"import socket\n\nclass A:\n    def __init__(self, dial=socket.create_connection):\n"
            b"        self.dial = dial\n",
            b"import socket\nimport scaffold.inet\n\nclass A:\n"
            b"    def __init__(self, dial=scaffold.inet.create_connection):\n"
            b"        self.dial = dial\n",
        ),
        (
            b"'Words.'\n__version__ = '1'\nimport socket  # for f\n\n"
            b"f = f'{socket.gethostbyname(1)}'\n",
            b"'Words.'\n__version__ = '1'\nimport socket  # for f\nimport scaffold.inet\n\n"
            b"f = f'{scaffold.inet.gethostbyname(1)}'\n",
        ),
        (
            b"import socket; x = socket.socket()\n",
            b"import socket; import scaffold.inet; x = scaffold.inet.socket()\n",
        ),
        (
            b"import scaffold.inet as other\nimport socket\nx = '''\nimport scaffold.inet\n'''\n"
            b"socket.socket()\n",
            b"import scaffold.inet as other\nimport socket\nimport scaffold.inet\n"
            b"x = '''\nimport scaffold.inet\n'''\nscaffold.inet.socket()\n",
        ),
        (
            b"\xef\xbb\xbfimport socket\nx = socket.socket()\n",
            b"\xef\xbb\xbfimport socket\nimport scaffold.inet\nx = scaffold.inet.socket()\n",
        ),
        (
            b"# -*- coding: latin-1 -*-\nimport socket\nx = '\xe9\xe9', socket.socket()\n",
            b"# -*- coding: latin-1 -*-\nimport socket\nimport scaffold.inet\n"
            b"x = '\xe9\xe9', scaffold.inet.socket()\n",
        ),
        (
            b"import socket\nnet = socket\nnet.socket()\ndial = net.create_connection\ndial(1)\n",
            b"import socket\nimport scaffold.inet\nnet = socket\nscaffold.inet.socket()\n"
            b"dial = scaffold.inet.create_connection\ndial(1)\n",
        ),
        (
            b"import typing\nif typing.TYPE_CHECKING:\n    import socket\n"
            b"def f(s: socket.socket):\n    import socket\n    socket.socket()\n",
            b"import typing\nimport scaffold.inet\nif typing.TYPE_CHECKING:\n    import socket\n"
            b"def f(s: socket.socket):\n    import socket\n    scaffold.inet.socket()\n",
        ),
        (
            b"try:\n    import socket\nexcept ImportError:\n    socket = None\nsocket.socket()\n",
            b"import scaffold.inet\ntry:\n    import socket\nexcept ImportError:\n"
            b"    socket = None\nscaffold.inet.socket()\n",
        ),
        (
            b"import socket\nclass A:\n    socket = None\n    def f(self):\n"
            b"        self.socket = socket.socket()\n",
            b"import socket\nimport scaffold.inet\nclass A:\n    socket = None\n    def f(self):\n"
            b"        self.socket = scaffold.inet.socket()\n",
        ),
        (
            b"import socket\nclass A:\n    socket = socket.socket()\n",
            b"import socket\nimport scaffold.inet\nclass A:\n    socket = scaffold.inet.socket()\n",
        ),
        (
            b"import socket\nclass A:\n    look = staticmethod(socket.gethostbyname)\n",
            b"import socket\nimport scaffold.inet\nclass A:\n"
            b"    look = staticmethod(scaffold.inet.gethostbyname)\n",
        ),
        (
            b"import socket\n[s for s in socket.getaddrinfo(1, 2) if \\\n  s]\n",
            b"import socket\nimport scaffold.inet\n"
            b"[s for s in scaffold.inet.getaddrinfo(1, 2) if \\\n  s]\n",
        ),
        (
            b"import socket as s, sys; sys.exit(s.gethostbyname(1))\n",
            b"import socket as s, sys; import scaffold.inet; "
            b"sys.exit(scaffold.inet.gethostbyname(1))\n",
        ),
        (
            b"from socket import socket\nsocket = socket()\n",
            b"from socket import socket\nimport scaffold.inet\nsocket = scaffold.inet.socket()\n",
        ),
    ],
)
def test_forms(tmp_path: Path, before: bytes, after: bytes) -> None:
    assert rewritten(tmp_path, before) == after
    assert rewritten(tmp_path, after) == after
    compile(after, "a.py", "exec")


def test_a_factory_is_asked_and_not_passed_over(tmp_path: Path) -> None:
    """Whoever puts another one there wants it to be called."""
    text = b"import socket\nfactory = socket.socket\n\ndef f():\n    return factory(2)\n"
    assert rewritten(tmp_path, text) == text
    [line] = left(tmp_path, text)
    assert line.startswith("a.py:2: left to you: `socket.socket` is meant as a class")


def test_newer_python_than_this_one(tmp_path: Path) -> None:
    text = b"import socket\ntype X = int\nx = f'{socket.gethostbyname('a')}'\n"
    assert rewritten(tmp_path, text) == (
        b"import socket\nimport scaffold.inet\ntype X = int\n"
        b"x = f'{scaffold.inet.gethostbyname('a')}'\n"
    )


@pytest.mark.parametrize(
    "call", ["loop.create_connection(f, h, 1)", "asyncio.get_running_loop().getaddrinfo(h, 1)"]
)
def test_an_event_loop_needs_an_import_alone(call: str, tmp_path: Path) -> None:
    text = f"import asyncio\n\nasync def f(loop, h):\n    await {call}\n".encode()
    imported = text.replace(b"import asyncio\n", b"import asyncio\nimport scaffold.inet\n")
    assert rewritten(tmp_path, text) == imported
    assert rewritten(tmp_path, imported) == imported


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("class A(socket.socket): pass", "left to you: `socket.socket` is meant as a class"),
        ("class A(socketserver.TCPServer): pass", "left to you: `TCPServer` makes a socket"),
        ("http.server.HTTPServer(1)", "left to you: `HTTPServer` makes a socket of its own"),
        ("socket.create_server = f", "context: `socket.create_server` is replaced"),
        ("dns.getaddrinfo(h, 1)", "left to you: `getaddrinfo` may be an event loop's"),
        ("s.sendto(b'', ('h', 1))", "context: `sendto`"),
        ("s = scaffold.inet.socket(); s.bind(1)", "context, the socket is scaffold.inet's"),
        ("scaffold = socket.socket()", "left to you: `scaffold` is something else in this file"),
    ],
)
def test_what_no_name_mends_is_listed(tmp_path: Path, text: str, says: str) -> None:
    imports = "import http.server, scaffold.inet, socket, socketserver\n"
    lines = left(tmp_path, f"{imports}{text}\n".encode())
    assert len(lines) == 1
    assert lines[0].startswith(f"a.py:2: {says}")


def test_what_is_not_analysed_is_listed(tmp_path: Path) -> None:
    lines = left(tmp_path, b"import socket\rsocket.socket()\r")
    assert lines == ["a.py: not analysed: lines end in a carriage return alone"]


def test_python_needs_no_flags_of_a_compiler(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("all:\n\tpython3 -m compileall .\n")
    (tmp_path / "a.py").write_text("import socket\nsocket.socket()\n")
    done = run(tmp_path)
    assert "Makefile" not in done.output
    assert "the program now requires the Python package scaffold" in done.stderr
    assert run(tmp_path, "--level", "relink").output == ""


LINES = [
    b"'Words.'",
    b"from __future__ import annotations",
    b"import os, socket",
    b"import socket as s",
    b"from socket import socket, create_connection as dial",
    b"import scaffold.inet",
    b"# caf\xc3\xa9",
    b"",
    b"x = socket.socket(socket.AF_INET)",
    b"y = s.create_server(('', 1)); z = 'caf\xc3\xa9', s.getaddrinfo",
    b"def f(socket=socket):\n\treturn socket(), dial\n",
    b"class A(socket.socket):\n    scaffold = dial(('h', 1))",
    b"if x:\n  import asyncio; asyncio.start_server(1)",
    b"socket = socket.socket()",
    b"@dial\ndef g(): socket.inet_aton(socket)",
]
OURS = b"import scaffold.inet"


def compiles(text: bytes) -> bool:
    try:
        compile(text, "a.py", "exec")
    except SyntaxError:
        return False
    return True


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.sampled_from(LINES)), st.sampled_from([b"\n", b"\r\n"]), st.booleans())
def test_any_order_of_lines(tmp_path: Path, lines: list[bytes], end: bytes, last: bool) -> None:
    before = b"\n".join(lines).replace(b"\n", end) + (end if last else b"")
    after = rewritten(tmp_path, before)
    assert rewritten(tmp_path, after) == after
    assert compiles(after) == compiles(before)
    added = after.count(OURS) - before.count(OURS)
    assert after.count(end) - before.count(end) == added
    assert added in ((0, 1) if OURS not in before else (0,))
    assert (after == before) or OURS in after


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
        *library.glob("so*.py"),
        *library.glob("[fipst]*lib.py"),
        *library.glob("asyncio/s*.py"),
    ]
    for path in names:
        target = tmp_path / "library" / path.relative_to(library)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    folder = tmp_path / "library"
    run(folder, "--in-place")
    pairs = [(path, folder / path.relative_to(library)) for path in names]
    changed = [new for old, new in pairs if old.read_bytes() != new.read_bytes()]
    assert len(changed) >= 5
    for path in changed:
        compile(path.read_bytes(), path, "exec")
    assert run(folder, "--diff").stdout == ""


@pytest.mark.parametrize(
    "head", ['"""d"""; import socket', "from __future__ import annotations; import socket"]
)
def test_the_import_on_a_line_with_its_use(head: str, tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text(f'{head}; s = socket.gethostbyname("localhost")\nprint(s)\n')
    assert CliRunner().invoke(main, ["rewrite", str(file), "--in-place"]).exit_code == 0
    assert f"{head}; import scaffold.inet; s = scaffold.inet.gethostbyname(" in file.read_text()
    subprocess.run([sys.executable, file], check=True, capture_output=True)
