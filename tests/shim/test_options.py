"""Options set before a socket becomes a service's, and after: one answer for both."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scaffold import explain, paths
from scaffold.lab import Host

# Every option that this kernel takes on a fresh socket: what becomes of the socket, and what it
# says when it is a service's. Values are tried until one is taken.
EVERY_OPTION = r"""
import ctypes, errno, json, socket, struct, sys
family, type = map(int, sys.argv[1:])
host = "127.0.0.1" if family == socket.AF_INET else "::1"
code = (ctypes.c_ubyte * 8)(*struct.pack("HBBI", 6, 0, 0, 0xFFFF))
bpf = struct.pack("HxxxxxxP", 1, ctypes.addressof(code))
time, group = struct.pack("ll", 1, 0), socket.inet_aton("239.7.7.7") + socket.inet_aton("127.0.0.1")
key = struct.pack("!2sH4s", struct.pack("=H", socket.AF_INET), 0, b"\x7f\0\0\1") + bytes(120)
key += struct.pack("=BBHI", 0, 0, 3, 0) + bytes(4) + b"key" + bytes(77)
group6 = socket.inet_pton(socket.AF_INET6, "ff02::7777") + struct.pack("i", 1)
VALUES = [1, 2, b"lo\0", bpf, time, group, group6, key, 0, b"reno", bytes(8), bytes(16)]

def fresh():
    s = socket.socket(family, type)
    return s

def attempt(call, *args):
    try:
        call(*args)
    except OSError as error:
        return errno.errorcode[error.errno]
    return "ok"

server = fresh(); server.bind((host, 0))
if type == socket.SOCK_STREAM: server.listen(500)
found = []
ours = fresh(); ours.connect(server.getsockname())
for level in (socket.SOL_SOCKET, 6, 0, 41, 17):
    for name in range(128):
        for value in VALUES:
            with fresh() as plain:
                if attempt(plain.setsockopt, level, name, value) != "ok": continue
                used = attempt(plain.connect, server.getsockname())
            with fresh() as plain:
                plain.setsockopt(level, name, value)
                bound = attempt(plain.bind, (host, 0))
            with fresh() as later:
                later.connect(server.getsockname())
                after = attempt(later.setsockopt, level, name, value)
                found.append([level, name, used, bound, after])
            if type == socket.SOCK_STREAM:
                server.setblocking(False)
                try:
                    while True: server.accept()[0].close()
                except BlockingIOError: pass
            break
print(json.dumps(found))
"""

# IPV6_V6ONLY and TCP_FASTOPEN_CONNECT, which Linux itself takes no longer once a socket is bound
# or connected; SO_DEVMEM_DONTNEED, which gives back memory of a network card that nothing came
# through; IP_MULTICAST_IF, of which a value of another form may mean none.
TOO_LATE = {(41, 26), (6, 30), (1, 80), (0, 32)}


@pytest.mark.parametrize("family", [2, 10], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("type", [1, 2], ids=["stream", "datagram"])
def test_before_and_after_agree(shared_host: Host, family: int, type: int) -> None:
    command = [sys.executable, "-c", EVERY_OPTION, str(family), str(type)]
    done = shared_host.run(command, all_local=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) > 30
    wrong = [
        row
        for row in found
        if row[2] not in ("ok", "ENOTSUP")
        or row[3] != row[2]
        or ((row[4] == "ok") != (row[2] == "ok") and tuple(row[:2]) not in TOO_LATE)
    ]
    assert wrong == []
    assert any(row[2] == "ENOTSUP" for row in found)


def run(host: Host, code: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    return host.run([sys.executable, "-c", code], all_local=True, **options)


PREPARE = """
import errno, os, socket
s = socket.create_server(("127.0.0.1", 0)); c = socket.socket()
def told(s, to=s.getsockname()):
    return errno.errorcode.get(s.connect_ex(to), "ok")
"""


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("c.setsockopt(0, 19, 1); d = c.dup(); c.close(); print(told(d))", id="dup"),
        pytest.param("d = c.dup(); d.setsockopt(0, 19, 1); print(told(c))", id="by-duplicate"),
        pytest.param(
            "os.dup2(c.fileno(), 77); d = socket.socket(fileno=77)\n"
            "c.setsockopt(0, 6, 1); print(told(d))",
            id="dup2",
        ),
        pytest.param(
            "c.setsockopt(0, 19, 1)\nif os.fork() == 0: print(told(c), flush=True); os._exit(0)\n"
            "os.wait()",
            id="fork",
        ),
        pytest.param(
            "c.setsockopt(0, 19, 1); os.dup2(c.fileno(), 77)\n"
            "more = 'import socket, errno; c = socket.socket(fileno=77);'\n"
            "more += f'print(errno.errorcode[c.connect_ex({s.getsockname()})])'\n"
            "os.set_inheritable(77, True); import sys; os.execv(sys.executable, ['p', '-c', more])",
            id="exec",
        ),
    ],
)
def test_what_is_remembered_goes_along(shared_host: Host, code: str) -> None:
    done = run(shared_host, PREPARE + code)
    assert done.stdout == "ENOTSUP\n", done.stderr


def test_a_number_that_is_used_again(shared_host: Host) -> None:
    """What an earlier socket of the number was given is not this one's."""
    code = "c.setsockopt(0, 19, 1); n = c.fileno(); c.close(); c = socket.socket();"
    done = run(shared_host, PREPARE + code + "assert c.fileno() == n; print(told(c))")
    assert done.stdout == "ok\n", done.stderr


