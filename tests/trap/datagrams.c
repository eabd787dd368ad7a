/* Datagram calls of a static program, which only the trap reaches:
 *
 *   serve PORT                 echoes what comes, from an unconnected socket
 *   ask ADDRESS PORT TEXT      sendto, recvfrom: the answer, whose it is, and the own name
 *   connected ADDRESS PORT     connect, write, read, getpeername; three at once with sendmmsg
 *   refused ADDRESS PORT       what a connected socket is told
 *   lookup SERVER NAME         a resolver that never connects: A record, or the response code
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    return 1;
}

static struct sockaddr_in address(const char *host, const char *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    inet_pton(AF_INET, host, &a.sin_addr);
    return a;
}

static void show(const char *what, const struct sockaddr_in *a)
{
    printf("%s %s:%d\n", what, inet_ntoa(a->sin_addr), ntohs(a->sin_port));
}

static int udp(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct timeval patience = {.tv_sec = 20};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

static int serve(const char *port)
{
    char bytes[65536];
    struct sockaddr_in any = address("0.0.0.0", port), peer;
    int fd = udp();
    struct timeval never = {0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &never, sizeof never);
    if (bind(fd, (struct sockaddr *)&any, sizeof any) < 0)
        return fail("bind");
    for (;;) {
        socklen_t len = sizeof peer;
        ssize_t n = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&peer, &len);
        if (n < 0)
            return fail("recvfrom");
        if (sendto(fd, bytes, (size_t)n, 0, (struct sockaddr *)&peer, len) != n)
            return fail("sendto");
    }
}

static int ask(const char *host, const char *port, const char *text)
{
    char bytes[65536];
    struct sockaddr_in to = address(host, port), from, own;
    struct iovec iov = {bytes, sizeof bytes};
    struct msghdr msg = {
        .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &iov, .msg_iovlen = 1};
    socklen_t len = sizeof own;
    int fd = udp();
    if (sendto(fd, text, strlen(text), 0, (struct sockaddr *)&to, sizeof to) < 0)
        return fail("sendto");
    ssize_t n = recvmsg(fd, &msg, 0);
    if (n < 0)
        return fail("recvmsg");
    printf("%.*s\n", (int)n, bytes);
    show("from", &from);
    getsockname(fd, (struct sockaddr *)&own, &len);
    show("own", &own);
    return 0;
}

static int connected(const char *host, const char *port)
{
    char bytes[4][100];
    struct sockaddr_in to = address(host, port), peer;
    struct mmsghdr list[3] = {0};
    struct iovec pieces[3];
    socklen_t len = sizeof peer;
    int fd = udp(), other = udp();
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        return fail("connect");
    if (write(fd, "plain", 5) != 5 || read(fd, bytes[0], 100) != 5)
        return fail("read");
    getpeername(fd, (struct sockaddr *)&peer, &len);
    show("peer", &peer);
    for (int i = 0; i < 3; i++) {
        snprintf(bytes[i], sizeof bytes[i], "one of %d", i);
        pieces[i] = (struct iovec){bytes[i], strlen(bytes[i])};
        list[i].msg_hdr = (struct msghdr){
            .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &pieces[i], .msg_iovlen = 1};
    }
    if (sendmmsg(other, list, 3, 0) != 3)
        return fail("sendmmsg");
    for (int i = 0; i < 3; i++) {
        memset(bytes[i], 0, sizeof bytes[i]);
        pieces[i].iov_len = sizeof bytes[i];
        list[i].msg_hdr.msg_name = NULL;
        if (recvmmsg(other, &list[i], 1, 0, NULL) != 1)
            return fail("recvmmsg");
        printf("%u %s\n", list[i].msg_len, bytes[i]);
    }
    return 0;
}

static int refused(const char *host, const char *port)
{
    char byte;
    struct sockaddr_in to = address(host, port);
    int fd = udp();
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0 || send(fd, "x", 1, 0) != 1)
        return fail("connect");
    struct pollfd p = {.fd = fd, .events = POLLIN};
    poll(&p, 1, 20000);
    ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);
    printf("%#x %zd %s\n", (unsigned)p.revents, n, strerror(errno));
    return 0;
}

static size_t write_query(const char *name, unsigned char *out)
{
    static const unsigned char head[12] = {0x12, 0x34, 1, 0, 0, 1};
    size_t at = sizeof head;
    memcpy(out, head, sizeof head);
    while (*name) {
        size_t label = strcspn(name, ".");
        out[at++] = (unsigned char)label;
        memcpy(out + at, name, label);
        at += label;
        name += label + (name[label] == '.');
    }
    memcpy(out + at, "\0\0\1\0\1", 5);
    return at + 5;
}

static int lookup(const char *server, const char *name)
{
    unsigned char bytes[600];
    struct sockaddr_in to = address(server, "53"), from;
    socklen_t len = sizeof from;
    int fd = udp();
    size_t n = write_query(name, bytes);
    if (sendto(fd, bytes, n, 0, (struct sockaddr *)&to, sizeof to) < 0)
        return fail("sendto");
    ssize_t got = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &len);
    if (got < 12)
        return fail("recvfrom");
    show("from", &from);
    if (bytes[7] == 1)
        printf("%d.%d.%d.%d\n", bytes[got - 4], bytes[got - 3], bytes[got - 2], bytes[got - 1]);
    else
        printf("code %d\n", bytes[3] & 15);
    return 0;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 3 && strcmp(argv[1], "serve") == 0)
        return serve(argv[2]);
    if (argc == 5 && strcmp(argv[1], "ask") == 0)
        return ask(argv[2], argv[3], argv[4]);
    if (argc == 4 && strcmp(argv[1], "connected") == 0)
        return connected(argv[2], argv[3]);
    if (argc == 4 && strcmp(argv[1], "refused") == 0)
        return refused(argv[2], argv[3]);
    if (argc == 4 && strcmp(argv[1], "lookup") == 0)
        return lookup(argv[2], argv[3]);
    return 2;
}
