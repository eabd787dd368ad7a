/* Latency: a message there and back on one flow, again and again, each timed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"

enum { LATENCY_ROOM = 1 << 22 }; /* trips in a run: 40 s of the fastest */

struct latency {
    int fd;
    size_t size;
    size_t count;
    double *us; /* of each trip */
};

static void latency_close(void *traffic)
{
    struct latency *l = traffic;
    close(l->fd);
    free(l->us);
    free(l);
}

static void *latency_open(const struct peer_order *order)
{
    struct latency *l = calloc(1, sizeof(*l));
    double *us = malloc(LATENCY_ROOM * sizeof(*us));
    int fd = peer_connect(order, PEER_ECHO);
    if (l == NULL || us == NULL || fd < 0)
        return NULL; /* and the program ends */
    *l = (struct latency){.fd = fd, .size = order->size, .us = us};
    return l;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print(const struct latency *l, double seconds)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < l->count; i++)
        sum += l->us[i];
    double mean = sum / (double)l->count;
    for (size_t i = 0; i < l->count; i++)
        squares += (l->us[i] - mean) * (l->us[i] - mean);
    qsort(l->us, l->count, sizeof(*l->us), compare);
    printf("{\"count\": %zu, \"seconds\": %.6f, \"mean_us\": %.3f, \"stdev_us\": %.3f, "
           "\"median_us\": %.3f, \"p99_us\": %.3f}\n",
           l->count, seconds, mean, sqrt(squares / (double)l->count), l->us[l->count / 2],
           l->us[l->count * 99 / 100]);
}

static bool latency_run(void *traffic, double seconds)
{
    struct latency *l = traffic;
    double start = peer_seconds(), before = start;
    for (l->count = 0; before - start < seconds && l->count < LATENCY_ROOM;) {
        if (!peer_write(l->fd, peer_block, l->size) ||
            recv(l->fd, peer_block, l->size, MSG_WAITALL) != (ssize_t)l->size) {
            peer_fail("round trip");
            return false;
        }
        double now = peer_seconds();
        l->us[l->count++] = (now - before) * 1e6;
        before = now;
    }
    print(l, before - start);
    return true;
}

const struct peer_traffic peer_latency = {"latency", latency_open, latency_run, latency_close};