def test_a_value_that_ends_with_its_page(shared_host: Host) -> None:
    """Less than the length says, and enough for what is read first."""
    code = PREPARE + (
        "import ctypes, mmap\n"
        "libc = ctypes.CDLL(None, use_errno=True); told(c); m = mmap.mmap(-1, 2 * mmap.PAGESIZE)\n"
        "end = ctypes.addressof(ctypes.c_char.from_buffer(m)) + mmap.PAGESIZE\n"
        "assert libc.mprotect(ctypes.c_void_p(end), mmap.PAGESIZE, 0) == 0\n"
        "for level, name, fill in (6, 13, 65), (0, 19, 0):\n"
        "    ctypes.memset(end - 20, fill, 20)\n"
        "    assert libc.setsockopt(c.fileno(), level, name, ctypes.c_void_p(end - 20), 64) < 0\n"
        "    print(errno.errorcode[ctypes.get_errno()])\n"
    )
    done = run(shared_host, code)
    assert done.stdout.split() == ["ENOENT", "ENOPROTOOPT"], done.stderr


def test_a_refused_socket_goes_on(shared_host: Host) -> None:
    """The socket is as it was: unset the option, and it connects. Plain IP it reaches as ever."""
    code = "c.setsockopt(0, 19, 1); a = told(c); c.setsockopt(0, 19, 0); print(a, told(c))"
    assert run(shared_host, PREPARE + code).stdout == "ENOTSUP ok\n"
    code = PREPARE + "c.setsockopt(0, 19, 1); print(told(c))"
    assert shared_host.run([sys.executable, "-c", code]).stdout == "ok\n"


def test_the_option_is_named(shared_host: Host, tmp_path: Path) -> None:
    code = PREPARE + "c.setsockopt(1, 60, 1); told(c); d = socket.socket(type=2)\n"
    code += "d.setsockopt(0, 19, 1)\ntry: d.sendto(b'', ('127.0.0.1', 9))\nexcept OSError: pass\n"
    code += "e = socket.socket(); e.setsockopt(0, 19, 1)\ntry: e.bind(('127.0.0.1', 0))\n"
    code += "except OSError: pass"
    run(shared_host, code, env={"SCAFFOLD_SHIM_LOG": str(tmp_path / "log")})
    why = [s["why"] for s in explain.merge(explain.read(tmp_path / "log")) if s["error"]]
    assert [text.partition("; ")[2] for text in why] == [
        "connect failed: EOPNOTSUPP: SO_ZEROCOPY is set, which a service's socket does not have",
        "sendto failed: EOPNOTSUPP: IP_TRANSPARENT is set, which a service's socket does not have",
        "bind failed: EOPNOTSUPP: IP_TRANSPARENT is set, which a service's socket does not have",
    ]


def test_the_library_names_it(shared_host: Host) -> None:
    """scaffold_strerror, before and after."""
    code = f"""
import ctypes, errno, socket
lib = ctypes.CDLL({str(paths.part("libscaffold.so"))!r}, use_errno=True)
lib.scaffold_strerror.restype = ctypes.c_char_p
on = ctypes.byref(ctypes.c_int(1))
def text(): return lib.scaffold_strerror(ctypes.get_errno()).decode()
to = socket.inet_aton("127.0.0.1")
address = (2).to_bytes(2, "little") + (7).to_bytes(2, "big") + to + bytes(8)
c = lib.scaffold_socket(2, 1, 0)
assert lib.scaffold_setsockopt(c, 0, 19, on, 4) == 0
assert lib.scaffold_connect(c, address, 16) == -1
print(text())
s = lib.scaffold_socket(2, 1, 0)
lib.scaffold_bind(s, address, 16)
assert lib.scaffold_setsockopt(s, 0, 19, on, 4) == -1
print(text())
"""
    env = {"SCAFFOLD_ALL_LOCAL": "1", "SCAFFOLD_RUNTIME_DIR": str(shared_host.runtime_dir)}
    done = shared_host.run([sys.executable, "-c", code], shim=False, env=env)
    assert done.stdout.splitlines() == [
        "IP_TRANSPARENT is set, which a service's socket does not have",
        "a service's socket has no IP_TRANSPARENT",
    ], done.stderr
