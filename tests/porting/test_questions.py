"""What a human is asked: only where an answer changes something, and once in a function."""

import re
from pathlib import Path

import pytest

from scaffold_port.analyze import analyze
from scaffold_port.findings import Finding
from scaffold_port.questions import (
    ANNOUNCED,
    CHECKED,
    LOCAL,
    LOW_PORT,
    MASKED,
    RECEIVED,
    RECORD,
    SANDBOXED,
    elsewhere,
    without,
)
from scaffold_port.rules.option import REFUSED

ROOT = Path(__file__).parents[2]


def findings(tmp_path: Path, name: str, text: str) -> list[Finding]:
    (tmp_path / name).write_text(text)
    return analyze([tmp_path / name], jobs=1).findings


def asked(found: list[Finding]) -> list[str]:
    return [one.question for one in found if one.group == "decide"]


@pytest.mark.parametrize(
    ("question", "statements"),
    [
        (CHECKED, "struct in_addr a; return inet_pton(AF_INET, text, &a);"),
        (CHECKED, "struct sockaddr_in a; return inet_pton(AF_INET, text, &(a.sin_addr)) == 1;"),
        (CHECKED, "union { struct in_addr v4; } a; return inet_aton(text, &a.v4);"),
        ("", "struct sockaddr_in a; inet_aton(text, &a.sin_addr); go(&a);"),
        ("", "inet_aton(text, &peer->sin_addr);"),
        (RECEIVED, "recv(fd, text, 9, 0); inet_aton(text, out);"),
        (RECORD, "inet_ntop(AF_INET, data + 2, text, 99);"),
        (RECORD, "inet_ntop(AF_INET, rr->rdata, text, 99);"),
        ("", "log_debug(inet_ntop(AF_INET, rr->rdata, text, 99));"),
        (RECORD, "printf(inet_ntop(AF_INET, rr->rdata, text, 99));"),
        ("", "getnameinfo((struct sockaddr *)&found[i], n, text, 99, 0, 0, 0);"),
        (CHECKED, "return inet_addr(text) != INADDR_NONE;"),
        (CHECKED, "return (in_addr_t)-1 == inet_addr(text);"),
        (CHECKED, "return (inet_addr(text)) != 0xFFFFffffUL;"),
        ("", "return inet_addr(text) == other;"),
        ("", "address = inet_addr(text);"),
        (RECORD, "unsigned char ip[4]; inet_ntop(AF_INET, ip, text, 99);"),
        (RECORD, "struct in_addr a; memcpy(&a, data, 4); puts(inet_ntoa(a));"),
        (RECORD, "inet_ntop(AF_INET6, hdr.v2.ip6.src_addr, text, 99);"),
        (RECORD, "unsigned char bytes[16]; inet_pton(AF_INET6, text, bytes); f(bytes);"),
        ("", "char b[4]; inet_pton(AF_INET, text, b); memcpy(&peer->sin_addr, b, 4);"),
        (ANNOUNCED, "memcpy(req->data, &peer->sin_addr, 4);"),
        (ANNOUNCED, 'const char *mode = "PORT"; getsockname(fd, peer, &n); f(mode);'),
        ("", "memcpy(&address, &peer->sin_addr, 4);"),
        ("", "inet_ntop(AF_INET, &peer->sin_addr, text, 99);"),
        ("", "inet_ntop(AF_INET, &peer->sin6_addr.s6_addr[12], text, 99);"),
        ("", "struct in_addr a; memcpy(&a, &peer->sin_addr, 4); puts(inet_ntoa(a));"),
        ("", "inet_ntop(AF_INET, host->h_addr_list[i], text, 99);"),
        ("", "struct in_addr a = peer->sin_addr; inet_ntop(AF_INET, &a, text, 99);"),
        (ANNOUNCED, 'inet_ntop(AF_INET, &peer->sin_addr, text, 99); f("PROXY TCP4 %s", text);'),
        (ANNOUNCED, 'f("X-Forwarded-For: %s", inet_ntoa(peer->sin_addr));'),
        ("", 'f("Received %d bytes from %s", n, inet_ntoa(peer->sin_addr));'),
        (ANNOUNCED, 'sscanf(s, "%u,%u,%u,%u,%u,%u", &a, &b); peer->sin_addr.s_addr = a;'),
        (ANNOUNCED, 'getsockname(fd, peer, &n); f("(%d,%d,%d,%d,%d,%d)", a[0], a[1]);'),
        (MASKED, "return (peer->sin_addr.s_addr & mask) == net;"),
        (MASKED, "return (ntohl(peer->sin_addr.s_addr) & list->mask) == net;"),
        (MASKED, "return (ip & mask) == ntohl(peer->sin_addr.s_addr);"),
        (LOCAL, "return (peer->sin_addr.s_addr & htonl(0xff000000)) == htonl(0x7f000000);"),
        (LOCAL, "return (ntohl(peer->sin_addr.s_addr) & 0xfff00000) == 0xac100000;"),
        ("", "return (peer->sin_addr.s_addr & htonl(0xf0000000)) == htonl(0xe0000000);"),
        ("", "return (ntohl(peer->sin_addr.s_addr) & 0xff) == 0xff;"),
        ("", "return peer->sin_addr.s_addr == INADDR_ANY;"),
        ("", "f(US &peer->sin_addr.s_addr)[0];"),
        (LOW_PORT, "return ntohs(peer->sin_port) < IPPORT_RESERVED;"),
        (LOW_PORT, "return ntohs(peer->sin_port) >= 1024;"),
        ("", "return peer->sin_port == htons(53);"),
        (elsewhere("`rresvport` is of libc alone"), "return rresvport(&port);"),
        (elsewhere("`getaddrinfo_a` is of libc alone"), "getaddrinfo_a(0, list, 1, 0);"),
        (without("SO_BINDTODEVICE"), "setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, 9);"),
        ("", "fd = socket(PF_PACKET, SOCK_RAW, 0); "
         "setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &f, 9);"),
        ("", "if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, 4)) fail();"),
        ("", "hints.ai_family = AF_UNSPEC; setsockopt(fd, 41, IPV6_V6ONLY, &on, 4);"),
        ("", "struct sockaddr_in *in = (struct sockaddr_in *)address; size = sizeof *in;"),
    ],
)  # fmt: skip
def test_a_question(question: str, statements: str, tmp_path: Path) -> None:
    found = findings(tmp_path, "a.c", f"int f(int fd, char *text) {{ {statements} }}\n")
    assert asked(found) == [question] * bool(question)


