/* Addresses that are being looked up, and the datagrams that wait for that.
 *
 * A question is owned by the list of them (daemon/datagram/datagrams.h), and owns what waits for
 * it. That refers to its endpoint; an endpoint that goes takes it along by sc_questions_forget. */
#ifndef SC_DAEMON_DATAGRAM_QUESTION_H
#define SC_DAEMON_DATAGRAM_QUESTION_H

#include "base/list.h"
#include "local/datagram.h"
#include "stack/stack.h"

struct sc_daemon;
struct sc_datagrams;
struct sc_endpoint;

/* A datagram that waits until it is known whose address, or which address, is meant. */
struct sc_waiting {
    struct sc_list link;
    struct sc_endpoint *from; /* whose program wrote it; NULL: it came from the network */
    struct sc_datagram_head head;
    struct sc_datagram datagram; /* from the network */
    size_t len;
    uint8_t data[];
};

struct sc_question {
    struct sc_list link;
    enum sc_lookup_by by;
    uint32_t pool;
    struct sc_service_id service;
    struct sc_list waiting;
    size_t count;
};

/* Keeps a copy of it, and of `what->len` bytes, until the answer comes; asks, if nobody has. It is
 * dropped, and counted, when too much waits. */
void sc_question_wait(struct sc_daemon *d, const struct sc_question *like,
                      const struct sc_waiting *what, const uint8_t *data);

/* The question that was asked with this ticket, or NULL. */
struct sc_question *sc_question_find(struct sc_datagrams *g, const void *ticket);

/* Drops what waits for it, too. */
void sc_question_end(struct sc_datagrams *g, struct sc_question *q);
void sc_questions_fini(struct sc_datagrams *g);

/* The endpoint is going: nothing waits for it any more. */
void sc_questions_forget(struct sc_datagrams *g, const struct sc_endpoint *e);

#endif
