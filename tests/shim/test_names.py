"""Names of services in libc's resolver functions, and only these."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scaffold.lab import Host

ASK = """
import ctypes, socket, struct
libc = ctypes.CDLL(None)
name = "Web.Demo.scaffold"
def text(call, *args):
    try:
        return call(*args)
    except OSError as error:
        return type(error).__name__, error.errno
"""


def ask(host: Host, expression: str, **options: Any) -> str:
    command = [sys.executable, "-c", f"{ASK}print({expression})"]
    done = host.run(command, timeout=20, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_both_families(shared_host: Host) -> None:
    infos = "[(i[0].name, i[1].name, i[4][1]) for i in socket.getaddrinfo(name, 80, {})]"
    assert ask(shared_host, infos.format("type=1")) == "[('AF_INET', 'SOCK_STREAM', 80)]"
    both = ask(shared_host, infos.format("10, 1"))
    assert both == "[('AF_INET6', 'SOCK_STREAM', 80)]"
    assert ask(shared_host, "socket.getaddrinfo(name, 80, 2, 1)[0][4][0][:6]") == "198.18"
    ula = ask(shared_host, "socket.getaddrinfo(name, 80, 10, 1)[0][4][0][:15]")
    assert ula == "fd53:4341:4646:"


def test_one_name_one_address(shared_host: Host) -> None:
    """Case and a final dot do not matter; another port does not either."""
    names = "(name, name.lower(), name.upper(), name + '.')"
    assert ask(shared_host, f"len({{socket.gethostbyname(n) for n in {names}}})") == "1"
    assert (
        ask(shared_host, "socket.gethostbyname('a.demo.scaffold') == socket.gethostbyname(name)")
        == "False"
    )


def test_service_names_of_ports(shared_host: Host) -> None:
    """As the machine's libc has them: all of them, or with no /etc/services none."""
    for port in ("https", "nosuchport", "443"):
        ours, libcs = (
            ask(shared_host, f"text(lambda: socket.getaddrinfo({host}, {port!r}, 2, 1)[0][4][1])")
            for host in ("name", "'127.0.0.1'")
        )
        assert ours == libcs
    answer = ask(shared_host, "text(socket.getaddrinfo, name, 'nosuchport')")
    assert answer == "('gaierror', -8)"


def test_canonical_name(shared_host: Host) -> None:
    answer = ask(shared_host, "socket.getaddrinfo(name, 1, 0, 1, 0, socket.AI_CANONNAME)[0][3]")
    assert answer == "web.demo.scaffold"


@pytest.mark.parametrize(
    "name", ["scaffold", "a.scaffold", "a_b.demo.scaffold", "-a.demo.scaffold"]
)
def test_malformed(shared_host: Host, name: str) -> None:
    assert ask(shared_host, f"text(socket.getaddrinfo, {name!r}, 1)") == "('gaierror', -2)"


def test_numeric_only(shared_host: Host) -> None:
    flags = "0, 1, 0, socket.AI_NUMERICHOST"
    assert ask(shared_host, f"text(socket.getaddrinfo, name, 1, {flags})") == "('gaierror', -2)"


def test_hostent_family(shared_host: Host) -> None:
    assert ask(shared_host, "socket.gethostbyname_ex(name)[0]") == "web.demo.scaffold"
    back = "socket.gethostbyaddr(socket.gethostbyname(name))"
    assert ask(shared_host, f"{back}[0]") == "web.demo.scaffold"
    assert ask(shared_host, f"{back}[2] == [socket.gethostbyname(name)]") == "True"
    plain = "libc.gethostbyname2(name.encode(), 10) != 0"
    assert ask(shared_host, plain) == "True"


def test_getnameinfo(shared_host: Host) -> None:
    address = "(socket.gethostbyname(name), 80)"
    port = ask(shared_host, "socket.getnameinfo(('127.0.0.1', 80), 0)[1]")
    assert port in ("http", "80")  # without an /etc/services
    named = ask(shared_host, f"socket.getnameinfo({address}, 0)")
    assert named == f"('web.demo.scaffold', '{port}')"
    numeric = "socket.NI_NUMERICHOST | socket.NI_NUMERICSERV"
    assert ask(shared_host, f"socket.getnameinfo({address}, {numeric})[0][:6]") == "198.18"
    v6 = "socket.getaddrinfo(name, 80, 10, 1)[0][4]"
    assert ask(shared_host, f"socket.getnameinfo({v6}, 0)[0]") == "web.demo.scaffold"


def test_other_names_are_libcs(shared_host: Host) -> None:
    assert ask(shared_host, "socket.gethostbyname('127.0.0.1')") == "127.0.0.1"
    assert ask(shared_host, "socket.getaddrinfo('::1', 5, 0, 1)[0][4][:2]") == "('::1', 5)"


def test_without_scaffoldd(host: Host) -> None:
    host.kill_scaffoldd()
    assert ask(host, "text(socket.getaddrinfo, name, 1)") == "('gaierror', -3)"
    assert ask(host, "socket.gethostbyname('127.0.0.1')") == "127.0.0.1"


def test_many_at_once(shared_host: Host, tmp_path: Path) -> None:
    """getaddrinfo_a, and whatever says that a request is done."""
    program = tmp_path / "lookups"
    source = Path(__file__).with_name("lookups.c")
    libraries = ["-pthread", "-lanl"]
    subprocess.run(["cc", "-Wall", "-o", program, source, *libraries], check=True, timeout=60)
    done = shared_host.run([program, "web.demo.scaffold"], timeout=20)
    found = "0=198.18. 0=127.0.0 -2 -8"
    assert done.stdout.splitlines() == [
        f"waited 0: {found}",
        f"thread 0: {found}",
        "signal 1 8, cancel 1",
        "signal 0: 0=198.18. 0 0 0",
        "told 7, mode 1",
    ], done