_IMPORTS = """
import asyncio, http.client, os, psycopg2, socket, socketserver, struct, sys, trio, urllib.request
import uvloop, zmq
from logging.handlers import SysLogHandler
from multiprocessing.managers import BaseManager
from python_socks.sync import Proxy
from urllib.request import Request
from wsgiref.simple_server import make_server
URL = 'https://example.org/'
"""


@pytest.mark.parametrize(
    ("question", "statement"),
    [
        ("`urlopen` opens a connection of its own", "urllib.request.urlopen(x)"),
        ("`urlopen` opens a connection of its own", "urllib.request.urlopen('http://a.scaffold')"),
        ("", "urllib.request.urlopen('https://example.org/list')"),
        ("", "if getattr(socket, 'fromfd', None) is not None: pass"),
        ("", "real = socket.fromfd; socket.fromfd = x"),
        ("", "await loop.create_connection(f, h, 1)"),
        ("", "await asyncio.get_running_loop().getaddrinfo(h, 1)"),
        ("`getaddrinfo` may be an event loop's", "await self.reactor.getaddrinfo(h, 1)"),
        ("`create_datagram_endpoint` may be", "await x.create_datagram_endpoint(f, h)"),
        ("", "await x.create_datagram_endpoint(f, sock=s)"),
        ("`gethostbyaddr` resolves by itself", "socket.gethostbyaddr(x)"),
        ("", "try: y = socket.gethostbyaddr(x)\n    except OSError: y = x"),
        ("", "urllib.request.urlopen(URL)"),
        ("", "cast(socket.socket, x)"),
        ("", "socket.inet_aton('255.255.255.255')"),
        (RECORD, "y = socket.inet_ntoa(struct.pack('!I', x))"),
        ("`open_tcp_stream` opens a connection of its own", "await trio.open_tcp_stream(x, 1)"),
        ("", "x.setsockopt(1, 2, 3); x.getpeername(); socket.AF_UNSPEC; socket.htons(1)"),
        ("", "def g(a: socket.socket, *b: list[socket.socket | None]): pass"),
        ("", "Connect = Callable[[str], socket.socket]"),
        ("", "c = Instance(zmq.Context)"),
        ("", "if socket.socket is y.socket: pass"),
        ("`socket.socket` is meant as a class", "return type(x) is socket.socket"),
        ("", "return socket and x"),
        ("", "inject(('socket', socket))"),
        ("", "socket.IPV6_V6ONLY = 26"),
        ("", "socketserver.TCPServer.allow_reuse_address = True"),
        ("", "socketserver.TCPServer.__init__(self, x)"),
        ("`TCPServer` makes a socket", "class A(socketserver.TCPServer): pass"),
        ("`HTTPConnection` opens", "class A(http.client.HTTPConnection): pass"),
        ("", "class A(http.client.HTTPConnection):\n        def connect(self): pass"),
        (
            "",
            "class A(http.client.HTTPConnection):\n        def connect(self):\n"
            "            self.x.connect(self.path)",
        ),
        (
            "`HTTPConnection` opens",
            "class A(http.client.HTTPConnection):\n        def connect(self): super().connect()",
        ),
        ("", "classImplements(socketserver.TCPServer, x)"),
        ("", "getattr(socketserver.TCPServer, x)"),
        ("", "log.info('%s', socket)"),
        ("", "Server.create_datagram_endpoint(x)"),
        ("`BaseManager` makes a socket", "BaseManager(address=('', 1))"),
        ("", "class A(BaseManager): pass"),
        ("", "urllib.request.urlopen(f'http://169.254.169.254/{x}')"),
        ("`urlopen` opens", "urllib.request.urlopen(f'http://{x}/')"),
        ("`urlopen` opens", "urllib.request.urlopen('http://%s/' % x)"),
        ("", "urllib.request.urlopen('https://a.org/%s' % x)"),
        ("", "urllib.request.urlopen('https://a.org/{}'.format(x))"),
        ("", "y = URL + 'a'; z = Request(y, headers={}); urllib.request.urlopen(z)"),
        ("", "y = URL; y += x; urllib.request.urlopen(y)"),
        ("`urlopen` opens", "for y in x: urllib.request.urlopen(y)"),
        ("`urlopen` opens", "x = x or URL; urllib.request.urlopen(x)"),
        ("`urlopen` opens", "y = x\n    if x: y = URL\n    urllib.request.urlopen(y)"),
        ("", "def g(y=URL): urllib.request.urlopen(y)"),
        ("`urlopen` opens", "def g(y='http://localhost/'): urllib.request.urlopen(y)"),
        ("`make_server` makes", "make_server('0.0.0.0', 80, x)"),
        ("", "make_server('127.0.0.1', 80, x)"),
        ("", "SysLogHandler(address='/dev/log')"),
        ("`getnameinfo` resolves by itself", "socket.getnameinfo(x, 0)"),
        ("", "socket.getnameinfo(x, socket.NI_NUMERICHOST)"),
        ("", "y = socket.gethostname(); socket.gethostbyname_ex(y)"),
        ("", "if sys.platform == 'win32':\n        urllib.request.urlopen(x)"),
        ("`urlopen` opens", "if sys.platform != 'win32':\n        urllib.request.urlopen(x)"),
        ("", "if os.name != 'nt': pass\n    else:\n        urllib.request.urlopen(x)"),
        (without("SO_BINDTODEVICE"), "x.setsockopt(1, socket.SO_BINDTODEVICE, b'lo')"),
        (without("IP_TRANSPARENT"), "try: x.setsockopt(0, IN.IP_TRANSPARENT, 1)\n    except E: 1"),
        ("", "y = socket.SOCK_RAW; x.setsockopt(1, socket.SO_BINDTODEVICE, b'lo')"),
        (ANNOUNCED, "y = x.getsockname(); x.send('227 Entering %s' % y)"),
        (ANNOUNCED, "def ftp_PASV(self): return self.sock.getsockname()"),
        ("", "def port(self): return self.sock.getsockname()[1]"),
        (ANNOUNCED, "x.send(f'PROXY TCP4 {x.getpeername()}')"),
        (MASKED, "mask = x[1]; return unpack('!I', socket.inet_aton(x[0]))[0] & mask"),
        (RECORD, "return pack('!B', 4) + socket.inet_aton(x)"),
        ("", "x.setsockopt(0, socket.IP_MULTICAST_IF, socket.inet_aton(y))"),
        ("", "return socket.inet_ntop(socket.AF_INET, dotted_mask)"),
        ("", "return socket.inet_ntop(socket.AF_INET, netlink[4:])"),
        ("", "return socket.inet_ntoa(fcntl.ioctl(x, 0x8915, y)[20:24])"),
        ("", "return pack('!B', 4) + socket.inet_aton('10.0.0.1')"),
        ("`Proxy` opens the connection to a proxy", "p = Proxy(x); await p.connect(h, 1)"),
        ("`Context` opens its connections in C", "s = zmq.Context().socket(1); s.connect(x)"),
        ("`connect` may be libzmq's", "self.sock.connect(x)"),
        ("`connect` opens its connections in C", "psycopg2.connect(x)"),
        ("`new_event_loop` makes loops of uvloop", "uvloop.new_event_loop()"),
        ("`from_stdlib_socket` is trio's", "trio.socket.from_stdlib_socket(x)"),
        ("`socket.socket` is meant as a class", "class A(socket.socket): pass"),
        ("`socket` is passed on", "g(module=socket)"),
        (CHECKED, "if not socket.inet_aton(x): pass"),
        ("", "socket.inet_pton(x.family, resolved_addr[0])"),
        (RECORD, "return socket.inet_ntop(socket.AF_INET, x[4:8])"),
        (RECORD, "data = bytes(x[16:]); return socket.inet_ntoa(data)"),
        (RECORD, "data, _ = s.recvfrom(4); return socket.inet_ntoa(data)"),
        ("", "return socket.inet_ntoa(socket.inet_aton(x[1:]))"),
        (RECORD, "return socket.inet_ntoa(x)"),
    ],
)
def test_a_question_about_python(question: str, statement: str, tmp_path: Path) -> None:
    text = f"{_IMPORTS}async def f(x):\n    {statement}\n"
    found = asked(findings(tmp_path, "a.py", text))
    assert len(found) == bool(question)
    assert all(one.startswith(question) for one in found)


