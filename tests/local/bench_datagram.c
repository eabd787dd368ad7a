/* Two ways to give a program datagrams that do not travel by IP, through a relay process each:
 *
 *   seqpacket  a head in front of each datagram on AF_UNIX SOCK_SEQPACKET (local/datagram.h)
 *   udp        the program's own UDP socket, towards one UDP socket of the relay per peer on 127/8
 *
 * Alternating runs, medians; figures, no verdicts. By hand:
 *   cc -O2 -D_GNU_SOURCE -Ilibscaffold tests/local/bench_datagram.c -o bench && ./bench */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "local/datagram.h"

#define RUNS 11
#define RUN_SECONDS 0.4
#define ROUND_TRIPS 4000
#define PEERS 8000
#define BATCH 32

enum way { SEQPACKET, UDP, WAYS };
static const char *const way_name[] = {"seqpacket", "udp"};

/* The path: sender - relay - receiver; every end is one descriptor. */
struct path {
    int sender, receiver;
    int near, far; /* the relay's: towards the sender, towards the receiver */
};

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(1);
}

static int udp_socket(uint32_t ip, struct sockaddr_in *name)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    socklen_t len = sizeof *name;
    *name = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(ip)};
    must(fd >= 0 && bind(fd, (struct sockaddr *)name, len) == 0, "udp socket");
    getsockname(fd, (struct sockaddr *)name, &len);
    return fd;
}

static struct path open_path(enum way way)
{
    struct path p;
    int pair[2];
    if (way == SEQPACKET) {
        must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0, "socketpair");
        p.sender = pair[0], p.near = pair[1];
        must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0, "socketpair");
        p.receiver = pair[0], p.far = pair[1];
        return p;
    }
    struct sockaddr_in sender, receiver, near, far;
    p.sender = udp_socket(0x7f000001, &sender);
    p.receiver = udp_socket(0x7f000001, &receiver);
    p.near = udp_socket(0x7f010002, &near);
    p.far = udp_socket(0x7f010003, &far);
    /* Connected only so that both ways are written with one call below; the relay's are real. */
    must(connect(p.sender, (struct sockaddr *)&near, sizeof near) == 0 &&
             connect(p.receiver, (struct sockaddr *)&far, sizeof far) == 0 &&
             connect(p.near, (struct sockaddr *)&sender, sizeof sender) == 0 &&
             connect(p.far, (struct sockaddr *)&receiver, sizeof receiver) == 0,
         "connect");
    return p;
}

static void close_path(const struct path *p)
{
    close(p->sender), close(p->receiver), close(p->near), close(p->far);
}

/* --- the relay -------------------------------------------------------------------------------- */

static void forward(int from, int to)
{
    static char room[BATCH][2048];
    struct mmsghdr m[BATCH];
    struct iovec iov[BATCH];
    for (int i = 0; i < BATCH; i++) {
        iov[i] = (struct iovec){room[i], sizeof room[i]};
        m[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &iov[i], .msg_iovlen = 1}};
    }
    int n = recvmmsg(from, m, BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < n; i++)
        iov[i].iov_len = m[i].msg_len;
    for (int done = 0; done < n;) {
        int sent = sendmmsg(to, m + done, (unsigned)(n - done), MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        done += sent;
    }
}

static void relay(const struct path *p)
{
    int ep = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN, .data.fd = p->near};
    epoll_ctl(ep, EPOLL_CTL_ADD, p->near, &e);
    e.data.fd = p->far;
    epoll_ctl(ep, EPOLL_CTL_ADD, p->far, &e);
    for (;;) {
        struct epoll_event got[2];
        int n = epoll_wait(ep, got, 2, -1);
        for (int i = 0; i < n; i++)
            forward(got[i].data.fd, got[i].data.fd == p->near ? p->far : p->near);
    }
}

/* --- the programs ----------------------------------------------------------------------------- */

static ssize_t send_one(enum way way, int fd, void *data, size_t n)
{
    struct sc_datagram_head head = {.kind = SC_DATAGRAM_DATA};
    struct iovec iov[2] = {{&head, sizeof head}, {data, n}};
    struct msghdr m = {.msg_iov = way == SEQPACKET ? iov : iov + 1,
                       .msg_iovlen = way == SEQPACKET ? 2 : 1};
    return sendmsg(fd, &m, MSG_NOSIGNAL);
}

static ssize_t receive_one(enum way way, int fd, void *data, size_t n)
{
    struct sc_datagram_head head;
    struct sockaddr_in from;
    struct iovec iov[2] = {{&head, sizeof head}, {data, n}};
    struct msghdr m = {.msg_iov = way == SEQPACKET ? iov : iov + 1,
                       .msg_iovlen = way == SEQPACKET ? 2 : 1};
    if (way == UDP) {
        m.msg_name = &from;
        m.msg_namelen = sizeof from;
    }
    return recvmsg(fd, &m, 0);
}

