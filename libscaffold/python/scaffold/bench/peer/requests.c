/* Requests: a message there and back on each of many flows, and the next one as soon as it is
 * back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"

struct requests {
    int count;
    int epoll;
    int *fds;
    size_t size;
    size_t *missing; /* bytes of each flow's answer; 0: nothing was asked */
    size_t answered; /* in this run */
    int pending;     /* flows whose answer is missing */
};

static void requests_close(void *traffic)
{
    struct requests *r = traffic;
    close(r->epoll);
    peer_disconnect(r->fds, r->count);
    free(r->missing);
    free(r);
}

static void *requests_open(const struct peer_order *order)
{
    struct requests *r = calloc(1, sizeof(*r));
    size_t *missing = calloc((size_t)order->count, sizeof(*missing));
    int *fds = peer_connect_all(order, PEER_ECHO);
    int epoll = fds == NULL ? -1 : peer_watch(fds, order->count, EPOLLIN);
    if (r == NULL || missing == NULL || epoll < 0)
        return NULL; /* and the program ends */
    *r = (struct requests){
        .count = order->count, .epoll = epoll, .fds = fds, .size = order->size, .missing = missing};
    return r;
}

static bool ask(struct requests *r, unsigned index)
{
    r->missing[index] = r->size;
    r->pending++;
    return peer_write(r->fds[index], peer_block, r->size);
}

/* What has come of an answer. */
static bool take(struct requests *r, unsigned index)
{
    ssize_t n = recv(r->fds[index], peer_block, PEER_BLOCK, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (n == 0 || (size_t)n > r->missing[index]) {
        errno = EPROTO;
        return false;
    }
    r->missing[index] -= (size_t)n;
    if (r->missing[index] == 0) {
        r->pending--;
        r->answered++;
    }
    return true;
}

/* Takes what has come; asks again on flows that are answered, unless the run is at its end. */
static bool turn(struct requests *r, bool is_over)
{
    struct epoll_event events[PEER_EVENTS];
    int count = epoll_wait(r->epoll, events, PEER_EVENTS, -1);
    for (int i = 0; i < count; i++) {
        unsigned index = events[i].data.u32;
        if (!take(r, index))
            return false;
        if (r->missing[index] == 0 && !is_over && !ask(r, index))
            return false;
    }
    return true;
}

static bool requests_run(void *traffic, double seconds)
{
    struct requests *r = traffic;
    double start = peer_seconds();
    r->answered = 0;
    bool good = true;
    for (int i = 0; good && i < r->count; i++)
        good = ask(r, (unsigned)i);
    while (good && r->pending > 0)
        good = turn(r, peer_seconds() - start >= seconds);
    if (!good) {
        peer_fail("request");
        return false;
    }
    printf("{\"count\": %zu, \"seconds\": %.6f}\n", r->answered, peer_seconds() - start);
    return true;
}

const struct peer_traffic peer_requests = {"requests", requests_open, requests_run, requests_close};
