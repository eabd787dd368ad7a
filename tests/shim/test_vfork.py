"""Between vfork and exec a child has its own descriptors and its parent's memory."""

import subprocess
from pathlib import Path

import pytest

from scaffold.lab import Host

# A connection that stays in progress, since the queue of its listener is full; a send answers
# EAGAIN for as long.
PROGRAM = r"""
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = -1;
    bind(listener, (struct sockaddr *)&a, len);
    listen(listener, 0);
    getsockname(listener, (struct sockaddr *)&a, &len);
    for (int i = 0; i < 8; i++) {
        client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(client, (struct sockaddr *)&a, len);
    }
    pid_t child = vfork();
    if (child == 0) {
        close(client);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    ssize_t sent = send(client, "x", 1, 0);
    printf("%zd %s\n", sent, sent < 0 && errno == EAGAIN ? "EAGAIN" : "");
    return 0;
}
"""

# Becomes a program that inherits a datagram socket of a service, and asks nothing before its child
# closes that.
INHERITING = r"""
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define FD 9

int main(int argc, char **argv)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    char text[100] = "";
    if (argc == 1) {
        int s = socket(AF_INET, SOCK_DGRAM, 0);
        bind(s, (struct sockaddr *)&a, len);
        dup2(s, FD);
        execv(argv[0], (char *[]){argv[0], "again", NULL});
    }
    if (vfork() == 0) {
        close(FD);
        _exit(0);
    }
    wait(NULL);
    getsockname(FD, (struct sockaddr *)&a, &len);
    sendto(socket(AF_INET, SOCK_DGRAM, 0), "hello", 5, 0, (struct sockaddr *)&a, len);
    read(FD, text, sizeof text - 1);
    int copy = dup(FD);
    sendto(socket(AF_INET, SOCK_DGRAM, 0), "again", 5, 0, (struct sockaddr *)&a, len);
    read(copy, text + 5, sizeof text - 6);
    puts(text);
    return 0;
}
"""


def output(host: Host, folder: Path, code: str, shim: bool) -> str:
    source, program = folder / "vfork.c", folder / "vfork"
    source.write_text(code)
    subprocess.run(["cc", "-Wall", "-o", program, source], check=True)
    done = host.run([program], shim=shim, all_local=shim, timeout=60)
    return done.stdout + done.stderr


@pytest.mark.parametrize("shim", [False, True], ids=["native", "shim"])
def test_a_child_closes_what_its_parent_uses(shared_host: Host, tmp_path: Path, shim: bool) -> None:
    assert output(shared_host, tmp_path, PROGRAM, shim) == "-1 EAGAIN\n"


@pytest.mark.parametrize("shim", [False, True], ids=["native", "shim"])
def test_a_child_closes_what_its_parent_inherited(
    shared_host: Host, tmp_path: Path, shim: bool
) -> None:
    assert output(shared_host, tmp_path, INHERITING, shim) == "helloagain\n"
