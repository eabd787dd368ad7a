/* Floods a scaffoldd with packets of one kind, at a steady rate and for a bounded time.
 *
 *   flooder [option...] KIND ADDRESS PORT
 *     --rate N        packets per second (50000)
 *     --seconds N     for so long (3), or until SIGTERM
 *     --sources N     in the name of so many hosts of the same /16 (1: its own; more need root)
 *     --member NAME   joins first, and speaks as the host of this name
 *     --service HEX  --datagrams HEX  (ServiceIDs)  --other HEX (a host's network address)
 *
 * Prints {"sent", "seconds"}. What the flooded host cannot take is the kernel's to drop; a flooder
 * that falls behind leaves packets out, so that it never sends faster than it was told. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "flood/kinds.h"
#include "wire/control.h"

enum { BATCH = 50, HEADERS = sizeof(struct iphdr) + sizeof(struct udphdr) };
/* How far behind its time the flood may be and still catch up. */
#define BEHIND_S 0.01
#define PATIENCE_S 5
#define MEMBER_EPOCH 0x5caff01d

struct flooder {
    struct flood_target target;
    const struct flood_kind *kind;
    const char *member;
    struct sockaddr_in to;
    struct in_addr own;
    double rate, seconds;
    unsigned sources;
    int fd;
    uint64_t sent;
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

static int fail(const char *what)
{
    fprintf(stderr, "flooder: %s: %s\n", what, strerror(errno));
    return 1;
}

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static struct sc_service_id service_id(const char *text)
{
    struct sc_service_id id = {{0}};
    for (size_t i = 0; i < sizeof id.bytes && sscanf(text + 2 * i, "%2hhx", &id.bytes[i]) == 1; i++)
        ;
    return id;
}

/* --- joining ---------------------------------------------------------------------------------- */

/* Asks until the answer to this very request has come; 0 or -1. */
static int ask(int fd, struct sc_control *c, struct sc_control *answer)
{
    uint8_t packet[FLOOD_PACKET];
    struct sc_writer w = sc_writer(packet, sizeof packet);
    struct sc_header h;
    c->transaction = (uint64_t)(seconds_now() * 1e9);
    sc_control_write(&w, c);
    for (double end = seconds_now() + PATIENCE_S; seconds_now() < end;) {
        if (send(fd, packet, sc_writer_len(&w), 0) < 0 && errno != ECONNREFUSED)
            return -1;
        uint8_t got[FLOOD_PACKET];
        ssize_t len = recv(fd, got, sizeof got, 0);
        struct sc_reader r = sc_reader(got, len > 0 ? (size_t)len : 0);
        sc_header_read(&r, &h);
        sc_control_read(&r, &h, answer);
        if (!r.bad && answer->transaction == c->transaction)
            return 0;
    }
    errno = ETIMEDOUT;
    return -1;
}

/* Gets a network address, and goes on as that host. */
static int join(struct flooder *f)
{
    struct sc_control c = {.message = SC_MSG_JOIN, .epoch = MEMBER_EPOCH}, answer;
    snprintf(c.name, sizeof c.name, "%s", f->member);
    if (ask(f->fd, &c, &answer) < 0)
        return -1;
    f->target.member = answer.address;
    f->target.epoch = MEMBER_EPOCH;
    return 0;
}

/* --- sending ---------------------------------------------------------------------------------- */

static int open_plain(struct flooder *f)
{
    struct timeval patience = {.tv_usec = 200000};
    socklen_t len = sizeof(struct sockaddr_in);
    struct sockaddr_in own;
    int size = 4 * 1024 * 1024;
    f->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (f->fd < 0 || connect(f->fd, (struct sockaddr *)&f->to, sizeof f->to) < 0)
        return -1;
    setsockopt(f->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(f->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    getsockname(f->fd, (struct sockaddr *)&own, &len);
    f->own = own.sin_addr;
    return 0;
}

/* The headers of a packet in somebody else's name: the upper half of our own /16. */
static void write_headers(const struct flooder *f, uint8_t *packet, size_t len, uint64_t n)
{
    uint32_t who = (uint32_t)(n % f->sources);
    struct iphdr ip = {.version = 4,
                       .ihl = 5,
                       .tot_len = htons((uint16_t)(HEADERS + len)),
                       .ttl = 64,
                       .protocol = IPPROTO_UDP,
                       .saddr =
                           htonl((ntohl(f->own.s_addr) & 0xffff0000) | 0x8000 | (who & 0x7fff)),
                       .daddr = f->to.sin_addr.s_addr};
    struct udphdr udp = {.source = htons((uint16_t)(20000 + (who >> 15))),
                         .dest = f->to.sin_port,
                         .len = htons((uint16_t)(sizeof udp + len))};
    memcpy(packet, &ip, sizeof ip);
    memcpy(packet + sizeof ip, &udp, sizeof udp);
}

/* Sends up to BATCH packets. */
static void send_batch(struct flooder *f, size_t count)
{
    static uint8_t room[BATCH][HEADERS + FLOOD_PACKET];
    struct mmsghdr m[BATCH];
    struct iovec iov[BATCH];
    bool raw = f->sources > 1;
    for (size_t i = 0; i < count; i++) {
        uint64_t n = f->sent + i;
        size_t len = f->kind->write(room[i] + HEADERS, &f->target, n);
        if (raw)
            write_headers(f, room[i], len, n);
        iov[i] =
            raw ? (struct iovec){room[i], HEADERS + len} : (struct iovec){room[i] + HEADERS, len};
        m[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &iov[i], .msg_iovlen = 1}};
        if (raw) {
            m[i].msg_hdr.msg_name = &f->to;
            m[i].msg_hdr.msg_namelen = sizeof f->to;
        }
    }
    int n = sendmmsg(f->fd, m, (unsigned)count, 0);
    f->sent += n > 0 ? (uint64_t)n : 0;
}

static void flood(struct flooder *f)
{
    double start = seconds_now(), now = start, skipped = 0;
    for (; now < start + f->seconds && !stopped; now = seconds_now()) {
        double due = (now - start - skipped) * f->rate - (double)f->sent;
        if (due > BEHIND_S * f->rate) {
            skipped += due / f->rate - BEHIND_S;
            due = BEHIND_S * f->rate;
        }
        if (due >= BATCH)
            send_batch(f, BATCH);
        else
            nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
    }
    printf("{\"sent\": %llu, \"seconds\": %.3f}\n", (unsigned long long)f->sent, now - start);
}

static int usage(void)
{
    fprintf(stderr, "usage: flooder [--rate N] [--seconds N] [--sources N] [--member NAME] "
                    "[--service HEX] [--datagrams HEX] [--other HEX] KIND ADDRESS PORT\nkinds:");
    for (const struct flood_kind *k = flood_kinds; k->name; k++)
        fprintf(stderr, " %s", k->name);
    fprintf(stderr, "\n");
    return 2;
}

static bool read_options(struct flooder *f, int argc, char **argv)
{
    static const struct option options[] = {
        {"rate", 1, NULL, 'r'},    {"seconds", 1, NULL, 't'},
        {"sources", 1, NULL, 'n'}, {"member", 1, NULL, 'm'},
        {"service", 1, NULL, 's'}, {"datagrams", 1, NULL, 'd'},
        {"other", 1, NULL, 'o'},   {0},
    };
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'r')
            f->rate = atof(optarg);
        else if (c == 't')
            f->seconds = atof(optarg);
        else if (c == 'n')
            f->sources = (unsigned)atoi(optarg);
        else if (c == 'm')
            f->member = optarg;
        else if (c == 's')
            f->target.service = service_id(optarg);
        else if (c == 'd')
            f->target.datagrams = service_id(optarg);
        else if (c == 'o')
            f->target.other = strtoull(optarg, NULL, 16);
        else
            return false;
    }
    f->kind = argc - optind == 3 ? flood_kind_find(argv[optind]) : NULL;
    if (!f->kind || f->sources == 0)
        return false;
    f->to = (struct sockaddr_in){.sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)atoi(argv[optind + 2]))};
    return inet_pton(AF_INET, argv[optind + 1], &f->to.sin_addr) == 1;
}

int main(int argc, char **argv)
{
    struct flooder f = {.rate = 50000, .seconds = 3, .sources = 1, .target = {.epoch = 1}};
    if (!read_options(&f, argc, argv))
        return usage();
    signal(SIGTERM, on_signal);
    if (open_plain(&f) < 0)
        return fail("socket");
    if (f.member && join(&f) < 0)
        return fail("join");
    if (f.sources > 1) {
        close(f.fd);
        f.fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
        if (f.fd < 0)
            return fail("raw socket");
    }
    flood(&f);
    return 0;
}
