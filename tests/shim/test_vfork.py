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


@pytest.mark.parametrize("shim", [False, True], ids=["native", "shim"])
def test_a_child_closes_what_its_parent_uses(shared_host: Host, tmp_path: Path, shim: bool) -> None:
    source, program = tmp_path / "vfork.c", tmp_path / "vfork"
    source.write_text(PROGRAM)
    subprocess.run(["cc", "-Wall", "-o", program, source], check=True)
    done = shared_host.run([program], shim=shim, all_local=shim)
    assert done.stdout == "-1 EAGAIN\n", done.stderr
