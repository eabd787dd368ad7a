"""Beside other preloaded libraries: they see what the program asks for, and nothing else."""

import shutil
import subprocess
from pathlib import Path

import pytest

from scaffold import paths
from scaffold.lab import Host

SOURCE = Path(__file__).with_name("other_preload.c")
PROGRAM = r"""
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>
int main(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int s = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), size = 65536;
    char byte = 'x';
    bind(s, (struct sockaddr *)&a, len);
    listen(s, 5);
    getsockname(s, (struct sockaddr *)&a, &len);
    if (connect(c, (struct sockaddr *)&a, len) < 0)
        return 1;
    int d = accept4(s, (struct sockaddr *)&a, &len, SOCK_CLOEXEC);
    getpeername(d, (struct sockaddr *)&a, &len);
    setsockopt(d, SOL_SOCKET, SO_KEEPALIVE, &size, sizeof size);
    send(c, &byte, 1, 0);
    if (recv(d, &byte, 1, 0) != 1)
        return 2;
    close(c);
    if (recv(d, &byte, 1, 0) != 0)
        return 3;
    close(dup(d));
    close(d);
    close(s);
    return 0;
}
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("preload")
    (folder / "program.c").write_text(PROGRAM)
    program, library = folder / "program", folder / "other.so"
    subprocess.run(["cc", "-w", "-o", program, folder / "program.c"], check=True, timeout=60)
    flags = ["-fPIC", "-shared", "-fno-builtin", "-Wall"]
    subprocess.run(["cc", *flags, "-o", library, SOURCE], check=True, timeout=60)
    return program, library


def counts(host: Host, program: Path, *preload: Path) -> dict[str, int]:
    command = ["env", f"LD_PRELOAD={':'.join(map(str, preload))}", program]
    done = host.run(command, all_local=True)
    assert done.returncode == 0, done
    return {name: int(count) for name, count in map(str.split, done.stderr.splitlines())}


def test_it_sees_the_calls_of_the_program(shared_host: Host, built: tuple[Path, Path]) -> None:
    program, other = built
    shim = paths.part(paths.SHIM)
    native = counts(shared_host, program, other)
    assert native["connect"] == native["listen"] == 1
    assert counts(shared_host, program, other, shim) == native
    # Behind the shim: what is left for libc to do, by the more general names; a connect that takes
    # its time waits where a thread can be cancelled.
    expected = {name: count for name, count in native.items() if name not in ("bind", "connect")}
    for one, general in (("send", "sendto"), ("recv", "recvfrom")):
        expected[general] = expected.pop(one)
    seen = counts(shared_host, program, shim, other)
    assert seen.pop("recvfrom") - expected.pop("recvfrom") in (0, 1)
    assert seen == expected


def test_fakeroot(shared_host: Host, tmp_path: Path) -> None:
    """Its stat asks a server, under a lock."""
    if shutil.which("fakeroot") is None:
        pytest.skip("fakeroot is not installed")
    file = tmp_path / "file"
    code = (
        "import os, socket, sys\n"
        "file = sys.argv[1]; open(file, 'w').close(); os.chown(file, 1234, 5678)\n"
        "s = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(s.getsockname()).close()\n"
        "print(os.stat(file).st_uid, s.accept()[0].recv(1))\n"
    )
    command = ["fakeroot", shutil.which("python3"), "-c", code, str(file)]
    done = shared_host.run(command, all_local=True)
    assert (done.stdout, done.stderr) == ("1234 b''\n", "")
