"""`scaffold run` takes the trap by itself for programs that the preload library does not reach."""

import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scaffold.lab import Host, Lab
from scaffold.scenario import MissingProgram
from trap.common import HERE, go_program, scaffold_run, static_program, trapped

NAME = "chosen.demo.scaffold"
SERVER = """
import socket
listener = socket.create_server(("0.0.0.0", 7))
print("ready", flush=True)
while True:
    flow, _ = listener.accept()
    flow.sendall(b"hello\\n")
    flow.close()
"""
CLIENT = r"""
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
    char text[16] = "";
    printf("LD_PRELOAD is %s\n", getenv("LD_PRELOAD") ? "set" : "not set");
    if (getaddrinfo(argv[1], "7", &hints, &list) != 0)
        return puts("no such name"), 0;
    int fd = socket(list->ai_family, SOCK_STREAM, 0);
    if (connect(fd, list->ai_addr, list->ai_addrlen) < 0 || read(fd, text, sizeof text - 1) < 0)
        return puts("not reached"), 0;
    fputs(text, stdout);
    return 0;
}
"""


@pytest.fixture(scope="module")
def served(lab: Lab, host: Host) -> Host:
    process = host.popen([sys.executable, "-c", SERVER], service=NAME, stdout=subprocess.PIPE)
    lab.await_service(f"{NAME}:7", process=process)
    return host


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chosen")


@pytest.fixture(scope="module")
def client(folder: Path) -> Path:
    source = folder / "client.c"
    source.write_text(CLIENT)
    program = folder / "client"
    subprocess.run(["gcc", "-static", "-w", "-o", program, source], check=True)
    return program


def run(host: Host, *rest: str | Path) -> Any:
    return host.run(scaffold_run(host, *rest), shim=False)


CHOSEN = "--trap is used (--no-trap: plain IP)"


def test_a_static_program(served: Host, client: Path) -> None:
    done = run(served, client, NAME)
    assert done.stdout == "LD_PRELOAD is not set\nhello\n"
    assert done.stderr == (
        f"scaffold: {client} is statically linked, where no preload library is loaded: {CHOSEN}\n"
    )


def test_a_musl_program(served: Host, client: Path) -> None:
    if shutil.which("musl-gcc") is None:
        raise MissingProgram("musl-gcc (Debian: musl-tools)")
    program = client.with_name("musl")
    subprocess.run(["musl-gcc", "-w", "-o", program, client.with_suffix(".c")], check=True)
    done = run(served, program, NAME)
    assert done.stdout.endswith("\nhello\n")
    (line,) = done.stderr.splitlines()
    assert line.endswith(f"for which the preload library is not built: {CHOSEN}")


def test_a_go_program(served: Host, folder: Path) -> None:
    program = go_program(HERE / "web.go", folder)
    with served.popen(
        scaffold_run(served, "--service", NAME, "--", program, "serve", ":8080"),
        shim=False,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        assert process.stderr.readline().endswith(f"{CHOSEN}\n")
        served.lab.await_service(f"{NAME}:8080", process=process)
        done = run(served, program, "get", "1", f"http://{NAME}:8080/go")
        assert done.stdout.startswith("1 /go  from 198.18."), done
        served.end(process)


@pytest.mark.parametrize(
    "first_line",
    ["#!{0}", "#!/usr/bin/env -S A=b {0}", "#!{1}"],
    ids=["interpreter", "env", "script of a script"],
)
def test_a_script(served: Host, client: Path, first_line: str) -> None:
    inner = client.with_name("inner")
    inner.write_text(f"#!{client}\n")
    inner.chmod(0o755)
    script = client.with_name("script")
    script.write_text(first_line.format(client, inner) + "\n")
    script.chmod(0o755)
    done = run(served, script, NAME)
    assert done.stderr.endswith(f"{CHOSEN}\n")
    assert len(done.stderr.splitlines()) == 1


def test_what_env_starts(served: Host, client: Path) -> None:
    done = run(served, "env", "-u", "HOME", "A=b", client, NAME)
    assert "hello" in done.stdout
    assert done.stderr.endswith(f"{CHOSEN}\n")


def test_it_is_asked_for(served: Host, client: Path) -> None:
    """Then nothing is said."""
    done = run(served, "--trap", "--", client, NAME)
    assert (done.stdout, done.stderr) == ("LD_PRELOAD is not set\nhello\n", "")


def test_it_is_excluded(served: Host, client: Path) -> None:
    done = run(served, "--no-trap", "--", client, NAME)
    assert done.stdout == "LD_PRELOAD is set\nno such name\n"
    (line,) = done.stderr.splitlines()
    assert line.endswith("it will use plain IP without --trap")


def test_nothing_is_said_of_what_the_shim_reaches(served: Host) -> None:
    assert run(served, "sh", "-c", "exit 3").stderr == ""


def test_explain_has_no_use_for_it(served: Host, client: Path) -> None:
    done = run(served, "--explain", "--", client, NAME)
    assert done.stdout == "LD_PRELOAD is set\nno such name\n"
    assert done.stderr.splitlines()[0].endswith(
        "it will use plain IP, for --explain needs the preload library"
    )


def test_inside_another(served: Host, client: Path) -> None:
    done = served.run(trapped(*scaffold_run(served, client, NAME)), shim=False)
    assert done.stdout.startswith("LD_PRELOAD is set\n")
    (line,) = done.stderr.splitlines()
    assert "and --trap cannot be used: a seccomp listener watches this process tree" in line
    assert line.endswith("it will use plain IP")


PIDFD_GETFD = 438
SECCOMP, READ_MEMORY = {"x86_64": (317, 310), "aarch64": (277, 270)}[platform.machine()]


@pytest.mark.parametrize("number", [PIDFD_GETFD, SECCOMP, READ_MEMORY])
def test_where_it_cannot_start(served: Host, client: Path, folder: Path, number: int) -> None:
    """One line says so, and the program is run as without: no socket call of it fails."""
    deny = static_program(HERE / "deny.c", folder)
    done = served.run([deny, str(number), *scaffold_run(served, client, NAME)], shim=False)
    assert done.stdout == "LD_PRELOAD is set\nno such name\n"
    (line,) = done.stderr.splitlines()
    assert "statically linked" in line
    assert "--trap cannot be used" in line
    assert "Operation not permitted" in line
    words = scaffold_run(served, "--trap", client, NAME)
    asked = served.run([deny, str(number), *words], shim=False)
    assert (asked.returncode, asked.stdout) == (1, "")
