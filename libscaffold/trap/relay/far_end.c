/* Far ends: for each, a socket of ours on loopback that stands for it towards the program's. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/supervise.h"
#include "trap/process/clock.h"
#include "trap/relay/parts.h"
#include "trap/relay/place.h"

/* What waits for the program, or for us, while the other side is not scheduled. */
#define RECEIVE_BUFFER (4 << 20)

int sc_far_end_open(const struct sc_relay *r, struct sc_far_end *e)
{
    struct sockaddr_storage ss;
    int size = RECEIVE_BUFFER, family;
    bool v4 = sc_address_is_v4(&r->program);
    e->own = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (e->own < 0)
        return -errno;
    setsockopt(e->own, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    enum sc_family shape = v4 ? SC_FAMILY_INET : SC_FAMILY_INET6;
    struct sc_address at = sc_place_loopback(v4, e->at.port);
    int err = sc_place_bind(e->own, &at, shape);
    socklen_t len = sc_address_to_sockaddr(&r->program, shape, &ss);
    if (!err && connect(e->own, (struct sockaddr *)&ss, len) < 0)
        err = -errno;
    err = err ? err : sc_place_read(e->own, &e->at, &family);
    err = err ? err : sc_relay_watch(r, e, SC_RELAY_PROGRAM, e->own);
    if (err)
        sc_far_end_close(e);
    return err;
}

void sc_far_end_close(struct sc_far_end *e)
{
    if (e->own >= 0)
        close(e->own);
    e->own = -1;
}

void sc_far_end_forget(struct sc_far_end *e)
{
    sc_far_end_close(e);
    if (e->upstream >= 0)
        close(e->upstream);
    e->upstream = -1;
}

static int connect_upstream(const struct sc_relay *r, struct sc_far_end *e,
                            const struct sc_address *far)
{
    struct sockaddr_storage ss;
    bool v4 = sc_address_is_v4(far);
    socklen_t len = sc_address_to_sockaddr(far, v4 ? SC_FAMILY_INET : SC_FAMILY_INET6, &ss);
    e->upstream = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (e->upstream < 0 || connect(e->upstream, (struct sockaddr *)&ss, len) < 0)
        return -errno;
    return sc_relay_watch(r, e, SC_RELAY_UPSTREAM, e->upstream);
}

static struct sc_far_end *oldest_of(struct sc_relay *r)
{
    struct sc_far_end *best = &r->ends[0];
    for (size_t i = 0; i < SC_FAR_ENDS_MAX && best->own >= 0; i++)
        if (r->ends[i].own < 0 || r->ends[i].used < best->used)
            best = &r->ends[i];
    sc_far_end_forget(best);
    return best;
}

static bool is_same(const struct sc_address *a, const struct sc_address *b)
{
    return a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

struct sc_far_end *sc_relay_end(struct sc_relay *r, const struct sc_address *far)
{
    for (size_t i = 0; i < SC_FAR_ENDS_MAX; i++)
        if (r->ends[i].own >= 0 && is_same(&r->ends[i].far, far))
            return &r->ends[i];
    struct sc_far_end *e = oldest_of(r);
    *e = (struct sc_far_end){.own = -1, .upstream = -1, .far = *far, .used = sc_clock_ms()};
    int err = sc_policy_connects(far) ? 0 : connect_upstream(r, e, far);
    err = err ? err : sc_far_end_open(r, e);
    if (err) {
        sc_far_end_forget(e);
        errno = -err;
        return NULL;
    }
    return e;
}

const struct sc_far_end *sc_relay_end_at(const struct sc_relay *r, const struct sockaddr *at,
                                         socklen_t len)
{
    struct sc_address a;
    if (!r || sc_address_from_sockaddr(at, len, &a) < 0)
        return NULL;
    for (size_t i = 0; i < SC_FAR_ENDS_MAX; i++)
        if (r->ends[i].own >= 0 && is_same(&r->ends[i].at, &a))
            return &r->ends[i];
    return NULL;
}