static pid_t start_relay(const struct path *p)
{
    pid_t pid = fork();
    if (pid == 0)
        relay(p);
    return pid;
}

static void stop(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* Datagrams per second that arrive. */
static double one_way(enum way way, size_t size)
{
    struct path p = open_path(way);
    char data[2048] = "";
    pid_t relaying = start_relay(&p);
    pid_t sending = fork();
    if (sending == 0)
        for (;;)
            send_one(way, p.sender, data, size);
    receive_one(way, p.receiver, data, sizeof data);
    double start = seconds(), now = start;
    unsigned long count = 0;
    while (now < start + RUN_SECONDS) {
        for (int i = 0; i < 64; i++)
            receive_one(way, p.receiver, data, sizeof data);
        count += 64;
        now = seconds();
    }
    stop(sending);
    stop(relaying);
    close_path(&p);
    return (double)count / (now - start);
}

/* Microseconds for one byte there and back. */
static double round_trip(enum way way)
{
    struct path p = open_path(way);
    char byte = 0;
    pid_t relaying = start_relay(&p);
    pid_t echoing = fork();
    if (echoing == 0)
        for (;;)
            if (receive_one(way, p.receiver, &byte, 1) > 0)
                send_one(way, p.receiver, &byte, 1);
    double start = 0;
    for (int i = -200; i < ROUND_TRIPS; i++) {
        if (i == 0)
            start = seconds();
        send_one(way, p.sender, &byte, 1);
        receive_one(way, p.sender, &byte, 1);
    }
    double took = seconds() - start;
    stop(echoing);
    stop(relaying);
    close_path(&p);
    return took / ROUND_TRIPS * 1e6;
}

static long slab_kib(void)
{
    char line[128];
    long kib = 0;
    FILE *f = fopen("/proc/meminfo", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "Slab: %ld", &kib) == 1)
            break;
    fclose(f);
    return kib;
}

/* Microseconds and kernel bytes for what the relay does before it can forward the first datagram of
 * a new peer. */
static void new_peers(enum way way, double *cost, double *memory)
{
    struct path p = open_path(way);
    static int fd[PEERS];
    int ep = epoll_create1(0);
    char byte = 0, room[64];
    long before = slab_kib();
    double start = seconds();
    for (int i = 0; i < PEERS; i++) {
        struct sockaddr_in name;
        fd[i] = -1;
        if (way == UDP) {
            fd[i] = udp_socket(0x7f020000u + (uint32_t)i, &name);
            struct epoll_event e = {.events = EPOLLIN, .data.fd = fd[i]};
            epoll_ctl(ep, EPOLL_CTL_ADD, fd[i], &e);
            connect(fd[i], (struct sockaddr *)&name, sizeof name); /* to itself: a reader exists */
            send(fd[i], &byte, 1, 0);
            recv(fd[i], room, sizeof room, 0);
        } else {
            send_one(way, p.near, &byte, 1);
            receive_one(way, p.sender, room, sizeof room);
        }
    }
    *cost = (seconds() - start) / PEERS * 1e6;
    *memory = (double)(slab_kib() - before) * 1024 / PEERS;
    for (int i = 0; i < PEERS; i++)
        if (fd[i] >= 0)
            close(fd[i]);
    close(ep);
    close_path(&p);
}

/* --- figures ---------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v)
{
    qsort(v, RUNS, sizeof *v, compare);
    return v[RUNS / 2];
}

int main(void)
{
    enum { SMALL, LARGE, TRIP, FIRST, MEMORY, ROWS };
    static const char *const row[] = {"64 bytes, datagrams/s", "1400 bytes, datagrams/s",
                                      "round trip of 1 byte, us", "first datagram of a peer, us",
                                      "kernel memory of a peer, bytes"};
    static double v[ROWS][WAYS][RUNS];
    struct rlimit files = {PEERS + 100, PEERS + 100};
    setrlimit(RLIMIT_NOFILE, &files);
    for (int run = 0; run < RUNS; run++)
        for (int w = 0; w < WAYS; w++) {
            v[SMALL][w][run] = one_way((enum way)w, 64);
            v[LARGE][w][run] = one_way((enum way)w, 1400);
            v[TRIP][w][run] = round_trip((enum way)w);
            new_peers((enum way)w, &v[FIRST][w][run], &v[MEMORY][w][run]);
        }
    printf("%-32s%12s%12s\n", "", way_name[0], way_name[1]);
    for (int r = 0; r < ROWS; r++)
        printf("%-32s%12.1f%12.1f\n", row[r], median(v[r][SEQPACKET]), median(v[r][UDP]));
    return 0;
}
