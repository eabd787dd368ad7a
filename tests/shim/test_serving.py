"""Which sockets become services, and under which name and port."""

import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

import pytest

from scaffold.lab import Host

SERVE = """
import socket, sys
for port in map(int, sys.argv[1:]):
    s = socket.create_server(("", port))
    globals()[f"keep{port}"] = s
    print(s.getsockname()[1], flush=True)
import threading
def run(s):
    while True:
        c, _ = s.accept()
        c.sendall(b"%d" % s.getsockname()[1]); c.close()
for key, s in list(globals().items()):
    if key.startswith("keep"):
        threading.Thread(target=run, args=(s,)).start()
"""
ASK = """
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
print(s.recv(100).decode())
"""


def serve(host: Host, ports: Sequence[int], **options: Any) -> list[int]:
    """A program that listens on these ports; returns those that it sees."""
    command = [sys.executable, "-c", SERVE, *map(str, ports)]
    process = host.popen(command, stdout=subprocess.PIPE, text=True, **options)
    assert process.stdout is not None
    return [int(process.stdout.readline()) for _ in ports]


def ask(host: Host, name: str, port: int) -> str:
    """What the service answers, or the last line of the failure."""
    done = host.run([sys.executable, "-c", ASK, name, str(port)], timeout=20)
    return (done.stdout or done.stderr).strip().splitlines()[-1]


def free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as s:
        port: int = s.getsockname()[1]
    return port


def test_every_port_of_a_service(host: Host) -> None:
    a, b = free_port(), free_port()
    assert serve(host, [a, b], service="web.demo.scaffold") == [a, b]
    assert ask(host, "web.demo.scaffold", a) == str(a)
    assert ask(host, "web.demo.scaffold", b) == str(b)
    assert "Connection refused" in ask(host, "127.0.0.1", a)


def test_port_of_scaffoldds_choice(host: Host) -> None:
    [port] = serve(host, [0], service="web.demo.scaffold")
    assert ask(host, "web.demo.scaffold", port) == str(port)


def test_one_port_alone(host: Host) -> None:
    a, b = free_port(), free_port()
    serve(host, [a, b], env={"SCAFFOLD_SERVICE": f"web.demo.scaffold:{a}"})
    assert ask(host, "web.demo.scaffold", a) == str(a)
    assert "Connection refused" in ask(host, "web.demo.scaffold", b)
    assert ask(host, "127.0.0.1", b) == str(b)


def test_two_services(host: Host) -> None:
    a, b = free_port(), free_port()
    value = f"web.demo.scaffold:{a},db.demo.scaffold:{b}/tcp"
    serve(host, [a, b], env={"SCAFFOLD_SERVICE": value})
    assert ask(host, "web.demo.scaffold", a) == str(a)
    assert ask(host, "db.demo.scaffold", b) == str(b)
    assert "Connection refused" in ask(host, "db.demo.scaffold", a)


def test_published_port(host: Host) -> None:
    """The service's port needs no privilege, and the program sees its own."""
    port = free_port()
    assert serve(host, [port], service="web.demo.scaffold", publish=[f"80:{port}"]) == [port]
    assert ask(host, "web.demo.scaffold", 80) == str(port)


def test_loopback_stays_plain(host: Host) -> None:
    code = (
        "import socket\n"
        "s = socket.create_server(('127.0.0.1', 0))\n"
        "c = socket.create_connection(s.getsockname())\n"
        "with open('/proc/net/tcp') as f: print(('%04X' % s.getsockname()[1]) in f.read())\n"
    )
    done = host.run([sys.executable, "-c", code], service="web.demo.scaffold")
    assert done.stdout == "True\n", done.stderr


def test_bound_socket_that_connects_by_ip(host: Host) -> None:
    """What bind reserved is given up when the socket turns out to be a client of plain IP (A11)."""
    code = (
        "import socket, sys\n"
        "s = socket.create_server(('127.0.0.1', 0))\n"
        "c = socket.socket(); c.setsockopt(6, 1, 1); c.settimeout(5); c.bind(('', 0))\n"
        "c.connect(s.getsockname()); a, peer = s.accept()\n"
        "print(peer == c.getsockname(), c.getsockopt(6, 1) != 0)\n"
        "with open('/proc/net/tcp') as f: print(('%04X' % c.getsockname()[1]) in f.read())\n"
    )
    done = host.run([sys.executable, "-c", code], service="web.demo.scaffold")
    assert done.stdout == "True True\nTrue\n", done.stderr


# What scaffoldd has chosen may be somebody else's of this machine already.
TAKEN = """
import os, re, socket, sys
def choose():
    c = socket.socket(); c.bind(('', 0))
    inode = re.search(r'\\d+', os.readlink(f'/proc/self/fd/{c.fileno()}')).group()
    with open('/proc/net/unix') as f: [name] = [l.split()[7] for l in f if l.split()[6] == inode]
    return c, int(re.search(r':([0-9a-f]{4})[.]', name).group(1), 16)
taken = None
while not taken:
    c, port = choose()
    try: taken = socket.create_server(('127.0.0.1', port))
    except OSError: pass
if sys.argv[1] == 'told': assert c.getsockname()[1] == port
other = socket.create_server(('127.0.0.1', 0))
c.connect(other.getsockname())
print(c.getsockname()[1] != port)
"""


