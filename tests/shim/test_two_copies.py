"""A program that uses libscaffold itself and runs under the shim holds two copies of the client."""

import subprocess
from pathlib import Path

import pytest

from scaffold import paths
from scaffold.lab import Host

PROGRAM = r"""
#include <scaffold/scaffold.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <unistd.h>

#define MUST(x) \
    do { \
        if (!(x)) { printf("%s: %s\n", #x, scaffold_strerror(errno)); return 1; } \
    } while (0)

int main(int argc, char **argv)
{
    struct sockaddr_scaffold address, seen;
    struct sockaddr *sa = (struct sockaddr *)&address;
    char text[SCAFFOLD_SERVICE_STRLEN], buf[16];
    int listener = scaffold_socket(AF_SCAFFOLD, SOCK_STREAM, 0);
    int client = scaffold_socket(AF_SCAFFOLD, SOCK_STREAM | SOCK_NONBLOCK, 0);
    MUST(argc == 2 && listener >= 0 && client >= 0);
    MUST(scaffold_service_parse(argv[1], &address) == 0);
    MUST(scaffold_service_format(&address, text, sizeof text) > 0);
    puts(text);
    MUST(scaffold_bind(listener, sa, sizeof address) == 0);
    MUST(scaffold_listen(listener, 5) == 0);
    int set = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLOUT, .data.u64 = 42};
    struct timeval timeout = {.tv_sec = 7};
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, client, &event) == 0);
    MUST(setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) == 0);
    MUST(scaffold_connect(client, sa, sizeof address) < 0 && errno == EINPROGRESS);
    MUST(epoll_wait(set, &event, 1, 5000) == 1 && event.data.u64 == 42);
    int error = -1;
    socklen_t len = sizeof timeout;
    timeout.tv_sec = 0;
    MUST(getsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &timeout, &len) == 0 && timeout.tv_sec == 7);
    len = sizeof error;
    MUST(scaffold_getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0);
    len = sizeof error;
    MUST(scaffold_getsockopt(client, SOL_SOCKET, SO_DOMAIN, &error, &len) == 0);
    MUST(error == AF_SCAFFOLD);
    len = sizeof seen;
    int server = scaffold_accept4(listener, (struct sockaddr *)&seen, &len, 0);
    MUST(server >= 0 && len == sizeof seen && seen.sc_family == AF_SCAFFOLD);
    len = sizeof seen;
    MUST(scaffold_getsockname(server, (struct sockaddr *)&seen, &len) == 0);
    MUST(memcmp(&seen.sc_service, &address.sc_service, 30) == 0);
    len = sizeof seen;
    MUST(scaffold_getpeername(client, (struct sockaddr *)&seen, &len) == 0);
    MUST(memcmp(&seen.sc_service, &address.sc_service, 30) == 0);
    MUST(write(client, "hello", 5) == 5 && read(server, buf, sizeof buf) == 5);
    MUST(scaffold_shutdown(client, SHUT_WR) == 0 && read(server, buf, sizeof buf) == 0);
    close(listener);
    close(server);
    puts("fine");
    return 0;
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("relinked")
    (folder / "program.c").write_text(PROGRAM)
    library = paths.part("libscaffold.so")
    include = Path(__file__).parents[2] / "libscaffold/include"
    command = ["cc", "-Wall", "-Werror", f"-I{include}", "program.c", "-o", "program"]
    command += [str(library), f"-Wl,-rpath,{library.parent}"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "program"


@pytest.mark.parametrize("shim", [False, True], ids=["alone", "under the shim"])
def test_native_program(shared_host: Host, program: Path, shim: bool) -> None:
    done = shared_host.run([program, "native.demo.scaffold:7777"], shim=shim)
    assert done.stdout == "native.demo.scaffold:7777/tcp\nfine\n", done.stderr


def test_without_scaffoldd(host: Host, program: Path) -> None:
    host.kill_scaffoldd()
    done = host.run([program, "native.demo.scaffold:1"], shim=False)
    assert "no scaffoldd answers" in done.stdout
