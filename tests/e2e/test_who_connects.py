"""Who connected to a listener: scaffoldd, whatever namespaces or root directory the server is in,
and nobody else, whatever he knows of the socket."""

import contextlib
import errno
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e import control
from e2e.common import PEER, PORT, SERVICE, line, serve, within
from scaffold.control import _abstract_name
from scaffold.lab import Host, Lab

SO_MAX_PACING_RATE = 47
pytestmark = [pytest.mark.hosts, pytest.mark.spread, pytest.mark.usefixtures("root_only")]
NOBODY = 65534


def works(host: Host) -> None:
    command = [sys.executable, PEER, "write", SERVICE, str(PORT), "100000", "65536"]
    done = host.run(command, timeout=20)
    assert json.loads(done.stdout)["same"], done.stderr


# --- nobody else ----------------------------------------------------------------------------------


def as_nobody(act: Callable[[], None], *, unmapped: bool) -> str:
    """The name of the error that `act` ends with, in a child process of another uid; `unmapped`: in
    a user namespace in which neither it nor scaffoldd has a number."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        text = "connected"
        try:
            if unmapped:
                unshare(0x10000000)  # CLONE_NEWUSER
            act()
        except BaseException as error:
            text = type(error).__name__
        os.write(writer, text.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return text


def unshare(flags: int) -> None:
    import ctypes

    if ctypes.CDLL(None, use_errno=True).unshare(flags) < 0:
        raise RuntimeError(os.strerror(ctypes.get_errno()))


def connects(name: str | bytes) -> None:
    """With a name like that of scaffoldd's ends, which proves nothing."""
    with socket.socket(socket.AF_UNIX) as forger:
        forger.settimeout(5)
        forger.bind(f"\0scaffold/0/00000000/p/4-/c6120001:1234/{os.getpid():x}")
        forger.connect(name)


@pytest.mark.parametrize("unmapped", [False, True], ids=["user", "unmapped"])
def test_a_forger_is_refused_by_the_kernel(loopback_lab: Lab, unmapped: bool) -> None:
    """With the right name, the right path, and every descriptor that could lead there."""
    server = serve(loopback_lab, "echo")
    host = loopback_lab["b"]
    daemon = host.daemon
    assert daemon
    folder = host.runtime_dir / "listeners"
    [file] = list(folder.iterdir())
    for path in (loopback_lab.folder, host.runtime_dir.parent, host.runtime_dir):
        path.chmod(0o777)
    with contextlib.ExitStack() as stack:
        inside = os.open(folder, os.O_PATH)
        true = os.open(file, os.O_PATH)
        for fd in (inside, true):
            stack.callback(os.close, fd)
        stack.enter_context(contextlib.chdir(folder))
        ways = {
            "the path": str(file),
            "the name, where it stands": file.name,
            "the name alone, abstract": f"\0{file.name}",
            "through a descriptor of the folder": f"/proc/self/fd/{inside}/{file.name}",
            "a descriptor of the file": f"/proc/self/fd/{true}",
            "the program's own": f"/proc/{server.pid}/fd/{listening(server.pid)}",
            "where scaffoldd stands": f"/proc/{daemon.pid}/cwd/{file.name}",
        }
        outcomes = {
            how: as_nobody(lambda name=name: connects(name), unmapped=unmapped)  # type: ignore[misc]
            for how, name in ways.items()
        }
    refused = {"PermissionError", "ConnectionRefusedError"}
    assert {how: o for how, o in outcomes.items() if o not in refused} == {}
    works(loopback_lab["a"])


def listening(pid: int) -> int:
    """The number of the listening socket in a process."""
    table = [row.split() for row in Path("/proc/net/unix").read_text().splitlines()[1:]]
    inodes = {row[6] for row in table if row[3] == "00010000"}
    for link in Path(f"/proc/{pid}/fd").iterdir():
        if str(link.readlink()).removeprefix("socket:[").removesuffix("]") in inodes:
            return int(link.name)
    raise AssertionError("it does not listen")


