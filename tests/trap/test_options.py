"""What a program of --trap sets on a socket before it meets a service."""

from pathlib import Path

from scaffold.lab import Host
from trap.common import static_program, trapped

SOURCE = r"""
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static struct sockaddr_in to = {.sin_family = AF_INET};

static void try(const char *what, int set, int unset)
{
    int on = 1, off = 0, idle = 77, kept = 0, c = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t len = sizeof kept;
    if (set)
        setsockopt(c, IPPROTO_IP, IP_MINTTL, &on, sizeof on);
    if (unset)
        setsockopt(c, IPPROTO_IP, IP_MINTTL, &off, sizeof off);
    setsockopt(c, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    int error = connect(c, (struct sockaddr *)&to, sizeof to) < 0 ? errno : 0;
    getsockopt(c, IPPROTO_TCP, TCP_KEEPIDLE, &kept, &len);
    printf("%s: %s, %d\n", what, error ? strerrorname_np(error) : "ok", kept);
}

int main(void)
{
    socklen_t len = sizeof to;
    int s = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(s, (struct sockaddr *)&to, len);
    listen(s, 9);
    getsockname(s, (struct sockaddr *)&to, &len);
    try("carried", 0, 0);
    try("refused", 1, 0);
    try("unset", 1, 1);
    return 0;
}
"""


def test_carried_and_refused(host: Host, tmp_path: Path) -> None:
    source = tmp_path / "options.c"
    source.write_text(SOURCE)
    program = trapped(static_program(source, tmp_path))
    done = host.run(program, shim=False, env={"SCAFFOLD_ALL_LOCAL": "1"})
    assert done.stdout == "carried: ok, 77\nrefused: EOPNOTSUPP, 77\nunset: ok, 77\n", done.stderr
