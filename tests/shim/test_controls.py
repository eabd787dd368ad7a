"""Negative controls: programs and ways to start them that have broken other preload libraries."""

import ctypes.util
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from scaffold import launch, paths
from scaffold.lab import Host
from scaffold.scenario import MissingProgram
from trap.common import trapped

ECHO = """
import socket, sys
listener = socket.create_server(("0.0.0.0", 7))
print("ready", flush=True)
while True:
    flow, _ = listener.accept()
    while data := flow.recv(65536):
        flow.sendall(data)
    flow.close()
"""

# One byte there and back; says whether the socket was ours, and what the program saw.
CLIENT = r"""
#define _GNU_SOURCE
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int is_ours(int fd)
{
    char link[64] = "", path[32];
    FILE *names;
    char line[256];
    unsigned long inode = 0;
    int found = 0;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (readlink(path, link, sizeof link - 1) > 0)
        sscanf(link, "socket:[%lu]", &inode);
    names = fopen("/proc/self/net/unix", "r");
    while (names && fgets(line, sizeof line, names)) {
        unsigned long one;
        if (sscanf(line, "%*s %*s %*s %*s %*s %*s %lu", &one) == 1 && one == inode)
            found = 1;
    }
    if (names)
        fclose(names);
    return found;
}

int main(int argc, char **argv)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
    char byte = 'x';
#ifdef PURGE
    PURGE;
#endif
    if (getaddrinfo(argv[1], "7", &hints, &list) != 0) {
        puts("no such name");
        return 1;
    }
    int fd = socket(list->ai_family, SOCK_STREAM, 0);
    char *lost = malloc(8);
    memset(lost, 0, 8);
    if (connect(fd, list->ai_addr, list->ai_addrlen) < 0 || write(fd, &byte, 1) != 1 ||
        read(fd, &byte, 1) != 1) {
        perror("connect");
        return 1;
    }
    printf("%c %s\n", byte, is_ours(fd) ? "service" : "plain");
    fflush(stdout);
    free(lost);
#ifdef CHILD
    if (vfork() == 0) {
        dup2(fd, 1);
        execl("/bin/sh", "sh", "-c", "echo from the child", (char *)NULL);
        _exit(127);
    }
    char text[64] = "";
    read(fd, text, sizeof text);
    fputs(text, stdout);
#endif
    freeaddrinfo(list);
    return 0;
}
"""
NAME = "echo.control.scaffold"


@pytest.fixture(scope="module")
def echo(shared_host: Host) -> Host:
    """A host on which something answers."""
    server = shared_host.popen([sys.executable, "-c", ECHO], service=NAME, stdout=subprocess.PIPE)
    assert server.stdout and server.stdout.readline() == b"ready\n"
    return shared_host


def build(folder: Path, *flags: str, compiler: str = "cc") -> Path:
    source, program = folder / "client.c", folder / "client"
    source.write_text(CLIENT)
    command = [compiler, "-w", *flags, "-o", program, source]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise MissingProgram(f"{compiler} {' '.join(flags)}: {done.stderr.splitlines()[-1]}")
    return program


def ask(host: Host, command: Sequence[Any], **options: Any) -> str:
    done = host.run([*command, NAME], **options)
    return done.stdout + done.stderr


def run_command(host: Host, command: Sequence[Any], *options: str) -> Any:
    """Through `scaffold run` itself."""
    cli = [sys.executable, "-c", "from scaffold.cli import main; main()", "run"]
    words = [*cli, "--runtime-dir", host.runtime_dir, *options, "--", *command]
    return host.run(words, shim=False)


def test_an_ordinary_program(echo: Host, tmp_path: Path) -> None:
    assert ask(echo, [build(tmp_path)]) == "x service\n"


