"""libc's syscall(): socket calls by number are the shim's, all others pass through."""

import subprocess
from pathlib import Path

from scaffold.lab import Host

PROGRAM = r"""
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static long streams(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    char byte = 'x', back = 0;
    long s = syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
    syscall(SYS_bind, s, &a, len);
    syscall(SYS_listen, s, 5);
    syscall(SYS_getsockname, s, &a, &len);
    long c = syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
    if (syscall(SYS_connect, c, &a, len) < 0)
        return -errno;
    long t = syscall(SYS_accept4, s, NULL, NULL, SOCK_CLOEXEC);
    syscall(SYS_sendto, c, &byte, 1, MSG_NOSIGNAL, NULL, 0);
    syscall(SYS_recvfrom, t, &back, 1, 0, NULL, NULL);
    syscall(SYS_close, s);
    return back == byte && a.sin_port != 0;
}

static long datagrams(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    char text[] = "hello", room[16];
    struct iovec out = {text, 5}, in = {room, sizeof room};
    struct mmsghdr m[2] = {{.msg_hdr = {.msg_iov = &out, .msg_iovlen = 1}},
                           {.msg_hdr = {.msg_iov = &in, .msg_iovlen = 1}}};
    long s = syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0);
    long c = syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0);
    syscall(SYS_bind, s, &a, len);
    syscall(SYS_getsockname, s, &a, &len);
    syscall(SYS_connect, c, &a, len);
    if (syscall(SYS_sendmmsg, c, &m[0], 1, 0) != 1)
        return -errno;
    if (syscall(SYS_recvmmsg, s, &m[1], 1, 0, NULL) != 1)
        return -errno;
    return m[1].msg_len == 5 && memcmp(room, text, 5) == 0;
}

int main(void)
{
    printf("streams %ld\n", streams());
    printf("datagrams %ld\n", datagrams());
    printf("pid %d\n", syscall(SYS_getpid) == getpid());
    errno = 0;
    printf("unknown %ld %d\n", syscall(100000), errno == ENOSYS);
    printf("negative %ld\n", syscall(-1));
    void *page = (void *)syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(page, 1, 4096);
    printf("six arguments %d\n", page != MAP_FAILED);
    errno = 7;
    printf("errno %ld %d\n", syscall(SYS_getppid) > 0, errno);
    long child = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0)
        _exit(3);
    int status = 0;
    waitpid((pid_t)child, &status, 0);
    printf("clone %d\n", WEXITSTATUS(status));
    return 0;
}
"""


def test_by_number(shared_host: Host, tmp_path: Path) -> None:
    source, program = tmp_path / "number.c", tmp_path / "number"
    source.write_text(PROGRAM)
    subprocess.run(["cc", "-w", "-O2", "-o", program, source], check=True)
    native = shared_host.run([program], shim=False)
    ours = shared_host.run([program], all_local=True)
    assert ours.stdout == native.stdout, ours.stderr
    assert "streams 1\ndatagrams 1\n" in ours.stdout
    before = shared_host.status()["counters"]["datagrams_from_programs"]
    shared_host.run([program], all_local=True)
    assert shared_host.status()["counters"]["datagrams_from_programs"] == before + 1
