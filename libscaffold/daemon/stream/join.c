/* A join: bytes from end to end on one host. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/stream/arrival.h"
#include "daemon/stream/serving.h"
#include "daemon/stream/session_parts.h"

/* Bytes moved per direction before other sessions get their turn. */
#define TURN_BYTES (1024 * 1024)

static bool flush_urgent(struct sc_direction *dir, struct sc_end *to)
{
    if (dir->urgent)
        dir->urgent = sc_end_write_urgent(to, dir->urgent_byte) == 0;
    return !dir->urgent;
}

/* Writes what is left over from before. False when the sink is still full. */
static bool flush_rest(struct sc_direction *dir, struct sc_end *to)
{
    while (dir->rest_len > 0) {
        struct iovec iov = {dir->rest + dir->rest_at, dir->rest_len};
        ssize_t n = sc_end_write(to, &iov, 1);
        if (n < 0) { /* the sink is gone: its own events say so */
            dir->rest_len = 0;
            break;
        }
        if (n == 0)
            return false;
        dir->rest_at += (size_t)n;
        dir->rest_len -= (size_t)n;
    }
    free(dir->rest);
    dir->rest = NULL;
    return flush_urgent(dir, to);
}

static bool keep_rest(struct sc_direction *dir, const uint8_t *data, size_t len)
{
    dir->rest = malloc(len);
    if (!dir->rest)
        return false;
    memcpy(dir->rest, data, len);
    dir->rest_at = 0;
    dir->rest_len = len;
    return true;
}

/* The urgent byte when it is its turn. False when the sink has no room for it. */
static bool pass_urgent(struct sc_direction *dir, struct sc_end *from, struct sc_end *to)
{
    if (sc_end_at_urgent(from))
        dir->urgent = sc_end_read_urgent(from, &dir->urgent_byte);
    return flush_urgent(dir, to);
}

/* Moves what can be moved now. Returns 0; 1 when there may be more and no event will tell; or a
 * negative errno when the source was reset. */
static int pump(struct sc_direction *dir, struct sc_end *from, struct sc_end *to)
{
    static uint8_t buffer[256 * 1024];
    if (!flush_rest(dir, to))
        return 0;
    if (dir->done)
        return 0;
    for (size_t moved = 0; moved < TURN_BYTES;) {
        struct iovec iov = {buffer, sizeof buffer};
        if (!pass_urgent(dir, from, to))
            return 0;
        ssize_t n = sc_end_read(from, &iov, 1);
        if (n == -EPIPE) {
            dir->done = true;
            sc_end_finish(to);
        }
        if (n == 0 && sc_end_at_urgent(from))
            continue;
        if (n <= 0)
            return n == -EPIPE ? 0 : (int)n;
        moved += (size_t)n;
        iov.iov_len = (size_t)n;
        ssize_t sent = sc_end_write(to, &iov, 1);
        if (sent < 0)
            sent = n; /* nobody reads it; the sink's own events decide */
        if (sent < n)
            return keep_rest(dir, buffer + sent, (size_t)(n - sent)) ? 0 : -ENOMEM;
    }
    return 1;
}

/* SO_LINGER {1, 0} behind an end that was passed on already: reading would not tell any more. */
static bool aborted_late(const struct sc_end *e, const struct sc_direction *from)
{
    return from->done && from->rest_len == 0 && e->hup && e->abort_on_close && !e->finished;
}

static int run(struct sc_session *s)
{
    uint64_t up_before = s->client.rx, down_before = s->server.rx;
    bool client_was_gone = s->client.hup, server_was_gone = s->server.hup;
    if (s->client.error || s->server.error)
        return -ECONNRESET;
    int up = pump(&s->up, &s->client, &s->server);
    int down = up < 0 ? up : pump(&s->down, &s->server, &s->client);
    sc_turns_took(&s->daemon->turns,
                  (size_t)(s->client.rx - up_before + s->server.rx - down_before));
    if (down < 0)
        return -ECONNRESET;
    if (aborted_late(&s->client, &s->up) || aborted_late(&s->server, &s->down))
        return -ECONNRESET;
    bool into_void = (server_was_gone && !s->server.finished && s->client.rx > up_before) ||
                     (client_was_gone && !s->client.finished && s->server.rx > down_before);
    if (into_void)
        return -ECONNRESET;
    if (s->up.done && s->down.done && !s->up.rest_len && !s->down.rest_len)
        return SC_TURN_OVER;
    return up > 0 || down > 0 ? SC_TURN_MORE : SC_TURN_WAITS;
}

/* An instance of this host, in turn. */
static int prepare(struct sc_session *s)
{
    struct sc_daemon *d = s->daemon;
    struct sc_listener *l = sc_serving_choose(d, &s->request.service, &s->request.target);
    if (!l)
        return ENOENT;
    if (!s->share.user && !sc_share_take(&d->shares, &s->share, s->request.uid, SC_SHARE_ARRIVALS))
        return ENOBUFS;
    s->arrival.listener = l;
    return 0;
}

static int arrive(struct sc_session *s)
{
    struct sc_loop *l = &s->daemon->loop;
    s->arrival.end = &s->server;
    s->arrival.owner = s;
    s->arrival.peer = s->request.own;
    sc_time timeout = s->request.timeout ? s->request.timeout : SC_OPEN_TIMEOUT;
    sc_loop_alarm(l, &s->alarm, l->now + timeout);
    sc_arrival_deliver(s->arrival.listener, &s->arrival);
    return 0;
}

static void describe(const struct sc_session *s, struct sc_plane_status *out)
{
    out->delivered = !s->up.rest_len && !s->down.rest_len;
    out->same_host = true;
}

static void free_direction(struct sc_direction *dir)
{
    free(dir->rest);
    *dir = (struct sc_direction){0};
}

static void freeze(struct sc_session *s)
{
    sc_share_give(&s->daemon->shares, &s->share);
    free_direction(&s->up);
    free_direction(&s->down);
}

/* A way of the user plane that needs no packets. Nothing is behind its two ends that could be cut.
 */
const struct sc_plane_ops sc_join = {.name = "user",
                                     .prepare = prepare,
                                     .connect = arrive,
                                     .run = run,
                                     .describe = describe,
                                     .freeze = freeze};
