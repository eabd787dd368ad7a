"""Names and their addresses: what is not stored is not handed out, an address that another name got
reaches nobody that it was not meant for, and no user takes the names of all."""

import contextlib
import errno
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.control import RESOLVE, call, receive, send
from scaffold import paths
from scaffold.lab import Host, Lab

pytestmark = [pytest.mark.hosts, pytest.mark.spread]
NOBODY, DAEMON = 65534, 1

KEEPS_AN_ADDRESS = """
import socket, sys
address = socket.gethostbyname(sys.argv[1]) if sys.argv[1] else sys.argv[2]
print(address, flush=True)
for line in sys.stdin:
    if line == "again\\n":
        address = socket.gethostbyname(sys.argv[3])
    try:
        print(socket.create_connection((address, 80), 20).recv(9).decode(), flush=True)
    except OSError as error:
        print("errno", error.errno, flush=True)
"""
SERVES = """
import socket
listener = socket.create_server(("0.0.0.0", 80))
print("ready", flush=True)
while True:
    listener.accept()[0].send(b"hello")
"""
RESOLVES = """
import socket, sys
for line in sys.stdin:
    try:
        print(socket.gethostbyname(line.strip()), flush=True)
    except socket.gaierror as error:
        print("eai", error.errno, flush=True)
"""


class Conversation:
    """A program that answers line by line."""

    def __init__(self, process: "subprocess.Popen[str]"):
        self.process = process

    def read(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self, line: str) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.read()