def test_a_static_program(echo: Host, tmp_path: Path) -> None:
    program = build(tmp_path, "-static")
    done = run_command(echo, [program, NAME], "--no-trap")
    assert done.stdout == "no such name\n"
    (line,) = done.stderr.splitlines()
    assert "statically linked" in line
    assert "it will use plain IP without --trap" in line


@pytest.fixture
def musl(tmp_path: Path) -> Path:
    if shutil.which("musl-gcc") is None:
        raise MissingProgram("musl-gcc (Debian: musl-tools)")
    return build(tmp_path, compiler="musl-gcc")


def test_a_program_of_another_libc(echo: Host, musl: Path) -> None:
    """musl's loader ends a program for which it cannot load every preload library."""
    done = run_command(echo, [musl, NAME], "--no-trap")
    assert done.stdout == "no such name\n"
    (line,) = done.stderr.splitlines()
    assert "for which the preload library is not built" in line
    assert echo.run([*trapped(musl), NAME], shim=False).stdout == "x service\n"


def test_another_libc_below_a_shell(echo: Host, musl: Path) -> None:
    """What `scaffold env` prints, and a shell hands on to everything, harms nothing; what musl's
    programs start has the shim again."""
    cli = [sys.executable, "-c", "from scaffold.cli import main; main()"]
    lines = echo.run([*cli, "env", "--runtime-dir", str(echo.runtime_dir)], shim=False).stdout
    script = f"eval '{lines}'; {musl} {NAME}; exec {musl} {NAME}"
    done = echo.run(["sh", "-c", script], shim=False)
    assert (done.stdout, done.stderr) == ("no such name\n" * 2, "")
    done = run_command(echo, ["sh", "-c", f"{musl} {NAME}; :"])
    assert (done.stdout, done.stderr) == ("no such name\n", "")


def test_a_go_program(echo: Host, tmp_path: Path) -> None:
    if shutil.which("go") is None:
        raise MissingProgram("go (Debian: golang-go)")
    (tmp_path / "main.go").write_text(
        'package main\nimport ("fmt"; "net"; "os")\n'
        'func main() { _, err := net.Dial("tcp", os.Args[1]+":7"); fmt.Println(err != nil) }\n'
    )
    env = {"GOCACHE": str(tmp_path / "cache"), "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0"}
    command = ["go", "build", "-o", "program", "main.go"]
    subprocess.run(command, cwd=tmp_path, env=os.environ | env, check=True, timeout=110)
    done = run_command(echo, [tmp_path / "program", NAME], "--no-trap")
    assert done.stdout == "true\n"
    assert len(done.stderr.splitlines()) == 1
    dynamic = os.environ | env | {"CGO_ENABLED": "1"}
    if subprocess.run(command, cwd=tmp_path, env=dynamic, timeout=110).returncode == 0:
        found = launch.obstacle([str(tmp_path / "program")])
        assert found is None or "Go program" in found.why or "statically" in found.why


def test_a_setuid_program(root_only: None, echo: Host, tmp_path: Path) -> None:
    """It is run with its rights, which the trap would take away: that is asked for, or not done."""
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents:
        if folder.owner() == "root" and "pytest" in folder.name:
            folder.chmod(0o755)
    program = build(tmp_path)
    os.chown(program, 1, 1)
    program.chmod(0o4755)
    found = launch.obstacle([str(program)])
    assert found
    assert "setuid" in found.why
    assert not found.trap
    done = run_command(echo, [program, NAME])
    assert done.stdout == "no such name\n"
    (line,) = done.stderr.splitlines()
    assert "is setuid" in line
    assert "it will use plain IP" in line


@pytest.mark.parametrize("purge", ["closefrom(3)", "close_range(3, ~0U, 0)"])
def test_purged_descriptors(echo: Host, tmp_path: Path, purge: str) -> None:
    assert ask(echo, [build(tmp_path, f"-DPURGE={purge}")]) == "x service\n"


