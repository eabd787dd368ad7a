#include "daemon/datagram/gather.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/datagram/endpoint.h"
#include "daemon/datagram/inbox.h"

void sc_gather_drop(struct sc_gather *g, struct sc_endpoint *e)
{
    free(g->data);
    sc_share_give(&e->daemon->shares, &g->share);
    *g = (struct sc_gather){0};
}

static void address(struct sc_endpoint *e)
{
    struct sc_gather *g = &e->gather;
    g->head.peer = e->peer;
    memcpy(g->head.meaning, e->meaning, sizeof g->head.meaning);
}

/* Disconnected meanwhile, it still goes to whom the socket is connected now. */
static void start(struct sc_endpoint *e, const struct sc_datagram_head *head)
{
    struct sc_gather *g = &e->gather;
    g->started = true;
    g->head = *head;
    g->head.kind = SC_DATAGRAM_DATA;
    if (head->peer.port == 0)
        address(e);
}

void sc_gather_redirect(struct sc_endpoint *e)
{
    if (e->gather.started && sc_address_is_v4(&e->peer))
        address(e);
}

static void spoil(struct sc_endpoint *e, int error)
{
    struct sc_gather *g = &e->gather;
    free(g->data);
    g->data = NULL;
    g->spoilt = true;
    e->daemon->datagrams.counters.dropped_send++;
    sc_inbox_tell(e, &g->head.peer, error);
}

static void append(struct sc_endpoint *e, const uint8_t *data, size_t len)
{
    struct sc_gather *g = &e->gather;
    if (g->spoilt || len == 0)
        return;
    if (g->len + len > SC_DATAGRAM_PAYLOAD_MAX) {
        spoil(e, EMSGSIZE);
        return;
    }
    bool granted =
        g->share.user || sc_share_take(&e->daemon->shares, &g->share, e->uid, SC_SHARE_GATHERS);
    uint8_t *larger = granted ? realloc(g->data, g->len + len) : NULL;
    if (!larger) {
        spoil(e, ENOBUFS);
        return;
    }
    g->data = larger;
    memcpy(g->data + g->len, data, len);
    g->len += len;
}

static enum sc_gather_verdict finish(struct sc_endpoint *e, struct sc_gather *whole)
{
    *whole = e->gather;
    e->gather = (struct sc_gather){0};
    return SC_GATHER_WHOLE;
}

enum sc_gather_verdict sc_gather_take(struct sc_endpoint *e, const struct sc_datagram_head *head,
                                      const uint8_t *data, size_t len, struct sc_gather *whole)
{
    struct sc_gather *g = &e->gather;
    switch (head->kind) {
    case SC_DATAGRAM_MORE:
        if (!g->started)
            start(e, head);
        append(e, data, len);
        return SC_GATHER_TAKEN;
    case SC_DATAGRAM_DATA:
        if (!g->started)
            return SC_GATHER_NOT;
        append(e, data, len);
        return finish(e, whole);
    case SC_DATAGRAM_PUSH:
        return g->started ? finish(e, whole) : SC_GATHER_TAKEN;
    case SC_DATAGRAM_DROP:
        sc_gather_drop(g, e);
        return SC_GATHER_TAKEN;
    default:
        return SC_GATHER_NOT;
    }
}
