"""What of Python's standard library meets a network is found, or listed as not analysed."""

import importlib
import subprocess
import sys
import warnings
from pathlib import Path
from time import process_time

import pytest

import scaffold.inet
from scaffold_port.analyze import analyze
from scaffold_port.findings import Finding, Report
from scaffold_port.py.page import page
from scaffold_port.py.standard import EARLIER, LIBRARY, METHODS, MODULES, OTHERS


def report(tmp_path: Path, text: str) -> Report:
    (tmp_path / "a.py").write_text(text)
    return analyze([tmp_path / "a.py"], jobs=1)


def found(tmp_path: Path, text: str) -> list[Finding]:
    seen = report(tmp_path, text)
    assert seen.not_analysed == []
    return seen.findings


def calls(tmp_path: Path, text: str) -> list[str]:
    return [one.call for one in found(tmp_path, text)]


# --- found, or not analysed -----------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(LIBRARY.keys() - {"os.fork", "errno.EINPROGRESS"}))
def test_every_name_however_it_is_imported(name: str, tmp_path: Path) -> None:
    module, _, last = name.rpartition(".")
    for text in (
        f"import {module}\n{name}()",
        f"def f():\n    import {module} as m\n    return m.{last}",
        f"try:\n    from {module} import {last} as x\nexcept ImportError: pass\nelse: x()",
        f"from {module} import *\n{last}()",
        f"import importlib\nm = importlib.import_module('{module}')\nm.{last}()",
        f"import importlib, sys\nsys.modules['{module}'].{last}",
        f"__import__('{module}').{name.partition('.')[2]}",
        f"import {module}\nclass A({name}): pass",
        f"import {module}\ngetattr({module}, '{last}')()",
    ):
        assert last in calls(tmp_path, text + "\n"), text


@pytest.mark.parametrize(
    "text",
    [
        "def f(net=socket): pass",
        "def f(*, net: object = socket): pass",
        "f(socket)",
        "f(net=socket)",
        "self.net = socket",
        "class A:\n    net = socket",
        "f = lambda: socket",
        "def f():\n    return socket",
        "x = [socket]",
        "x = {'net': socket}",
        "x = gevent or socket",
        "getattr(socket, name)() if f(socket) else 1",
    ],
)
def test_the_module_as_a_value(text: str, tmp_path: Path) -> None:
    assert calls(tmp_path, f"import socket\n{text}\n") == ["socket"]


@pytest.mark.parametrize(
    "text",
    [
        "hasattr(socket, 'AF_UNIX')",
        "isinstance(x, socket.SocketType)",
        "mock.patch.object(socket, 'x')",
        "x = socket",
        "if socket is None: pass",
        "del socket",
    ],
)
def test_what_only_looks_at_the_module(text: str, tmp_path: Path) -> None:
    assert calls(tmp_path, f"import socket\n{text}\n") == []


def test_what_was_found_is_not_found_again(tmp_path: Path) -> None:
    text = "import socket\ndef f(family=socket.AF_UNSPEC, look=socket.getfqdn):\n    look(family)\n"
    assert calls(tmp_path, text) == ["AF_UNSPEC", "getfqdn"]


def test_what_is_called_through_a_value(tmp_path: Path) -> None:
    text = (
        "import socket\nclass A:\n    def __init__(self, net=socket):\n        self.net = net\n"
        "    def go(self):\n        m = self.net\n        s = m.socket()\n        s.connect(1)\n"
    )
    seen = found(tmp_path, text)
    assert [(one.line, one.call) for one in seen] == [(3, "socket"), (7, "socket"), (8, "connect")]
    assert not any(one.automatic for one in seen)


@pytest.mark.parametrize(
    "loop", ["loop", "self._loop", "asyncio.get_running_loop()", "l", "asyncio.new_event_loop()"]
)
def test_methods_of_event_loops(loop: str, tmp_path: Path) -> None:
    methods = sorted(name for name in METHODS if name.startswith(("sock_", "create_", "get")))
    used = "".join(f"    await {loop}.{method}(x)\n" for method in methods)
    text = f"import asyncio\nl = asyncio.get_event_loop()\nasync def f(x):\n{used}"
    assert calls(tmp_path, text) == methods


@pytest.mark.parametrize(
    "text",
    [
        "c, a = x.accept()",
        "(c, a) = self.x.accept()",
        "x.connect(('h', 1))",
        "x.bind(('h', 1, 0, 0))",
        "sock.listen(1)",
        "x.channel.gethostbyname(1)",
    ],
)
def test_what_can_only_be_a_sockets(text: str, tmp_path: Path) -> None:
    assert len(calls(tmp_path, f"import socket\n{text}\n")) == 1


@pytest.mark.parametrize(
    "text", ["c = x.accept()", "c, a = x.accept(1)", "x.connect('h')", "x.listen()"]
)
def test_what_may_be_anybodys(text: str, tmp_path: Path) -> None:
    assert calls(tmp_path, f"import socket\n{text}\n") == []


