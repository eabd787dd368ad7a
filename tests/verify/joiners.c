/* Many hosts in one process: each is a stack with a socket at an address of its own in 127/8, or at
 * the same one. They join a router, register, and go on refreshing.
 *
 *   joiners PORT TOKEN HOSTS SERVICES [same]
 *
 * Prints a line when the router has all that they serve. Each line on its input begins anew: the
 * next one is printed when each has registered once more, hence when the router was restarted.
 *
 *   {"seconds", "half_seconds", "greets", "proves", "exchanges_most", "registers_most"}
 *
 * An exchange is a GREET that came to a PROVE; *_most are of the host that needed the most. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "channel/channels.h"
#include "daemon/join_token.h"
#include "stack/stack.h"

enum { INPUT = -1, READY = 256 };

struct host {
    struct sc_stack *stack;
    int fd;
    bool back;
    uint32_t proven; /* the channel that it has sent its last PROVE for */
    unsigned exchanges, registers;
};

struct joiners {
    struct host *host;
    size_t count, back;
    struct sockaddr_in to;
    struct sc_underlay router;
    int epoll;
    sc_time since, half;
    unsigned long greets, proves;
    struct sc_train train;
};

static struct host *sending; /* whose stack is at work */

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "joiners: %s: %s\n", what, strerror(errno));
    exit(1);
}

static sc_time clock_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (sc_time)t.tv_sec * SC_SECOND + (sc_time)t.tv_nsec / 1000;
}

static void fill(void *context, uint8_t *out, size_t len)
{
    (void)context;
    for (ssize_t got; len > 0; out += got, len -= (size_t)got)
        if ((got = getrandom(out, len, 0)) < 0)
            fail("getrandom");
}

/* --- what is sent ----------------------------------------------------------------------------- */

/* The linker puts this in front of the one that it is named after: what goes into channels cannot
 * be told apart once it is sealed. */
void __real_sc_channels_control(struct sc_channels *all, struct sc_channel *s,
                                const struct sc_underlay *plain, enum sc_queue q,
                                const struct sc_control *c);
void __wrap_sc_channels_control(struct sc_channels *all, struct sc_channel *s,
                                const struct sc_underlay *plain, enum sc_queue q,
                                const struct sc_control *c);

void __wrap_sc_channels_control(struct sc_channels *all, struct sc_channel *s,
                                const struct sc_underlay *plain, enum sc_queue q,
                                const struct sc_control *c)
{
    sending->registers += c->message == SC_MSG_REGISTER;
    __real_sc_channels_control(all, s, plain, q, c);
}

static void count(struct joiners *j, struct host *h, const uint8_t *packet, size_t len)
{
    struct sc_reader r = sc_reader(packet, len);
    struct sc_header header;
    sc_header_read(&r, &header);
    uint8_t message = header.is_protected ? 0 : sc_read_u8(&r);
    j->greets += message == SC_MSG_GREET;
    if (message != SC_MSG_PROVE)
        return;
    j->proves++;
    h->exchanges += header.flow != h->proven;
    h->proven = header.flow;
}

static void drain(struct joiners *j, struct host *h, sc_time now)
{
    struct sc_train *t = &j->train;
    static uint8_t bytes[SC_TRAIN_BYTES + SC_DATAGRAM_MAX];
    while (sc_stack_drain(h->stack, t, now)) {
        size_t len = 0;
        for (size_t i = 0; i < t->iov_count; i++) {
            memcpy(bytes + len, t->iov[i].iov_base, t->iov[i].iov_len);
            len += t->iov[i].iov_len;
        }
        for (size_t at = 0, size; at < len; at += size) {
            size = len - at < t->segment ? len - at : t->segment;
            count(j, h, bytes + at, size);
            sendto(h->fd, bytes + at, size, 0, (struct sockaddr *)&j->to, sizeof j->to);
        }
    }
}

/* --- one host --------------------------------------------------------------------------------- */

static int open_socket(struct joiners *j, size_t i, bool same)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = i};
    uint32_t number = (uint32_t)i + 1;
    struct sockaddr_in own = {.sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(same ? 0x7f530001u : 0x7f530000u + number)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof own) < 0 ||
        epoll_ctl(j->epoll, EPOLL_CTL_ADD, fd, &e) < 0)
        fail("a socket");
    return fd;
}

static struct sc_stack *make_stack(struct joiners *j, size_t i, const struct sc_join_token *t)
{
    struct sc_stack_config c = {.router = j->router,
                                .secure = true,
                                .entropy = {.fill = fill},
                                .trust.knows_router = true,
                                .wall = (uint64_t)time(NULL)};
    snprintf(c.host_name, sizeof c.host_name, "joiner-%zu", i);
    fill(NULL, (uint8_t *)&c.seed, sizeof c.seed);
    fill(NULL, (uint8_t *)&c.epoch, sizeof c.epoch);
    fill(NULL, c.secret, sizeof c.secret);
    fill(NULL, c.host_secret, sizeof c.host_secret);
    fill(NULL, c.key_seed, sizeof c.key_seed);
    memcpy(c.trust.router, t->router, sizeof c.trust.router);
    memcpy(c.trust.invitation, t->secret, sizeof c.trust.invitation);
    struct sc_stack *s = sc_stack_new(&c, clock_now());
    if (!s)
        fail("a stack");
    return s;
}