def test_chosen_port_that_plain_ip_has_given_away(host: Host) -> None:
    """The kernel chooses again, as long as the program knows no port."""
    done = host.run([sys.executable, "-c", TAKEN, "untold"], service="web.demo.scaffold")
    assert done.stdout == "True\n", done.stderr
    done = host.run([sys.executable, "-c", TAKEN, "told"], service="web.demo.scaffold")
    assert "Address already in use" in done.stderr


def test_second_server_is_refused(host: Host) -> None:
    port = free_port()
    serve(host, [port], service="web.demo.scaffold")
    done = host.run([sys.executable, "-c", SERVE, str(port)], service="web.demo.scaffold")
    assert "Address already in use" in done.stderr


def test_the_end_of_a_server_is_seen(host: Host) -> None:
    port = free_port()
    command = [sys.executable, "-c", SERVE, str(port)]
    process = host.popen(command, service="web.demo.scaffold", stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    assert ask(host, "web.demo.scaffold", port) == str(port)
    process.kill()
    process.wait()
    before = time.monotonic()
    assert "Connection refused" in ask(host, "web.demo.scaffold", port)
    assert time.monotonic() - before < 3


def test_close_frees_the_port_at_once(host: Host) -> None:
    code = (
        "import socket\n"
        "for _ in range(20):\n"
        "    s = socket.socket(); s.bind(('127.0.0.1', 31999)); s.listen(); s.close()\n"
        "print('done')\n"
    )
    done = host.run([sys.executable, "-c", code], all_local=True)
    assert done.stdout == "done\n", done.stderr


@pytest.mark.usefixtures("root_only")
def test_a_stranger_is_not_scaffoldd(host: Host) -> None:
    """Another user squats the control name: nobody talks to it."""
    host.kill_scaffoldd()
    (host.runtime_dir / "ctl").unlink()
    squatter = """
import os, socket, sys
os.setuid(65534)
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind(chr(0) + sys.argv[1]); s.listen(); print("ready", flush=True)
c, _ = s.accept(); print(len(c.recv(10000)), flush=True)
"""
    host.runtime_dir.chmod(0o755)
    name = f"scaffold/0/{instance(str(host.runtime_dir)):08x}/ctl"
    process = host.popen(
        [sys.executable, "-c", squatter, name], shim=False, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    done = host.run([sys.executable, "-c", ASK, "198.18.0.9", "80"])
    assert "Network is down" in done.stderr
    assert "no scaffoldd answers" in done.stderr
    assert process.stdout.readline() == "0\n"


def instance(text: str) -> int:
    """As sc_instance_of: FNV-1a, folded."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return (value ^ value >> 32) & 0xFFFFFFFF


@pytest.mark.parametrize("kind", ["SOCK_STREAM", "SOCK_DGRAM"])
def test_a_service_by_its_ipv6_address(host: Host, kind: str) -> None:
    """As a program finds it that asks getaddrinfo for a socket of AF_INET6."""
    code = (
        "import socket\n"
        "def ask(family):\n"
        f"    return socket.getaddrinfo('web.demo.scaffold', 4000, family, socket.{kind})[0]\n"
        f"s = socket.socket(socket.AF_INET6, socket.{kind})\n"
        "s.bind(ask(socket.AF_INET6)[4])\n"
        f"if socket.{kind} == socket.SOCK_STREAM: s.listen()\n"
        "for family in (socket.AF_INET6, socket.AF_INET):\n"
        f"    c = socket.socket(family, socket.{kind}); c.connect(ask(family)[4]); c.send(b'x')\n"
        f"    t = s.accept()[0] if socket.{kind} == socket.SOCK_STREAM else s\n"
        "    print(t.recv(9), c.getpeername() == ask(family)[4])\n"
        "print(s.getsockname())"
    )
    done = host.run([sys.executable, "-c", code], timeout=20)
    assert done.stdout.splitlines()[:2] == ["b'x' True"] * 2, done.stderr
    assert done.stdout.splitlines()[2].startswith("('::ffff:198.18.")  # of the same service


def test_both_families_are_one_instance(host: Host) -> None:
    """Of one process; another one's is EADDRINUSE; and each of the two goes on alone."""
    code = (
        "import socket\n"
        "four, six = socket.socket(), socket.socket(socket.AF_INET6)\n"
        "six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)\n"
        "four.bind(('', 4000)); four.listen(); six.bind(('::', 4000)); six.listen()\n"
        "print('ready', flush=True); input(); four.close(); print('closed', flush=True)\n"
        "c, _ = six.accept(); c.sendall(b'six'); c.close(); input()"
    )
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", code]
    process = host.popen(command, service="web.demo.scaffold", stdin=pipe, stdout=pipe, text=True)
    assert process.stdin is not None and process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    (service,) = host.status()["services"]
    assert len(service["instances"]) == 1
    other = "import socket; s = socket.create_server(('::', 4000), family=socket.AF_INET6)"
    done = host.run([sys.executable, "-c", other], service="web.demo.scaffold", timeout=20)
    assert "Address already in use" in done.stderr
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == "closed\n"
    assert ask(host, "web.demo.scaffold", 4000) == "six"
    (service,) = host.status()["services"]
    assert len(service["instances"]) == 1