@pytest.mark.parametrize("run", ["exec", "eval"])
def test_code_in_texts_is_not_analysed(run: str, tmp_path: Path) -> None:
    seen = report(tmp_path, f'import re\n{run}("socket.socket()")\nre.compile("socket")\n')
    assert [(one.line, one.reason) for one in seen.not_analysed] == [
        (2, f"the text that `{run}` is given speaks of sockets")
    ]


@pytest.mark.parametrize("line", ["x = (", "def f(:", "x = 'a", "0 0", "class", "f'{'", "print 1"])
def test_what_is_not_python_is_not_analysed(line: str, tmp_path: Path) -> None:
    seen = report(tmp_path, f"import socket\n{line}\nsocket.socket()\n")
    assert seen.findings == []
    assert [one.reason.split(":")[0] for one in seen.not_analysed] == [
        "not Python 3" if "print" in line else "not Python"
    ]
    assert seen.not_analysed[0].line >= 1


# --- what a name stands for -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("s = socket.socket()\ns.connect(1)", True),
        ("with socket.socket() as s:\n    s.connect(1)", True),
        ("(s := socket.socket()).connect(1)", True),
        ("s = None\ns = socket.socket()\ns.connect(1)", True),
        ("s, x = socket.socket(), 1\ns.connect(1)", True),
        ("s = t = socket.socket()\nt.connect(1)", True),
        ("class A:\n    def f(self):\n        self.s = socket.socket()\n"
         "    def g(self):\n        self.s.connect(1)", True),
        ("S = socket.socket\ns = S()\ns.connect(1)", True),
        ("dial = socket.create_connection\ns = dial(1)\ns.connect(1)", True),
        ("dial = getattr(socket, 'create_connection')\ns = dial(1)\ns.connect(1)", False),
        ("s = __import__('socket').socket()\ns.connect(1)", False),
        ("s = socket.socket()\ns = make()\ns.connect(('h', 1))", False),
        ("s = socket.socket()\nif 1: s = make()\ns.connect(1)", False),
        ("s = socket.socket()\nfor s in pool: s.connect(1)", False),
        ("while 1:\n    s = socket.socket()\n    s.connect(1)\n    s = make()", False),
        ("def f():\n    s = socket.socket()\ndef g(s):\n    s.connect(('h', 1))", False),
        ("class A:\n    def f(self):\n        self.s = socket.socket()\n"
         "    def g(self):\n        self.s = pool.take()\n        self.s.connect(1)", False),
        ("class A:\n    def f(self):\n        self.s = socket.socket()\n"
         "class B:\n    def g(self):\n        self.s.connect(('h', 1))", False),
    ],
)  # fmt: skip
def test_whose_socket_it_is(text: str, left: bool, tmp_path: Path) -> None:
    connect = next(
        one for one in found(tmp_path, f"import socket\n{text}\n") if one.call == "connect"
    )
    assert (connect.left == "the socket is scaffold.inet's") == left


@pytest.mark.parametrize("family", ["AF_UNIX", "AF_NETLINK", "AF_PACKET"])
def test_families_that_are_never_a_services(family: str, tmp_path: Path) -> None:
    for made in (
        f"socket.socket(socket.{family}, 1)",
        f"socket.socket(type=1, family=socket.{family})",
        f"socket.fromfd(1, socket.{family}, 1)",
    ):
        text = f"import socket\ns = {made}\ns.bind(1)\ns.accept()[0].sendmsg(1)\n"
        assert calls(tmp_path, text) == []
    text = f"import socket\nsocket.socket(socket.{family} if x else socket.AF_INET)\n"
    assert calls(tmp_path, text) == ["socket"]


# --- checks of addresses --------------------------------------------------------------------------

CHECKED = "an address is checked and not used: may that be a service's name?"
RECEIVED = "it was received from a peer: may that be a service's name?"
RECORD = "the bytes may be a record's and not a socket's address: is a service's name wanted here?"


@pytest.mark.parametrize("name", ["inet_pton", "inet_aton"])
@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("READ(line)", CHECKED),
        ("try:\n        READ(line)\n    except OSError: raise ValueError", CHECKED),
        ("ok = READ(line)", CHECKED),
        ("return bool(READ(line))", CHECKED),
        ("if not READ(line): return", CHECKED),
        ("return READ(line) == here", CHECKED),
        ("return READ(s.recv(9).decode())", RECEIVED),
        ("data, peer = s.recvfrom(9)\n    text = data.split()[1]\n    return READ(text)", RECEIVED),
        ("return READ(s.getpeername()[0])", RECEIVED),
        ("return READ(line)", RECORD),
        ("recv = s.recv(9)\n    return READ(line.recv)", RECORD),
        ("packed = READ(line)\n    return packed", RECORD),
        ("s.setsockopt(0, socket.IP_MULTICAST_IF, READ(line))", ""),
        ("packed = READ(line)\n    return socket.inet_ntop(2, packed)", ""),
        ("text = socket.inet_ntop(2, s.recv(4))\n    READ('::ffff:' + text)", ""),
    ],
)  # fmt: skip
def test_an_address_that_a_peer_sends(name: str, text: str, question: str, tmp_path: Path) -> None:
    body = text.replace("READ(", f"socket.{name}(" + "2, " * (name == "inet_pton"))
    seen = found(tmp_path, f"import socket\ndef f(line, s):\n    {body}\n")
    reader = next(one for one in seen if one.call == name)
    assert (reader.question, reader.automatic) == (question, not question)