def test_the_holder_of_a_listener_cannot_connect_to_it(loopback_lab: Lab) -> None:
    """A server of another user, who may serve, has the socket and still not the way to it."""
    host = loopback_lab["b"]
    config = loopback_lab.folder / "scaffoldd.toml"
    config.write_text(f"[allow]\nuids = [{NOBODY}]")
    host.kill_scaffoldd()
    host.scaffoldd(config=config)
    for path in (loopback_lab.folder, host.runtime_dir.parent, host.runtime_dir):
        path.chmod(0o755)
    server = start(host, [], user=NOBODY)
    [file] = list((host.runtime_dir / "listeners").iterdir())
    number = listening(server.pid)

    def act() -> None:
        own = os.pidfd_open(server.pid)
        assert own
        connects(f"/proc/{server.pid}/fd/{number}")

    assert as_nobody(act, unmapped=False) in {"PermissionError", "ConnectionRefusedError"}
    assert as_nobody(lambda: connects(str(file)), unmapped=False) == "PermissionError"
    loopback_lab.await_service(f"{SERVICE}:{PORT}")
    assert asked(loopback_lab["a"]) == "hello"


# --- scaffoldd, wherever the server is ------------------------------------------------------------

SERVER = """
import socket, sys
s = socket.create_server(("0.0.0.0", 4000))
print("ready", flush=True)
while True:
    c, peer = s.accept()
    assert peer[0].startswith("198.18."), peer
    c.sendall(b"hello"); c.close()
"""
CLIENT = f"""
import socket
with socket.create_connection(("{SERVICE}", {PORT}), 20) as s: print(s.recv(9).decode())
"""
PYTHON = "/usr/bin/python3"


def start(host: Host, wrapper: list[str], **options: Any) -> subprocess.Popen[Any]:
    """A server behind a wrapper, with Debian's Python: the virtual environment is root's."""
    if not Path(PYTHON).exists():
        pytest.skip(f"{PYTHON} is missing")
    command = [*wrapper, PYTHON, "-c", SERVER]
    process = host.popen(command, service=SERVICE, stdout=subprocess.PIPE, **options)
    line(process, b"ready\n")
    return process


def asked(host: Host) -> str:
    """What a client is told; its last words, when that is nothing."""
    done = host.run([sys.executable, "-c", CLIENT], timeout=30)
    return (done.stdout or done.stderr.splitlines()[-1]).strip()