def test_a_file_is_asked_once_about_a_library(tmp_path: Path) -> None:
    """But about addresses in each function."""
    text = (
        "import http.client, socket, urllib.request\n"
        "def f(h): return http.client.HTTPConnection(h)\n"
        "def g(h): return http.client.HTTPSConnection(h)\n"
        "def h(u): return urllib.request.urlopen(u), socket.inet_ntoa(u)\n"
        "def i(u): return urllib.request.urlopen(u), socket.inet_ntoa(u)\n"
    )
    found = findings(tmp_path, "a.py", text)
    assert [one.line for one in found if one.question] == [2, 4, 4, 5]
    assert [one.left for one in found if one.left] == [
        "the question of line 2",
        "the question of line 4",
    ]


def test_what_other_systems_have_in_place_of_a_function(tmp_path: Path) -> None:
    for text in (
        "try:\n    from socket import inet_pton\nexcept ImportError:\n"
        "    def inet_pton(a, x): return socket.inet_aton(x)\n",
        "if hasattr(socket, 'inet_pton'): pass\nelse:\n"
        "    def inet_pton(a, x): return socket.inet_aton(x)\n",
    ):
        assert asked(findings(tmp_path, "a.py", f"import socket\n{text}")) == []


def test_a_library_is_asked_about_once_in_a_file(tmp_path: Path) -> None:
    call = "{ return httpConnect2(host, 1, 0, AF_UNSPEC, 0, 1, 2, 0); }"
    found = findings(tmp_path, "a.c", f"int f(char *host) {call}\nint g(char *host) {call}\n")
    assert asked(found) == [elsewhere("libcups opens connections of its own")]
    assert [one.left for one in found if one.group == "context"] == ["the question of line 1"] * 3


