#include "daemon/datagram/datagrams.h"

#include <errno.h>
#include <string.h>

#include "daemon/daemon.h"
#include "daemon/datagram/endpoint.h"
#include "daemon/datagram/gather.h"
#include "daemon/datagram/inbox.h"
#include "daemon/datagram/incoming.h"
#include "daemon/datagram/outgoing.h"
#include "daemon/datagram/question.h"
#include "daemon/meaning.h"
#include "daemon/stream/listener.h"

void sc_datagrams_init(struct sc_daemon *d)
{
    sc_list_init(&d->datagrams.questions);
    d->datagrams.loopback = sc_service_id_at(sc_meaning_of_loopback(0), 0, 0);
}

static void set_peer(struct sc_endpoint *e, const struct sc_address *peer, bool connected)
{
    e->connected = connected;
    e->peer = *peer;
    e->pinned_to = 0;
    if (connected && !sc_address_is_loopback(peer))
        e->shows_ula = !sc_address_is_v4(peer);
}

void sc_datagrams_from_program(struct sc_endpoint *e, const struct sc_datagram_head *head,
                               const uint8_t *data, size_t len)
{
    switch (head->kind) {
    case SC_DATAGRAM_DATA:
        if (sc_datagram_may_be_cut(len, head->segment))
            sc_outgoing_new(e, head, data, len);
        else
            e->daemon->datagrams.counters.dropped_malformed++;
        break;
    case SC_DATAGRAM_CONNECT:
        set_peer(e, &head->peer, head->peer.port != 0);
        memcpy(e->meaning, head->meaning, sizeof e->meaning);
        sc_gather_redirect(e);
        break;
    case SC_DATAGRAM_DISCONNECT:
        set_peer(e, &(struct sc_address){0}, false);
        break;
    default:
        e->daemon->datagrams.counters.dropped_malformed++;
    }
}

static int unresolved_errno(int error)
{
    if (error == EKEYREJECTED || error == ENOKEY)
        return EACCES;
    return error == ENOMEM ? ENOBUFS : ENETUNREACH;
}

static void go_on(struct sc_daemon *d, struct sc_waiting *w, int error)
{
    struct sc_outgoing p = {.from = w->from,
                            .head = &w->head,
                            .to = w->head.peer,
                            .data = w->data,
                            .len = w->len,
                            .again = true};
    if (error)
        d->datagrams.counters.dropped_unresolved++;
    if (!w->from) {
        w->datagram.data = w->data;
        if (!error)
            sc_incoming_take(d, &w->datagram, true);
        return;
    }
    if (error)
        sc_inbox_tell(w->from, &p.to, unresolved_errno(error));
    else
        sc_outgoing_go(&p);
}

bool sc_datagrams_on_mapped(struct sc_daemon *d, const struct sc_event *e)
{
    struct sc_question *q = sc_question_find(&d->datagrams, e->ticket);
    struct sc_list *one, *next;
    if (!q)
        return false;
    sc_list_each(one, next, &q->waiting)
        go_on(d, sc_container(one, struct sc_waiting, link), e->mapping.error);
    sc_question_end(&d->datagrams, q);
    return true;
}

void sc_datagrams_fini(struct sc_datagrams *g)
{
    sc_questions_fini(g);
}