WRAPPERS = {
    "unmapped": ["unshare", "--user"],
    "root": ["unshare", "--user", "--map-root-user"],
    "another-number": ["unshare", "--user", "--map-user=1000", "--map-group=1000"],
    "mounts": ["unshare", "--mount", "--", "sh", "-c", 'mount -t tmpfs none /mnt; exec "$@"', "sh"],
    "bwrap": ["bwrap", "--unshare-user", "--uid", "1000", "--gid", "1000", "--dev-bind", "/", "/"],
    "bwrap-unmapped": ["bwrap", "--unshare-user", "--uid", str(NOBODY), "--bind", "/", "/"],
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_server_in_namespaces(loopback_lab: Lab, wrapper: str) -> None:
    words = WRAPPERS[wrapper]
    if not shutil.which(words[0]):
        pytest.skip(f"{words[0]} is not installed")
    start(loopback_lab["b"], words)
    loopback_lab.await_service(f"{SERVICE}:{PORT}")
    for _ in range(2):
        assert asked(loopback_lab["a"]) == "hello"


ENTERED = """
import ctypes, os, socket, sys
s = socket.socket(); s.bind(("0.0.0.0", 4000))
if sys.argv[1] == "chroot": os.chroot("/proc/self/fdinfo"); os.chdir("/")
if sys.argv[1] == "user": assert ctypes.CDLL(None).unshare(0x10000000) == 0
if sys.argv[1] == "network": assert ctypes.CDLL(None).unshare(0x40000000) == 0
if sys.argv[1] == "setuid": os.setresuid(65534, 65534, 65534)
try: s.listen(); print("ready", flush=True)
except PermissionError: print("refused", flush=True)
while True:
    c, peer = s.accept()
    assert peer[0].startswith("198.18."), peer
    c.sendall(b"hello"); c.close()
"""


@pytest.mark.parametrize("what", ["chroot", "user", "network"])
def test_a_server_that_goes_elsewhere_between_bind_and_listen(loopback_lab: Lab, what: str) -> None:
    command = [PYTHON, "-c", ENTERED, what]
    process = loopback_lab["b"].popen(command, service=SERVICE, stdout=subprocess.PIPE)
    line(process, b"ready\n")
    loopback_lab.await_service(f"{SERVICE}:{PORT}")
    assert asked(loopback_lab["a"]) == "hello"


@pytest.mark.parametrize("wrapper", ["unmapped", "another-number", "bwrap"])
def test_a_server_in_namespaces_survives(loopback_lab: Lab, wrapper: str) -> None:
    """Another scaffoldd finds it again, and is let in."""
    words = WRAPPERS[wrapper]
    if not shutil.which(words[0]):
        pytest.skip(f"{words[0]} is not installed")
    start(loopback_lab["b"], words)
    loopback_lab["b"].kill_scaffoldd()
    loopback_lab["b"].scaffoldd()
    loopback_lab.await_service(f"{SERVICE}:{PORT}")
    assert asked(loopback_lab["a"]) == "hello"


def test_who_may_not_serve_gains_nothing_by_a_restart(loopback_lab: Lab) -> None:
    """Root bound the socket; whom it became listens, as far as the kernel is concerned."""
    b = loopback_lab["b"]
    process = b.popen([PYTHON, "-c", ENTERED, "setuid"], service=SERVICE, stdout=subprocess.PIPE)
    line(process, b"refused\n")
    b.kill_scaffoldd()
    b.scaffoldd()
    within(20, lambda: SERVICE in str(b.status()["services"]))
    assert "hello" not in asked(b)
    assert f"is not served any more: uid {NOBODY} may not serve here" in b.log()
    assert b.status()["services"] == []


# --- who answers a program ------------------------------------------------------------------------


@contextlib.contextmanager
def impostor(host: Host, uid: int) -> Iterator[subprocess.Popen[Any]]:
    """Somebody else under the name of a control socket as a user namespace spells it. Says how much
    it was told."""
    code = (
        "import os, socket, sys; os.setuid(1)\n"
        "s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
        "s.bind(bytes.fromhex(sys.argv[1])); s.listen(); print('ready', flush=True)\n"
        "while True: c, _ = s.accept(); print(len(c.recv(10000)), flush=True)"
    )
    name = _abstract_name(uid, host.runtime_dir)
    command = [PYTHON, "-c", code, name.hex()]
    process = host.popen(command, shim=False, stdout=subprocess.PIPE)
    line(process, b"ready\n")
    yield process
    host.end(process)


def heard(process: subprocess.Popen[Any]) -> list[bytes]:
    """Of whoever called, in turn; then nothing more, since it is over."""
    process.terminate()
    assert process.stdout is not None
    words: list[bytes] = process.stdout.read().split()
    return words


@pytest.mark.parametrize("wrapper", ["unmapped", "root", "another-number", "bwrap"])
def test_a_program_in_a_user_namespace_finds_its_scaffoldd(loopback_lab: Lab, wrapper: str) -> None:
    words = WRAPPERS[wrapper]
    if not shutil.which(words[0]):
        pytest.skip(f"{words[0]} is not installed")
    serve(loopback_lab, "echo")
    a = loopback_lab["a"]
    seen = {"root": 0, "unmapped": NOBODY}.get(wrapper, 1000)
    with contextlib.ExitStack() as stack:
        others = [stack.enter_context(impostor(a, seen))] if seen else []
        command = [*words, PYTHON, PEER, "write", SERVICE, str(PORT), "1000", "1000"]
        done = a.run(command, timeout=20)
        assert json.loads(done.stdout)["same"], done.stderr
        for other in others:
            assert set(heard(other)) <= {b"0"}


def test_a_program_without_a_number_does_not_believe_a_name(loopback_lab: Lab) -> None:
    """Where there is no scaffoldd, an impostor who has no number either is none."""
    a = loopback_lab["a"]
    a.kill_scaffoldd()
    (a.runtime_dir / "ctl").unlink()
    with impostor(a, NOBODY) as other:
        code = "import socket; socket.create_connection(('198.18.0.9', 80))"
        done = a.run(["unshare", "--user", PYTHON, "-c", code], timeout=20)
        assert "Network is down" in done.stderr
        command = [sys.executable, "-m", "scaffold", "status", "--runtime-dir", a.runtime_dir]
        done = a.run(["unshare", "--user", *command], shim=False, timeout=20)
        assert "no scaffoldd answers" in done.stderr
        assert set(heard(other)) == {b"0"}


def test_a_directory_that_others_can_write_to_proves_nothing(loopback_lab: Lab) -> None:
    a = loopback_lab["a"]
    a.kill_scaffoldd()
    (a.runtime_dir / "ctl").unlink()
    for path in (loopback_lab.folder, a.runtime_dir.parent, a.runtime_dir):
        path.chmod(0o777)
    code = (
        "import os, socket, sys; os.setuid(1)\n"
        "s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.bind(sys.argv[1])\n"
        "os.chmod(sys.argv[1], 0o666); s.listen(); print('ready', flush=True)\n"
        "while True: c, _ = s.accept(); print(len(c.recv(10000)), flush=True)"
    )
    other = a.popen([PYTHON, "-c", code, a.runtime_dir / "ctl"], shim=False, stdout=subprocess.PIPE)
    line(other, b"ready\n")
    code = "import socket; socket.create_connection(('198.18.0.9', 80))"
    for wrapper in ([], ["unshare", "--user"]):
        done = a.run([*wrapper, PYTHON, "-c", code], timeout=20)
        assert "Network is down" in done.stderr
    assert set(heard(other)) == {b"0"}


# --- the folder -----------------------------------------------------------------------------------


@contextlib.contextmanager
def small_disk(host: Host) -> Iterator[Path]:
    """On it are the sockets of the host's servers."""
    place = host.runtime_dir / "listeners"
    place.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "nr_inodes=24", "none", place], check=True)
    try:
        yield place
    finally:
        host.close()
        subprocess.run(["umount", "-l", place], check=True)