# --- Python 2 -------------------------------------------------------------------------------------


def test_a_program_for_python_2_alone(tmp_path: Path) -> None:
    """Also where nothing but Python 2's name of a module says that it has to do with sockets."""
    seen = report(tmp_path, 'import httplib\nc = httplib.HTTPConnection("h")\nprint c\n')
    assert [one.reason for one in seen.not_analysed] == ["not Python 3"]


def test_a_program_for_both(tmp_path: Path) -> None:
    text = (
        "try:\n    import urllib2\nexcept ImportError:\n    import urllib.request as urllib2\n"
        "urllib2.urlopen(1)\n"
    )
    [seen] = found(tmp_path, text)
    assert (seen.line, seen.call, seen.automatic) == (5, "urlopen", False)


# --- the table ------------------------------------------------------------------------------------

_NEWER = {"http.server.HTTPSServer", "http.server.ThreadingHTTPSServer"}
"""Than the oldest Python that the project knows."""


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_table_is_of_this_world() -> None:
    """As long as Python has a module, it has the names; and scaffold.inet has those of `fix`."""
    earlier = {name for names in EARLIER.values() for name in names}
    for name, known in LIBRARY.items():
        module, _, last = name.rpartition(".")
        if module in earlier:
            continue
        try:
            with warnings.catch_warnings():
                assert hasattr(importlib.import_module(module), last) or name in _NEWER
        except ModuleNotFoundError:
            assert sys.version_info >= (3, 12) or name in OTHERS, name
        if known.fix:
            assert hasattr(scaffold.inet, known.fix.removeprefix("scaffold.inet."))


def test_each_library_is_told_what_holds_for_it() -> None:
    for name, known in LIBRARY.items():
        for library in ("gevent", "eventlet"):
            assert (f" {library}" in known.why) == name.startswith(f"{library}."), name


def test_the_page_is_up_to_date() -> None:
    """python -m scaffold_port.py.page docs/reference/python-library.md"""
    path = Path(__file__).parents[2] / "docs/reference/python-library.md"
    assert path.read_text() == page()


_NOT_LISTED = {
    "asyncio": "its functions and the methods of its loops are",
    "distutils": "a tool",
    "email.utils": "names its own host in a message's id",
    "multiprocessing.reduction": "carries descriptors over a socket of its own kind",
    "pydoc": "a tool",
    "uuid": "reads how long a name takes",
    "xml": "what a document refers to",
}
"""Modules of the standard library that use what the table has, and why they are not in it."""


def test_the_table_is_complete() -> None:
    """A module of the standard library that makes sockets, or uses one that does, is in it."""
    library = Path(subprocess.__file__).parent
    paths = [*library.glob("*.py"), *library.glob("*/*.py"), *library.glob("xml/*/*.py")]
    wanted = [path for path in paths if not _NO_PART & {*path.relative_to(library).parts}]
    for one in analyze(wanted, jobs=1).findings:
        path = Path(one.path).relative_to(library).with_suffix("")
        module = ".".join(path.parts).removesuffix(".__init__")
        if one.rule in ("socket-family", "connection-call", "resolver-call"):
            listed = any(f"{module}.".startswith(f"{known}.") for known in _NOT_LISTED)
            assert module in MODULES or listed, one


_NO_PART = {"test", "idlelib", "lib2to3", "site-packages", "ensurepip", "turtledemo"}


# --- time -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "s = socket.socket()\n",
        "s = s.socket\n",
        "def f(s=socket): return s\n",
        "x = socket.inet_aton(s)\n",
        "for s in s: s.connect(1)\n",
        "class A: s = socket.socket; s()\n",
        "a.b = a.b.c\n",
        "x = [s for s in s if s]\n",
    ],
)
def test_time_grows_with_the_file(line: str, tmp_path: Path) -> None:
    def cost(lines: int) -> float:
        start = process_time()
        report(tmp_path, "import socket\n" + line * lines)
        return process_time() - start

    assert cost(2000) < 24 * min(cost(250) for _ in range(3)) + 0.3


@pytest.mark.parametrize(
    "text", ["s" + ".a()" * 3000, "s = 1" + " or s" * 3000, "x = 1" + " + s" * 3000,
             "s = t\nt = s\n" * 1000]
)  # fmt: skip
def test_long_chains(text: str, tmp_path: Path) -> None:
    assert calls(tmp_path, f"import socket as s\n{text}\ns.getfqdn()\n")