def test_jemalloc_preloaded_too(echo: Host, tmp_path: Path) -> None:
    library = ctypes.util.find_library("jemalloc")
    if library is None:
        raise MissingProgram("libjemalloc.so.2 (Debian: libjemalloc2)")
    shim = str(paths.part(paths.SHIM))
    for order in ([library, shim], [shim, library]):
        env = {"LD_PRELOAD": ":".join(order)}
        assert ask(echo, [build(tmp_path)], env=env) == "x service\n"


def test_a_program_with_address_sanitizer(echo: Host, tmp_path: Path) -> None:
    program = build(tmp_path, "-fsanitize=address")
    assert ask(echo, [program]) == "x service\n"


def test_preloaded_twice(echo: Host, tmp_path: Path) -> None:
    shim = paths.part(paths.SHIM)
    for library in shim.parent.glob("libscaffold_shim*.so"):
        shutil.copy(library, tmp_path)
    copy = tmp_path / paths.SHIM
    program = build(tmp_path)
    for second in (shim, copy):
        env = {"LD_PRELOAD": f"{shim}:{second}"}
        assert ask(echo, [program], env=env) == "x service\n"


def test_a_child_with_an_empty_environment(echo: Host, tmp_path: Path) -> None:
    """It has lost the shim: the name means nothing to it, and that is what it is told."""
    assert ask(echo, ["env", "-i", build(tmp_path)]) == "no such name\n"


def test_vfork_and_exec_with_an_inherited_flow(echo: Host, tmp_path: Path) -> None:
    program = build(tmp_path, "-DCHILD")
    assert ask(echo, [program]) == "x service\nfrom the child\n"


MEGABYTE = """
import hashlib, socket, sys, threading
data = bytes(i * 31 % 251 for i in range(1 << 20))
flow = socket.create_connection((sys.argv[1], 7))
got = hashlib.sha256()
def read():
    left = len(data)
    while left:
        piece = flow.recv(65536)
        assert piece
        got.update(piece); left -= len(piece)
reader = threading.Thread(target=read); reader.start()
for i in range(len(data)):
    flow.send(data[i:i + 1])
reader.join()
print(got.hexdigest())
"""


def test_a_megabyte_of_one_byte_writes(echo: Host) -> None:
    data = bytes(i * 31 % 251 for i in range(1 << 20))
    output = echo.run([sys.executable, "-c", MEGABYTE, NAME], timeout=110)
    assert output.stdout.strip() == hashlib.sha256(data).hexdigest(), output.stderr


TRANSFER = """
import errno, socket, sys
flow = socket.create_connection((sys.argv[1], 9))
total = 0
print("ready", flush=True)
try:
    while piece := flow.recv(65536):
        total += len(piece)
        if total == len(piece):
            print("flowing", flush=True)
    print("end of file")
except OSError as error:
    print(errno.errorcode[error.errno])
"""
SOURCE = """
import socket
listener = socket.create_server(("0.0.0.0", 9))
print("ready", flush=True)
flow, _ = listener.accept()
try:
    while True:
        flow.sendall(bytes(65536))
except OSError as error:
    print(type(error).__name__, flush=True)
"""


def test_scaffoldd_killed_in_mid_transfer(host: Host) -> None:
    name = "source.control.scaffold"
    host.kill_scaffoldd()
    host.scaffoldd(plane="user")  # flows of the local plane outlive it
    server = host.popen(
        [sys.executable, "-c", SOURCE], service=name, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout and server.stdout.readline() == "ready\n"
    client = host.popen([sys.executable, "-c", TRANSFER, name], stdout=subprocess.PIPE, text=True)
    assert client.stdout
    assert [client.stdout.readline() for _ in range(2)] == ["ready\n", "flowing\n"]
    host.kill_scaffoldd()
    assert client.communicate(timeout=30)[0] == "ECONNRESET\n"
    assert server.communicate(timeout=30)[0] in ("ConnectionResetError\n", "BrokenPipeError\n")
