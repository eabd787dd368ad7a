"""Programs that are started with an environment of their own: with the descriptor of a service the
shim comes along; without one the environment is what it is."""

import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from scaffold import paths
from scaffold.lab import Host
from scaffold.scenario import MissingProgram

SOURCE = Path(__file__).with_name("exec.c")
NAME = "exec.test.scaffold"
EXECS = ["execve", "execv", "execvp", "execvpe", "execl", "execlp", "execle", "fexecve", "execveat",
         "execveat-empty", "by-number", "at-by-number"]  # fmt: skip
SPAWNS = ["posix_spawn", "posix_spawnp", "system", "popen"]


@pytest.fixture(scope="module")
def program() -> Iterator[Path]:
    """In a folder that other users reach, which pytest's are not."""
    with tempfile.TemporaryDirectory(prefix="scaffold-exec-") as folder:
        Path(folder).chmod(0o755)
        made = Path(folder, "exec-program")
        subprocess.run(["cc", "-w", "-O1", "-pthread", "-o", made, SOURCE], check=True)
        yield made


def run(host: Host, program: Path, *words: str, **options: object) -> list[str]:
    """What the program that was started said, and what was said on stderr."""
    path = {"PATH": f"{program.parent}:{os.environ['PATH']}"}
    done = host.run([program, *words], service=NAME, env=path, **options)
    return [*done.stdout.splitlines(), *done.stderr.splitlines()]


def settings(host: Host) -> set[str]:
    preload = f"LD_PRELOAD={paths.part(paths.SHIM)}"
    return {preload, f"SCAFFOLD_RUNTIME_DIR={host.runtime_dir}", f"SCAFFOLD_SERVICE={NAME}"}


def shells(lines: Sequence[str]) -> set[str]:
    """Without what a shell puts into every environment."""
    return {line for line in lines if not line.startswith(("PWD=", "SHLVL=", "_=", "OLDPWD="))}


@pytest.mark.parametrize("how", [*EXECS, *SPAWNS])
def test_with_a_service(shared_host: Host, program: Path, how: str) -> None:
    lines = run(shared_host, program, how, "open")
    assert shells(lines) == {"A=b", "family 2", *settings(shared_host)}


@pytest.mark.parametrize("how", EXECS)
def test_between_vfork_and_exec(shared_host: Host, program: Path, how: str) -> None:
    lines = run(shared_host, program, how, "open", "vfork")
    assert set(lines) == {"A=b", "family 2", *settings(shared_host)}


@pytest.mark.parametrize("how", [*EXECS, *SPAWNS])
@pytest.mark.parametrize("service", ["cloexec", "none"])
def test_without_one(shared_host: Host, program: Path, how: str, service: str) -> None:
    assert shells(run(shared_host, program, how, service)) == {"A=b"}


def test_seen_from_another_folder(shared_host: Host, program: Path) -> None:
    lines = run(shared_host, program, "elsewhere", "open")
    assert set(lines) == {"A=b", "family 2", *settings(shared_host)}


def test_shells_of_several_threads(shared_host: Host, program: Path) -> None:
    """The environment that they are given for the time of the call is the program's own again."""
    lines = run(shared_host, program, "shells", "open")
    assert shells(lines) == {"A=b", "family 2", *settings(shared_host)}


@pytest.mark.parametrize("service", ["open", "none"])
def test_a_variable_that_is_set_meanwhile_stays(
    shared_host: Host, program: Path, service: str
) -> None:
    assert run(shared_host, program, "shell-and-set", service) == ["NEW=1 A=c"]


def test_what_it_chose_itself_stays(shared_host: Host, program: Path) -> None:
    lines = run(shared_host, program, "execve", "open", "preload", "settings")
    ours = {line for line in settings(shared_host) if not line.startswith("LD_PRELOAD")}
    preload = f"LD_PRELOAD=libm.so.6:{paths.part(paths.SHIM)}"
    assert set(lines) == {"A=b", "SCAFFOLD_POOL=10.77.0.0/16", "family 2", preload, *ours}


def test_it_wants_none(shared_host: Host, program: Path) -> None:
    """By an LD_PRELOAD that is there and empty; what is inherited is then what the kernel has."""
    lines = run(shared_host, program, "execve", "open", "no-preload")
    assert lines == ["A=b", "LD_PRELOAD=", "family 1"]


