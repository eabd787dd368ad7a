/* A long path between two TUN devices: delay, rate, a queue with tail drop, and random losses, both
 * ways alike. Everything but the kernel's timing follows from the seed.
 *
 *   long_path TUN TUN DELAY_US RATE_BIT_S QUEUE_BYTES LOSS_PER_MILLION SEED
 *
 * TUN: an inherited descriptor, not blocking. Says "ready", and ends with its standard input; then
 * it prints for each way how many packets it passed, lost and had no room for. */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/rng.h"

#define PACKET_MAX 2048
#define SLOTS 32768 /* a power of two: 400 Mbit/s of full packets for a second */
#define SECOND UINT64_C(1000000000)
#define BATCH 64
#define IP_UNITS 1000000

struct packet {
    uint64_t at;     /* when it arrives */
    uint64_t leaves; /* the queue, then */
    size_t len;
    uint8_t data[PACKET_MAX];
};

struct way {
    int from, to;
    struct sc_rng rng;
    struct packet *slot;
    uint64_t head, waiting, tail; /* to arrive next; to leave the queue next; free */
    uint64_t free_at;             /* the wire is busy until then */
    size_t queued;
    uint64_t passed, lost, dropped;
};

struct path {
    uint64_t delay, rate, queue, loss;
};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static struct packet *slot(const struct way *w, uint64_t n)
{
    return &w->slot[n % SLOTS];
}

/* What is on the wire does not count in the queue. */
static void leave_queue(struct way *w, uint64_t now)
{
    for (; w->waiting < w->tail && slot(w, w->waiting)->leaves <= now; w->waiting++)
        w->queued -= slot(w, w->waiting)->len;
}

static void take(struct way *w, const struct path *p, size_t len, uint64_t now)
{
    struct packet *k = slot(w, w->tail);
    leave_queue(w, now);
    if (sc_rng_below(&w->rng, IP_UNITS) < p->loss) {
        w->lost++;
        return;
    }
    if (w->queued + len > p->queue || w->tail + 1 - w->head == SLOTS) {
        w->dropped++;
        return;
    }
    k->len = len;
    k->leaves = w->free_at > now ? w->free_at : now;
    w->free_at = k->leaves + len * 8 * SECOND / p->rate;
    k->at = w->free_at + p->delay;
    w->queued += len;
    w->tail++;
}

static void drain(struct way *w, const struct path *p)
{
    for (int i = 0; i < BATCH; i++) {
        ssize_t n = read(w->from, slot(w, w->tail)->data, PACKET_MAX);
        if (n <= 0)
            return;
        take(w, p, (size_t)n, now_ns());
    }
}

/* Returns when the next one arrives. */
static uint64_t deliver(struct way *w)
{
    for (; w->head < w->tail; w->head++) {
        const struct packet *k = slot(w, w->head);
        uint64_t now = now_ns();
        leave_queue(w, now);
        if (k->at > now)
            return k->at;
        if (write(w->to, k->data, k->len) < 0 && errno == EAGAIN)
            return now + SECOND / 10000;
        w->passed++;
    }
    return UINT64_MAX;
}

static bool wait_until(struct pollfd polled[3], uint64_t at)
{
    uint64_t now = now_ns(), left = at > now ? at - now : 0;
    struct timespec t = {(time_t)(left / SECOND), (long)(left % SECOND)};
    ppoll(polled, 3, at == UINT64_MAX ? NULL : &t, NULL);
    return polled[2].revents == 0;
}

static void run(struct way way[2], const struct path *p)
{
    struct pollfd polled[3] = {{.fd = way[0].from, .events = POLLIN},
                               {.fd = way[1].from, .events = POLLIN},
                               {.fd = 0, .events = POLLIN}};
    uint64_t next;
    do {
        next = UINT64_MAX;
        for (int i = 0; i < 2; i++) {
            drain(&way[i], p);
            uint64_t at = deliver(&way[i]);
            next = at < next ? at : next;
        }
    } while (wait_until(polled, next));
}

int main(int argc, char **argv)
{
    if (argc != 8)
        return 2;
    int fd[2] = {atoi(argv[1]), atoi(argv[2])};
    struct path p = {.delay = strtoull(argv[3], NULL, 10) * 1000,
                     .rate = strtoull(argv[4], NULL, 10),
                     .queue = strtoull(argv[5], NULL, 10),
                     .loss = strtoull(argv[6], NULL, 10)};
    struct way way[2] = {{.from = fd[0], .to = fd[1]}, {.from = fd[1], .to = fd[0]}};
    for (uint64_t i = 0; i < 2; i++) {
        sc_rng_seed(&way[i].rng, strtoull(argv[7], NULL, 10) * 2 + i);
        way[i].slot = calloc(SLOTS, sizeof *way[i].slot);
        if (!way[i].slot)
            return 1;
    }
    puts("ready");
    fflush(stdout);
    run(way, &p);
    for (int i = 0; i < 2; i++)
        printf("passed %llu lost %llu dropped %llu\n", (unsigned long long)way[i].passed,
               (unsigned long long)way[i].lost, (unsigned long long)way[i].dropped);
    return 0;
}
