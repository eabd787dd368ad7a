"""One search order: command, shim and Python meet the same scaffoldd, the first that answers."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from e2e.sandbox import Sandbox
from scaffold import paths
from scaffold._native import lib

pytestmark = [pytest.mark.root, pytest.mark.hosts, pytest.mark.spread]

USER = 61_234
SYSTEM = "/run/scaffold"
PRIVATE = f"/tmp/scaffold-{USER}"
XDG = "/run/user"
OWN = f"{XDG}/scaffold"

SERVE = """
import socket, sys
s = socket.create_server(("", 80))
print("ready", flush=True)
sys.stdin.read()
"""
PYTHON = """
import scaffold, sys
s = scaffold.create_server("python.acme.scaffold:80")
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def machine(root_only: None) -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        made = sandbox.run(["install", "-d", "-o", str(USER), "-m", "700", XDG])
        assert made.returncode == 0, made.stderr
        try:
            yield sandbox
        finally:
            for folder in (SYSTEM, PRIVATE, OWN, "/tmp/elsewhere"):
                sandbox.run(["scaffold", "down", "--runtime-dir", folder])


def up(machine: Sandbox, folder: str, uid: int = 0) -> None:
    """A scaffoldd there; the system's lets everybody serve."""
    file = f"{folder.replace('/', '_')}.toml"
    text = '[allow]\nusers = ["*"]\n'
    words = ["sh", "-c", f"mkdir -p /tmp/c; printf '{text}' >/tmp/c/{file}"]
    assert machine.run(words).returncode == 0
    state = f"/tmp/state-{uid}-{folder.replace('/', '-')}"
    flags = ["--runtime-dir", folder, "--config", f"/tmp/c/{file}", "--state-dir", state]
    done = machine.run(["scaffold", "up", "--port", "0", *flags], uid)
    assert done.returncode == 0, done.stderr


def served(machine: Sandbox, folder: str) -> str:
    return machine.run(["scaffold", "status", "--json", "--runtime-dir", folder]).stdout


def all_meet(machine: Sandbox, folder: str, uid: int, **settings: str) -> None:
    """The command, a program under a bare preload and one in Python, at this scaffoldd."""
    status = machine.run(["scaffold", "status", "--json"], uid, **settings)
    assert f'"runtime_dir": "{folder}"' in status.stdout, status.stderr
    shim = {"LD_PRELOAD": str(paths.part(paths.SHIM)), "SCAFFOLD_SERVICE": "shim.acme.scaffold"}
    programs = [
        start(machine, SERVE, uid, {**settings, **shim}),
        start(machine, PYTHON, uid, settings),
    ]
    text = served(machine, folder)
    for program in programs:
        program.communicate("")
    assert "shim.acme.scaffold:80" in text
    assert "python.acme.scaffold:80" in text


def start(machine: Sandbox, code: str, uid: int, settings: dict[str, str]) -> Any:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    program = machine.popen([sys.executable, "-c", code], uid, settings, text=True, **pipes)
    assert program.stdout.readline() == "ready\n", program.communicate("")[1]
    return program


def nobody_found(machine: Sandbox, uid: int, *places: str, **settings: str) -> None:
    """All say where they looked, in the same words."""
    where = f"no scaffoldd answers in {' or '.join([', '.join(places[:-1]), places[-1]])};"
    shim = str(paths.part(paths.SHIM))
    look_up = "import socket; socket.gethostbyname('web.acme.scaffold')"
    connect = "import scaffold; scaffold.create_connection('web.acme.scaffold:80')"
    for words, more in (
        (["scaffold", "status"], {}),
        (["scaffold", "down"], {}),
        ([sys.executable, "-c", look_up], {"LD_PRELOAD": shim}),
        ([sys.executable, "-c", connect], {}),
    ):
        done = machine.run(words, uid, **settings, **more)
        assert done.returncode == 1
        assert where in done.stderr
        assert "scaffold up" in done.stderr


def test_a_user_without_a_runtime_directory(machine: Sandbox) -> None:
    """su, cron, a container."""
    nobody_found(machine, USER, PRIVATE, SYSTEM)
    done = machine.run(["scaffold", "up", "--port", "0"], USER)
    assert done.stdout.splitlines() == [done.stdout.strip()]
    assert f"answers at {PRIVATE}" in done.stdout
    all_meet(machine, PRIVATE, USER)
    assert "already answers at" in machine.run(["scaffold", "up"], USER).stdout
    assert "has stopped" in machine.run(["scaffold", "down"], USER).stdout
    nobody_found(machine, USER, PRIVATE, SYSTEM)


def test_what_is_left_over_hides_nobody(machine: Sandbox) -> None:
    """Folders of scaffoldds that ended, one with the socket of one that was killed."""
    left = ["sh", "-c", f"mkdir -m 700 -p {OWN} {PRIVATE} && touch {OWN}/ctl {PRIVATE}/ctl"]
    assert machine.run(left, USER).returncode == 0
    nobody_found(machine, USER, OWN, PRIVATE, SYSTEM, XDG_RUNTIME_DIR=XDG)
    up(machine, SYSTEM)
    all_meet(machine, SYSTEM, USER, XDG_RUNTIME_DIR=XDG)
    up(machine, PRIVATE, USER)
    all_meet(machine, PRIVATE, USER, XDG_RUNTIME_DIR=XDG)
    up(machine, OWN, USER)
    all_meet(machine, OWN, USER, XDG_RUNTIME_DIR=XDG)
    all_meet(machine, PRIVATE, USER)