def test_a_library_itself_is_not(tmp_path: Path) -> None:
    (tmp_path / "lib.c").write_text(
        "int redisConnect(char *host) { return connect(1, host, 2); }\n"
    )
    (tmp_path / "a.c").write_text("int f(void) { return redisConnect(host); }\n")
    assert {one.call for one in analyze([tmp_path], jobs=1).findings} == {"connect"}


def test_a_package_is_not_asked_about_itself(tmp_path: Path) -> None:
    text = "import zmq\n\n\ndef f():\n    return zmq.Context()\n"
    for folder in ("zmq", "program/zmq"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.py").write_text(text)
    (tmp_path / "zmq/__init__.py").touch()
    found = {one.path: one.left for one in analyze([tmp_path], jobs=1).findings}
    assert found == {f"{tmp_path}/program/zmq/a.py": "", f"{tmp_path}/zmq/a.py": "zmq itself"}


def test_a_library_has_classes_and_methods(tmp_path: Path) -> None:
    qt, asio = (
        elsewhere(f"{one} opens connections of its own") for one in ("Qt Network", "Boost.Asio")
    )
    makes = "void f() { auto *s = new QTcpServer(this); a.async_accept(b, c); }\n"
    assert asked(findings(tmp_path, "a.cc", f"class QTcpServer;\n{makes}")) == [qt, asio]
    (tmp_path / "b.cc").write_text(makes.replace("QTcpServer", "QUdpSocket"))
    (tmp_path / "b.hh").write_text("class QUdpSocket { int made_here; };\n")
    found = analyze([tmp_path / "b.cc", tmp_path / "b.hh"], jobs=1).findings
    assert asked(found) == [asio]


def test_what_bison_made_is_asked_about_in_its_grammar(tmp_path: Path) -> None:
    asks = "int f(void) { return inet_addr(text) != INADDR_NONE; }\n"
    (tmp_path / "a.y").write_text(f"%%\n%%\n{asks}")
    (tmp_path / "a.c").write_text(f'#line 3 "src/a.y"\n{asks}')
    (tmp_path / "b.c").write_text(f'#line 3 "src/b.y"\n{asks}')
    found = [one for one in analyze([tmp_path], jobs=1).findings if one.call == "inet_addr"]
    lefts = {Path(one.path).name: one.left for one in found}
    assert lefts == {"a.c": "made from a.y", "a.y": "", "b.c": ""}


def test_a_sandbox_is_asked_once_in_a_file(tmp_path: Path) -> None:
    """Its names are those of system calls, and stay."""
    allow = "seccomp_rule_add(c, ALLOW, SCMP_SYS({}), 0);"
    text = (
        f"void f(void) {{ {allow.format('connect')} }}\nvoid g(void) {{ {allow.format('bind')} }}\n"
    )
    found = findings(tmp_path, "a.c", text)
    assert [(one.question, one.left) for one in found] == [
        (SANDBOXED, ""),
        ("", "the question of line 1"),
    ]
    assert not any(one.rewritten for one in found)


def test_what_stands_for_a_resolver_has_no_record(tmp_path: Path) -> None:
    body = "(char *text, unsigned char *to) { inet_pton(AF_INET6, text, to); }\n"
    assert asked(findings(tmp_path, "a.c", f"void hostent_match{body}")) == []
    assert asked(findings(tmp_path, "a.c", f"void f{body}")) == [RECORD]


def test_a_function_is_asked_once(tmp_path: Path) -> None:
    check = "struct in6_addr a; inet_pton(AF_INET6, t, &a); inet_pton(AF_INET, t, &a);"
    text = f"int f(char *t)\n{{\n {check} }}\nint g(char *t) {{ {check} }}\n"
    found = findings(tmp_path, "a.c", text)
    assert asked(found) == [CHECKED, CHECKED]
    assert [one.left for one in found if one.group == "context"] == [
        "the question of line 3",
        "the question of line 4",
    ]


def test_what_was_asked_is_renamed_all_the_same(tmp_path: Path) -> None:
    """A socket with a refused option goes to libscaffold, which says so: each time, though one
    question is enough."""
    call = "setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, 0, 0)"
    found = findings(tmp_path, "a.c", f"int f(int s) {{ return {call} | {call}; }}\n")
    assert [one.group for one in found] == ["decide", "automatic"]
    assert all(one.rewritten for one in found)


def test_what_is_beside_a_program_is_not_asked(tmp_path: Path) -> None:
    """It is rewritten all the same."""
    text = "int f(int *p) { listen(*p, 1); return rresvport(p); }\n"
    for folder in ("docs", "examples", ".github"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.c").write_text(text)
    found = analyze([tmp_path], jobs=1).findings
    assert [one.group for one in found] == ["automatic", "context"] * 3


@pytest.mark.parametrize(
    ("path", "questions"),
    [
        ("setup.py", 0),
        ("tools/a.py", 0),
        ("contrib/b/a.py", 0),
        ("a/generate_names.py", 0),
        ("a/testing.py", 0),
        ("a/win_names.py", 0),
        ("conftest.py", 0),
        ("benchmarks/a.py", 0),
        ("a/waflib/extras/a.py", 0),
        ("a/tools/main.py", 1),
        ("a/setup/a.py", 1),
    ],
)
def test_what_the_makers_of_a_program_run(path: str, questions: int, tmp_path: Path) -> None:
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text("import urllib.request\nurllib.request.urlopen(x)\n")
    assert len(asked(analyze([tmp_path], jobs=1).findings)) == questions


def test_a_function_that_the_parser_loses_is_one(tmp_path: Path) -> None:
    mask = "if ((a->s_addr & mask) == net)\n return 1;\n"
    text = f"int f(void)\n{{\n#if A\n if (b) {{\n#else\n if (c) {{\n#endif\n{mask}}}\n{mask}}}\n"
    assert asked(findings(tmp_path, "a.c", text)) == [MASKED]


def test_tests_of_a_program_are_not_asked(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/a.c").write_text("int f(int *p) { return rresvport(p); }\n")
    [finding] = analyze([tmp_path], jobs=1).findings
    assert (finding.group, finding.confidence, finding.lines) == ("context", "low", 0)


def test_an_option_of_packets_is_not_asked(tmp_path: Path) -> None:
    call = "setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, 0, 0)"
    text = f"int f(int s) {{ return {call}; }}\n"
    assert asked(findings(tmp_path, "a.c", f"{text}int g(void) {{ return h(AF_PACKET); }}\n")) == []
    assert asked(findings(tmp_path, "a.c", text)) == [without("SO_BINDTODEVICE")]


def test_what_is_asked_about_options_is_so() -> None:
    """libscaffold's table has them among those that no service's socket has."""
    table = (ROOT / "libscaffold/client/options/table.c").read_text()
    _, _, others = table.partition("others[] = {")
    for name in REFUSED:
        line = re.search(rf"^.*\b(?:NEW_)?{name}\b.*$", others, re.MULTILINE)
        assert line is not None, name
        assert "REFUSED" in line[0] or "UNREADABLE" in line[0], line[0]


def test_what_is_to_be_read_first_comes_first(tmp_path: Path) -> None:
    text = "int f(int s) { listen(s, 1); return AF_UNSPEC; }\nint g(int *p) { rresvport(p); }\n"
    findings(tmp_path, "a.c", text)
    report = analyze([tmp_path], jobs=1)
    assert [one.group for one in report.ranked()] == ["decide", "automatic", "context"]
    assert [one.group for one in report.to_read()] == ["decide", "automatic"]