/* Ids of a provider whom no alias stands for. */
static void serve(struct host *h, size_t i, unsigned services)
{
    for (unsigned n = 0; n < services; n++) {
        struct sc_service_id id = {.bytes = "joiners"};
        struct sc_instance *instance;
        uint32_t label[2] = {htonl((uint32_t)i + 1), htonl(n + 1)};
        memcpy(id.bytes + 16, label, sizeof label);
        memcpy(id.bytes + 28, (uint8_t[]){0, 80, 6, 1}, 4);
        if (sc_stack_serve(h->stack, &id, NULL, &instance, clock_now()) < 0)
            fail("an instance");
    }
}

static void take_events(struct joiners *j, struct host *h, sc_time now)
{
    struct sc_event e;
    while (sc_stack_next_event(h->stack, &e)) {
        if (e.type != SC_EVENT_REGISTERED || h->back || !sc_stack_registered(h->stack))
            continue;
        h->back = true;
        if (++j->back == j->count / 2)
            j->half = now;
    }
}

static void hear(struct joiners *j, struct host *h)
{
    uint8_t packet[SC_DATAGRAM_MAX];
    ssize_t len;
    sc_time now = clock_now();
    while ((len = recv(h->fd, packet, sizeof packet, 0)) >= 0) {
        sc_stack_feed(h->stack, packet, (size_t)len, &j->router, 0, now);
        take_events(j, h, now);
        sc_stack_settle(h->stack, now);
    }
    drain(j, h, now);
}

/* --- all of them ------------------------------------------------------------------------------ */

static void begin(struct joiners *j)
{
    j->since = clock_now();
    j->back = 0;
    j->greets = j->proves = 0;
    for (size_t i = 0; i < j->count; i++) {
        j->host[i].back = false;
        j->host[i].exchanges = j->host[i].registers = 0;
    }
}

static void report(const struct joiners *j)
{
    unsigned exchanges = 0, registers = 0;
    for (const struct host *h = j->host; h < j->host + j->count; h++) {
        exchanges = h->exchanges > exchanges ? h->exchanges : exchanges;
        registers = h->registers > registers ? h->registers : registers;
    }
    printf("{\"seconds\": %.3f, \"half_seconds\": %.3f, \"greets\": %lu, \"proves\": %lu, "
           "\"exchanges_most\": %u, \"registers_most\": %u}\n",
           (double)(clock_now() - j->since) / 1e6, (double)(j->half - j->since) / 1e6, j->greets,
           j->proves, exchanges, registers);
    fflush(stdout);
}

/* Ticks what is due; returns when to come again. */
static sc_time tick(struct joiners *j)
{
    sc_time next = SC_NEVER;
    for (struct host *h = j->host; h < j->host + j->count; h++) {
        sc_time now = clock_now();
        sending = h;
        if (sc_stack_deadline(h->stack) <= now) {
            sc_stack_tick(h->stack, now);
            take_events(j, h, now);
            drain(j, h, now);
        }
        next = sc_time_min(next, sc_stack_deadline(h->stack));
    }
    return next;
}

/* False at the end of the input. */
static bool turn(struct joiners *j)
{
    struct epoll_event ready[READY];
    sc_time next = tick(j), now = clock_now();
    int wait = next <= now ? 0 : (int)((next - now) / SC_MS) + 1;
    int n = epoll_wait(j->epoll, ready, READY, wait);
    for (int i = 0; i < n; i++) {
        char text[64];
        if (ready[i].data.u64 != (uint64_t)INPUT) {
            sending = &j->host[ready[i].data.u64];
            hear(j, sending);
        } else if (read(STDIN_FILENO, text, sizeof text) > 0) {
            begin(j);
        } else {
            return false;
        }
    }
    return true;
}

static void run(struct joiners *j)
{
    struct epoll_event input = {.events = EPOLLIN, .data.u64 = (uint64_t)INPUT};
    bool told = false;
    if (epoll_ctl(j->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &input) < 0)
        fail("standard input");
    while (turn(j)) {
        bool done = j->back == j->count;
        if (done && !told)
            report(j);
        told = done;
    }
}

int main(int argc, char **argv)
{
    static struct joiners j;
    struct sc_join_token token;
    struct rlimit files;
    if (argc < 5 || !sc_join_token_read(argv[2], &token))
        return 2;
    uint16_t port = (uint16_t)atoi(argv[1]);
    j.count = strtoul(argv[3], NULL, 10);
    j.to = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    j.router = (struct sc_underlay){.family = 4, .port = port, .ip = {127, 0, 0, 1}};
    j.epoll = epoll_create1(EPOLL_CLOEXEC);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    j.host = calloc(j.count, sizeof *j.host);
    if (j.epoll < 0 || !j.host)
        fail("memory");
    begin(&j);
    for (size_t i = 0; i < j.count; i++) {
        sending = &j.host[i];
        sending->fd = open_socket(&j, i, argc > 5);
        sending->stack = make_stack(&j, i, &token);
        serve(sending, i, (unsigned)atoi(argv[4]));
    }
    run(&j);
}
