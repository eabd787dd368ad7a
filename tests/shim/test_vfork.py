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

# Is passed a datagram socket of a service by another process, its first, and has it closed by a
# child.
PASSED = r"""
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

union rights {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(int))];
};

static struct msghdr message(union rights *rights)
{
    static char byte;
    static struct iovec piece = {&byte, 1};
    return (struct msghdr){.msg_iov = &piece, .msg_iovlen = 1, .msg_control = rights->room,
                           .msg_controllen = sizeof rights->room};
}

static void pass(int over, int fd)
{
    union rights rights = {.head = {CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS}};
    struct msghdr m = message(&rights);
    memcpy(CMSG_DATA(&rights.head), &fd, sizeof fd);
    sendmsg(over, &m, 0);
}

static int receive(int over)
{
    union rights rights;
    struct msghdr m = message(&rights);
    int fd;
    recvmsg(over, &m, 0);
    memcpy(&fd, CMSG_DATA(&rights.head), sizeof fd);
    return fd;
}

int main(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    char text[100] = "";
    int over[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, over);
    if (fork() == 0) {
        int s = socket(AF_INET, SOCK_DGRAM, 0);
        bind(s, (struct sockaddr *)&a, len);
        pass(over[1], s);
        return 0;
    }
    int s = receive(over[0]);
    wait(NULL);
#ifdef ASKED_BEFORE
    getsockname(s, (struct sockaddr *)&a, &len);
#endif
    if (vfork() == 0) {
        close(s);
        socket(AF_INET, SOCK_DGRAM, 0);
        _exit(0);
    }
    wait(NULL);
    getsockname(s, (struct sockaddr *)&a, &len);
    sendto(socket(AF_INET, SOCK_DGRAM, 0), "hello", 5, 0, (struct sockaddr *)&a, len);
    read(s, text, sizeof text - 1);
    int copy = dup(s);
    sendto(socket(AF_INET, SOCK_DGRAM, 0), "again", 5, 0, (struct sockaddr *)&a, len);
    read(copy, text + 5, sizeof text - 6);
    puts(text);
    return 0;
}
"""


# A child makes sockets with the numbers of its parent's: a listener's and a datagram socket's.
NUMBERS = r"""
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sockaddr_in bound(int s)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    bind(s, (struct sockaddr *)&a, len);
    getsockname(s, (struct sockaddr *)&a, &len);
    return a;
}

int main(void)
{
    char text[100];
    int datagrams = socket(AF_INET, SOCK_DGRAM, 0), listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = bound(datagrams), at = bound(listener), peer = {0};
    socklen_t len = sizeof peer;
    listen(listener, 5);
    int client = socket(AF_INET, SOCK_STREAM, 0), sender = socket(AF_INET, SOCK_DGRAM, 0);
    if (vfork() == 0) {
        close(datagrams);
        close(listener);
        socket(AF_INET, SOCK_STREAM, 0);
        socket(AF_INET, SOCK_STREAM, 0);
        _exit(0);
    }
    wait(NULL);
    sendto(sender, "hello", 5, 0, (struct sockaddr *)&to, sizeof to);
    printf("%zd ", recv(datagrams, text, sizeof text, 0));
    connect(client, (struct sockaddr *)&at, sizeof at);
    printf("%d ", accept(listener, (struct sockaddr *)&peer, &len) >= 0);
    printf("%d\n", peer.sin_family == AF_INET);
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
@pytest.mark.parametrize("asked", ["#define ASKED_BEFORE", ""], ids=["asked before", "not asked"])
def test_a_child_closes_what_its_parent_was_passed(
    shared_host: Host, tmp_path: Path, asked: str, shim: bool
) -> None:
    """And makes a socket of its number, also where the parent has not used it by then."""
    assert output(shared_host, tmp_path, f"{asked}\n{PASSED}", shim) == "helloagain\n"


@pytest.mark.parametrize("shim", [False, True], ids=["native", "shim"])
def test_a_child_makes_sockets_with_the_numbers_of_its_parents(
    shared_host: Host, tmp_path: Path, shim: bool
) -> None:
    assert output(shared_host, tmp_path, NUMBERS, shim) == "5 1 1\n"