@pytest.mark.parametrize("how", ["bad-path", "bad-environment", "bad-variable"])
def test_bad_pointers(shared_host: Host, program: Path, how: str) -> None:
    """The kernel says what it says without us."""
    assert run(shared_host, program, how, "open") == ["bad: Bad address"]


def test_it_is_handed_on(shared_host: Host, program: Path) -> None:
    """By a program that has never looked at what it was given: env."""
    script = f"exec 9<&9; exec env -i A=b {program} told"
    wrapped = program.with_name("wrapped")
    wrapped.write_text(f"#!/bin/sh\n{script}\n")
    wrapped.chmod(0o755)
    code = (
        "import os, socket\n"
        "s = socket.create_server(('0.0.0.0', 0))\n"
        f"os.dup2(s.fileno(), 9)\nos.execve('{wrapped}', ['wrapped'], {{}})"
    )
    done = shared_host.run(["python3", "-c", code], service=NAME)
    assert shells(done.stdout.splitlines()) == {"A=b", "family 2", *settings(shared_host)}


def test_file_actions(shared_host: Host, program: Path) -> None:
    """Whatever they are: the shim arrives where a service's socket does, and only there."""
    lines = run(shared_host, program, "actions", "1", "150", timeout=110)
    assert set(lines) == {"service 0 shim 0", "service 1 shim 1"}


def unreached(kind: str, program: Path) -> Path:
    """The same program, where LD_PRELOAD means nothing."""
    made = program.with_name(f"exec-{kind}")
    if kind == "musl" and shutil.which("musl-gcc") is None:
        raise MissingProgram("musl-gcc (Debian: musl-tools)")
    if kind in RIGHTS and os.getuid() != 0:
        pytest.skip("a program with rights of its own needs root")
    compiler = {"static": ["cc", "-static"], "musl": ["musl-gcc"]}.get(kind, ["cc"])
    subprocess.run([*compiler, "-w", "-o", made, SOURCE.with_name("told.c")], check=True)
    if kind == "setuid":
        os.chown(made, 1, 1)
        made.chmod(0o4755)
    elif kind == "capable":
        os.setxattr(made, "security.capability", CAN_BIND)
    return made


WHY = {
    "static": "is statically linked",
    "musl": "is a program of another libc",
    "setuid": "has other rights",
    "capable": "has file capabilities",
}
RIGHTS = ["setuid", "capable"]
CAN_BIND = struct.pack("<5I", 0x0200_0001, 1 << 10, 0, 0, 0)
"""struct vfs_cap_data: CAP_NET_BIND_SERVICE, in effect."""
START = """
import os, socket, sys
if "none" not in sys.argv:
    s = socket.create_server(("0.0.0.0", 0))
    os.set_inheritable(s.fileno(), True)
    if os.getuid() == 0:
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
    if "stderr" in sys.argv:
        os.dup2(s.fileno(), 2)
os.execve(sys.argv[1], sys.argv[1:2], {"A": "b"})
"""


@pytest.mark.parametrize("kind", list(WHY))
@pytest.mark.parametrize("script", [False, True], ids=["program", "script"])
def test_it_cannot_come_along(shared_host: Host, program: Path, kind: str, script: bool) -> None:
    """One line says what is lost; nothing is put into an environment where it means nothing."""
    target = unreached(kind, program)
    if script:
        inner, target = target, target.with_suffix(".script")
        target.write_text(f"#! {inner}\n")
        target.chmod(0o755)
    done = shared_host.run(["python3", "-c", START, str(target)], service=NAME)
    assert done.stdout == "A=b\n", done
    (line,) = done.stderr.splitlines()
    assert str(target) in line
    assert WHY[kind] in line
    silent = shared_host.run(["python3", "-c", START, str(target), "none"], service=NAME)
    assert (silent.stdout, silent.stderr) == ("A=b\n", "")


def test_nothing_is_said_into_a_service(shared_host: Host, program: Path) -> None:
    """Where stderr is the flow, as below an inetd, a line would be data."""
    target = unreached("static", program)
    done = shared_host.run(["python3", "-c", START, str(target), "stderr"], service=NAME)
    assert (done.stdout, done.stderr) == ("A=b\n", "")