@contextlib.contextmanager
def program(lab: Lab, code: str, *args: str) -> Iterator[Conversation]:
    process = lab["r"].popen(
        [sys.executable, "-c", code, *args],
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        yield Conversation(process)
        process.kill()


@contextlib.contextmanager
def small_pool(tmp_path: Path, pool: str) -> Iterator[Lab]:
    config = tmp_path / "scaffoldd.toml"
    config.write_text(f'pool = "{pool}"\n')
    with Lab(["r"], router="r", kind="loopback") as lab:
        lab.start(config=config)
        yield lab


def exhaust(resolver: Conversation, address: str) -> str:
    """Asks for names until one of them gets this address, which another one had."""
    again = f"eai {socket.EAI_AGAIN}"
    for i in range(100):
        name = f"made-up-{i}.demo.scaffold"
        while (answer := resolver.ask(name)) == again:
            time.sleep(0.1)  # a router that was just started takes nobody's address yet
        if answer == address:
            return name
    raise AssertionError(f"nobody gets {address}")


def test_an_address_reaches_only_what_is_meant_by_it(tmp_path: Path) -> None:
    """nginx resolves once and connects hours later: to the service that it resolved, or to none."""
    with (
        small_pool(tmp_path, "198.18.0.0/28") as lab,
        program(lab, KEEPS_AN_ADDRESS, "web.demo.scaffold", "", "web.demo.scaffold") as old,
        program(lab, RESOLVES) as resolver,
    ):
        address = old.read()
        name = exhaust(resolver, address)
        command = [sys.executable, "-c", SERVES]
        server = lab["r"].popen(command, service=name, stdout=subprocess.PIPE)
        assert server.stdout is not None and server.stdout.readline() == b"ready\n"
        lab.await_service(f"{name}:80", process=server)
        with (
            program(lab, KEEPS_AN_ADDRESS, name, "", name) as new,
            program(lab, KEEPS_AN_ADDRESS, "", address, name) as silent,
        ):
            assert new.read() == silent.read() == address
            assert new.ask("connect") == "hello"
            assert old.ask("connect") == f"errno {errno.ENETUNREACH}"
            assert silent.ask("connect") == f"errno {errno.ENETUNREACH}"
            assert silent.ask("again") == "hello"  # it has said what it means
        with program(lab, KEEPS_AN_ADDRESS, "web.demo.scaffold", "", name) as anew:
            assert anew.read() != address


def as_user(uid: int, host: Host, names: list[str]) -> list[str]:
    """What this user's RESOLVE of each is answered with."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setresuid(uid, uid, uid)
            with os.fdopen(writer, "w") as out:
                for name in names:
                    with call(host) as control:
                        send(control, RESOLVE, name.encode())
                        reply = receive(control)
                    print(f"eai {reply.error}" if reply.error else reply.address[0], file=out)
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answers:
        lines = answers.read().splitlines()
    os.waitpid(child, 0)
    return lines


def test_one_user_does_not_take_the_names_of_all(root_only: None, tmp_path: Path) -> None:
    with small_pool(tmp_path, "198.18.0.0/24") as lab:
        for folder in (lab.folder, lab["r"].runtime_dir.parent, lab["r"].runtime_dir):
            folder.chmod(0o755)
        names = [f"made-up-{i}.demo.scaffold" for i in range(254)]
        *answers, again = as_user(NOBODY, lab["r"], [*names, names[0]])
        given = [answer for answer in answers if not answer.startswith("eai")]
        assert set(answers[len(given) :]) == {f"eai {socket.EAI_MEMORY}"}
        assert 30 < len(given) < 150  # a part of its own, and half of what all share
        assert again == given[0]  # what it has it keeps
        assert as_user(DAEMON, lab["r"], ["another.demo.scaffold"])[0].startswith("198.18.0.")
        with program(lab, RESOLVES) as root:
            assert root.ask("roots.demo.scaffold").startswith("198.18.0.")
        command = [sys.executable, "-c", SERVES]
        server = lab["r"].popen(command, service="new.demo.scaffold", stdout=subprocess.PIPE)
        assert server.stdout is not None and server.stdout.readline() == b"ready\n"


# --- a full disk ----------------------------------------------------------------------------------

SMALL_DISK = 'mount -t tmpfs -o size=256k none "$1" && shift && exec "$@"'


def resolve_until(name: str, environment: dict[str, str], failed: bool) -> str:
    """The answer that fails, or does not, of a few new names: what is written is some pages."""
    answer = ""
    for i in range(200):
        done = subprocess.run(
            [sys.executable, "-c", RESOLVES],
            env=environment,
            input=f"{name}-{i}.demo.scaffold\n",
            capture_output=True,
            text=True,
        )
        answer = done.stdout.strip()
        if answer.startswith("eai") == failed:
            break
    return answer


def test_a_full_disk(root_only: None, tmp_path: Path) -> None:
    state, run = tmp_path / "state", tmp_path / "run"
    state.mkdir()
    ready, told = os.pipe()
    daemon = [paths.part(paths.DAEMON), "--runtime-dir", run, "--state-dir", state, "--port", "0"]
    command = ["unshare", "-m", "sh", "-c", SMALL_DISK, "sh", state, *daemon, "--ready-fd", told]
    with subprocess.Popen(
        [str(part) for part in command], pass_fds=[told], stderr=subprocess.PIPE, text=True
    ) as scaffoldd:
        os.close(told)
        assert select.select([ready], [], [], 60)[0] and os.read(ready, 512).startswith(b"ready ")
        os.close(ready)
        environment = {
            **os.environ,
            "SCAFFOLD_RUNTIME_DIR": str(run),
            "LD_PRELOAD": str(paths.part(paths.SHIM)),
        }
        assert resolve_until("early", environment, False).startswith("198.18.")
        filler = Path(f"/proc/{scaffoldd.pid}/root{state}/filler")
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
        assert resolve_until("unstored", environment, True) == f"eai {socket.EAI_AGAIN}"
        filler.unlink()
        assert resolve_until("later", environment, False).startswith("198.18.")
        scaffoldd.send_signal(signal.SIGTERM)
        assert scaffoldd.stderr is not None
        said = scaffoldd.stderr.read()
    assert "No space left on device; free some" in said
    assert "names are stored again" in said
