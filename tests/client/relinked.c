/* A program that knows nothing of services: `relinked ADDRESS PORT` sends a datagram to itself and
 * opens a connection to itself there, with every call that redirect.h renames in a way of its own.
 * Compiled as C and as C++. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#ifdef __cplusplus
/* Methods that share a name are nobody's business. */
struct Statement {
    int bound;
    Statement *bind(int column)
    {
        bound = column;
        return this;
    }
    int read()
    {
        return bound;
    }
};
#endif

static void check(int ok, const char *what)
{
    if (!ok) {
        perror(what);
        exit(1);
    }
}

/* Not inlined: nobody knows how large the buffers are. */
__attribute__((noinline)) static ssize_t by_recv(int fd, char *buf, size_t n)
{
    return recv(fd, buf, n, 0);
}

__attribute__((noinline)) static ssize_t by_recvfrom(int fd, char *buf, size_t n)
{
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    return recvfrom(fd, buf, n, 0, (struct sockaddr *)&from, &len);
}

__attribute__((noinline)) static ssize_t by_read(int fd, char *buf, size_t n)
{
    return read(fd, buf, n);
}

static void datagrams(const struct sockaddr_in *at)
{
    char buf[16], *room = (char *)malloc(16);
    struct iovec piece = {buf, sizeof buf};
    ssize_t (*const ways[])(int, char *, size_t) = {by_recv, by_recvfrom, by_read};
    int server = socket(AF_INET, SOCK_DGRAM, 0), client = socket(AF_INET, SOCK_DGRAM, 0);
    check(server >= 0 && bind(server, (const struct sockaddr *)at, sizeof *at) == 0, "bind");
    check(connect(client, (const struct sockaddr *)at, sizeof *at) == 0, "connect");
    for (size_t i = 0; i < 3; i++) {
        check(write(client, "datagram", 8) == 8, "write");
        check(ways[i](server, room, 16) == 8 && memcmp(room, "datagram", 8) == 0, "unknown size");
    }
    for (int i = 0; i < 3; i++)
        check(send(client, "datagram", 8, 0) == 8, "send");
    check(recv(server, buf, sizeof buf, 0) == 8 && memcmp(buf, "datagram", 8) == 0, "recv");
    check(read(server, buf, sizeof buf) == 8 && memcmp(buf, "datagram", 8) == 0, "read");
    check(readv(server, &piece, 1) == 8 && memcmp(buf, "datagram", 8) == 0, "readv");
    int other = fcntl(server, F_DUPFD, 20);
    check(other >= 20 && close(server) == 0, "fcntl");
    check(send(client, "again", 5, 0) == 5 && recv(other, buf, 16, 0) == 5, "duplicate");
    check(memcmp(buf, "again", 5) == 0, "duplicate");
    close(other);
    close(client);
    free(room);
}

static void streams(const struct sockaddr_in *at)
{
    char buf[16];
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    check(bind(listener, (const struct sockaddr *)at, sizeof *at) == 0, "bind");
    check(listen(listener, 5) == 0, "listen");
    check(connect(client, (const struct sockaddr *)at, sizeof *at) == 0, "connect");
    int server = accept(listener, NULL, NULL);
    FILE *file = tmpfile();
    check(server >= 0 && file != NULL && fputs("file", file) >= 0 && fflush(file) == 0, "accept");
    off_t from = 0;
    check(sendfile(client, fileno(file), &from, 4) == 4, "sendfile");
    check(recv(server, buf, 4, MSG_WAITALL) == 4 && memcmp(buf, "file", 4) == 0, "recv");
    fclose(file);
    close(client);
    close(server);
    close(listener);
}

int main(int argc, char **argv)
{
    struct sockaddr_in at;
    if (argc != 3)
        return 2;
    memset(&at, 0, sizeof at);
    at.sin_family = AF_INET;
    at.sin_port = htons((unsigned short)atoi(argv[2]));
    inet_pton(AF_INET, argv[1], &at.sin_addr);
#ifdef __cplusplus
    Statement statement;
    check(statement.bind(3)->read() == 3, "bind");
#endif
    streams(&at);
    datagrams(&at);
    return 0;
}