def binds(host: Host) -> str:
    code = "import socket; s = socket.socket(); s.bind(('0.0.0.0', 0)); print('bound')"
    done = host.run([sys.executable, "-c", code], service=SERVICE)
    return (done.stdout or done.stderr.splitlines()[-1]).strip()


NO_ROOM = "OSError: [Errno 105] No buffer space available"


def test_a_disk_that_is_full_or_read_only() -> None:
    """One clear line, and service again when there is room."""
    with Lab(["a"], kind="loopback") as lab, small_disk(lab["a"]) as place:
        a = lab["a"]
        lab.start()
        with contextlib.suppress(OSError):
            for i in range(100):
                (place / f"filler{i}").touch()
        assert binds(a) == NO_ROOM
        (place / "filler0").unlink()
        assert binds(a) == "bound"
        within(20, lambda: len(list(place.glob("scaffold.*"))) == 0)
        subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        assert binds(a) == NO_ROOM
        subprocess.run(["mount", "-o", "remount,rw", place], check=True)
        assert binds(a) == "bound"
        for why in ("No space left on device", "Read-only file system"):
            assert f"ENOBUFS: {place}: {why}; nobody can serve until" in a.log()


def test_a_folder_that_somebody_removed(loopback_lab: Lab) -> None:
    a = loopback_lab["a"]
    folder = a.runtime_dir / "listeners"
    shutil.rmtree(folder)
    assert binds(a) == NO_ROOM
    assert f"ENOBUFS: {folder}: No such file or directory; nobody can serve until" in a.log()
    a.kill_scaffoldd()
    a.scaffoldd()
    assert binds(a) == "bound"


def listen(host: Host, name: bytes, proof: int) -> int:
    with control.call(host) as asked:
        control.send(asked, control.LISTEN, struct.pack("=108sIQ", name, 8, proof))
        return control.receive(asked).error


def test_who_knows_a_listeners_name_alone(loopback_lab: Lab) -> None:
    """As whoever is connected to it: what its holders read from it is not shown to anybody else."""
    host = loopback_lab["a"]
    address = ("127.0.0.1", PORT)
    with control.call(host) as asked:
        body = struct.pack("=256x16sHBB", *control.pack(address), 0, ord("4"))
        control.send(asked, control.BIND, body.ljust(288, b"\0"))
        listener = control.receive_socket(asked)[1]

    def proof_of(one: socket.socket) -> int:
        word = one.getsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE, 8)
        return int.from_bytes(word, sys.byteorder)

    with listener:
        name, proof = listener.getsockname().encode(), proof_of(listener)
        listener.listen()
        for wrong in (0, 2**64 - 1, proof ^ 1):
            assert listen(host, name, wrong) == errno.EINVAL
        assert listen(host, name[:-1], proof) == errno.EINVAL
        assert listen(host, name, proof) == 0
        with control.call(host) as asked, control.connect(asked, address) as flow:
            with listener.accept()[0] as accepted:
                assert proof not in (proof_of(accepted), proof_of(flow))