def test_what_is_named_is_the_only_one(machine: Sandbox) -> None:
    up(machine, SYSTEM)
    done = machine.run(["scaffold", "status"], SCAFFOLD_RUNTIME_DIR="/tmp/elsewhere")
    assert done.returncode == 1
    assert "no scaffoldd answers in /tmp/elsewhere" in done.stderr
    up(machine, "/tmp/elsewhere")
    all_meet(machine, "/tmp/elsewhere", 0, SCAFFOLD_RUNTIME_DIR="/tmp/elsewhere")


def test_up_says_where_nobody_would_look(machine: Sandbox) -> None:
    done = machine.run(["scaffold", "up", "--port", "0", "--runtime-dir", "/tmp/elsewhere"])
    assert "programs find it with SCAFFOLD_RUNTIME_DIR=/tmp/elsewhere" in done.stdout


def test_a_place_that_somebody_else_took(machine: Sandbox) -> None:
    """Who answers in /tmp under a user's name is trusted only when it is that user, or root."""
    up(machine, PRIVATE, USER + 1)
    nobody_found(machine, USER, PRIVATE, SYSTEM)
    done = machine.run(["scaffold", "up", "--port", "0"], USER)
    assert done.returncode == 1
    assert f"{PRIVATE}/ctl is answered by uid {USER + 1}, not by the" in done.stderr
    assert "choose another --runtime-dir" in done.stderr
    machine.run(["scaffold", "down", "--runtime-dir", PRIVATE])
    done = machine.run(["scaffold", "up", "--port", "0"], USER)
    assert f"{PRIVATE} belongs to uid {USER + 1}; choose another --runtime-dir" in done.stderr


def test_scaffoldd_refuses_what_somebody_else_made(machine: Sandbox) -> None:
    """Also where it may write there."""
    machine.run(["install", "-d", "-m", "777", "-o", str(USER + 1), PRIVATE])
    for flags in ([], ["--check"]):
        done = machine.run([paths.part(paths.DAEMON), "--port", "0", *flags], USER)
        assert done.returncode == 1
        assert f"{PRIVATE} belongs to uid {USER + 1}; choose another" in done.stdout + done.stderr


STALL = """
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind(sys.argv[1].replace("@", "\\0"))
if sys.argv[1][0] == "/":
    os.chmod(sys.argv[1], 0o777)
s.listen(0)
c = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
c.connect(s.getsockname())
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("kind", ["path", "name"])
def test_whose_queue_is_full_delays_nobody(machine: Sandbox, kind: str) -> None:
    """Somebody else's, at the place that comes before the system's."""
    up(machine, SYSTEM)
    instance = lib.sc_instance_of(PRIVATE.encode())
    at = f"{PRIVATE}/ctl" if kind == "path" else f"@scaffold/{USER}/{instance:08x}/ctl"
    if kind == "path":
        machine.run(["install", "-d", "-m", "755", "-o", str(USER + 1), PRIVATE])
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    words = [sys.executable, "-c", STALL, at]
    with machine.popen(words, USER + 1, text=True, **pipes) as other:
        assert other.stdout.readline() == "ready\n"
        code = "import socket; print(socket.gethostbyname('web.acme.scaffold'))"
        shim = {"LD_PRELOAD": str(paths.part(paths.SHIM))}
        done = machine.run([sys.executable, "-c", code], USER, timeout=20, **shim)
        assert done.stdout.startswith("198.18."), done.stderr
        other.stdin.close()


def test_the_systems_need_not_be_roots(machine: Sandbox) -> None:
    """Whoever owns /run/scaffold is it, and nobody else."""
    machine.run(["install", "-d", "-o", str(USER + 1), SYSTEM])
    up(machine, SYSTEM, USER + 1)
    all_meet(machine, SYSTEM, USER)
    all_meet(machine, SYSTEM, 0)
    machine.run(["chown", str(USER + 2), SYSTEM])
    nobody_found(machine, USER, PRIVATE, SYSTEM)


def test_the_runtime_directory_of_another_user(machine: Sandbox) -> None:
    """What su leaves in the environment."""
    done = machine.run(["scaffold", "up", "--port", "0"], USER + 1, XDG_RUNTIME_DIR=XDG)
    assert f"answers at /tmp/scaffold-{USER + 1}" in done.stdout, done.stderr
    all_meet(machine, f"/tmp/scaffold-{USER + 1}", USER + 1, XDG_RUNTIME_DIR=XDG)
    machine.run(["scaffold", "down"], USER + 1)


def test_one_that_comes_later(machine: Sandbox) -> None:
    """A program that found nobody finds who has come since, and stays with the first."""
    code = (
        "import socket, sys\n"
        "for line in sys.stdin:\n"
        "    try: print(socket.gethostbyname('web.acme.scaffold'), flush=True)\n"
        "    except OSError as error: print(error.errno, flush=True)\n"
    )
    shim = {"LD_PRELOAD": str(paths.part(paths.SHIM))}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    words = [sys.executable, "-c", code]
    with machine.popen(words, USER, shim, text=True, bufsize=1, **pipes) as program:

        def ask() -> str:
            program.stdin.write("\n")
            return str(program.stdout.readline().strip())

        assert ask() == "-3"
        up(machine, SYSTEM)
        assert ask().startswith("198.18.")
        up(machine, PRIVATE, USER)
        machine.run(["scaffold", "down", "--runtime-dir", SYSTEM])
        assert ask() == "-3"
        program.stdin.close()
