/* A relay for a program's socket: the one that it has, or a new one. */
#include <errno.h>

#include "client/supervise.h"
#include "trap/relay/parts.h"

/* Who has just called with it can be reached through it. */
static void remember_holder(struct sc_relay *r, const struct sc_relay_socket *s)
{
    r->holder = *s;
    r->holder.fd = -1;
}

struct sc_relay *sc_relay_claim(const struct sc_relay_socket *s)
{
    struct sc_relay *r = sc_relay_find(s->fd);
    if (r) {
        remember_holder(r, s);
        return r;
    }
    r = sc_relay_free_place();
    if (!r) {
        sc_relay_sweep();
        r = sc_relay_free_place();
    }
    if (!r) {
        errno = ENOBUFS;
        return NULL;
    }
    *r = (struct sc_relay){.cookie = sc_cookie(s->fd), .service = -1};
    for (size_t i = 0; i < SC_FAR_ENDS_MAX; i++)
        r->ends[i].own = r->ends[i].upstream = -1;
    int err = sc_relay_locate(s->fd, r);
    err = err ? err : sc_relay_start();
    if (err) {
        errno = -err;
        return NULL;
    }
    remember_holder(r, s);
    r->inode = sc_relay_inode(s->fd);
    return r;
}
