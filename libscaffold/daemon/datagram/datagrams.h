/* The datagrams of this host's programs: what they write goes its way (outgoing.h), and so does
 * what has waited for an answer. */
#ifndef SC_DAEMON_DATAGRAM_DATAGRAMS_H
#define SC_DAEMON_DATAGRAM_DATAGRAMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "daemon/datagram/inbox.h"
#include "local/datagram.h"
#include "stack/stack.h"

struct sc_daemon;
struct sc_endpoint;

/* Every datagram that does not arrive is counted; names for status. */
struct sc_datagram_counters {
    uint64_t from_programs;
    uint64_t to_programs;
    uint64_t dropped_queue;      /* the program's queue was full */
    uint64_t dropped_malformed;  /* no datagram of libscaffold */
    uint64_t dropped_rights;     /* a program passed descriptors along: its socket ended */
    uint64_t dropped_unresolved; /* nobody could say whose address it is, or too many waited */
    uint64_t dropped_send;       /* the stack did not take it */
    uint64_t refused;            /* nobody is there: its sender was told */
};

struct sc_datagrams {
    struct sc_datagram_counters counters;
    struct sc_inbox inbox;
    struct sc_service_id loopback; /* this host's loopback services, with port and protocol 0 */
    struct sc_list questions;      /* addresses that are being looked up */
    size_t question_count;
};

void sc_datagrams_init(struct sc_daemon *d);
void sc_datagrams_fini(struct sc_datagrams *g);

/* One packet that a program wrote: head and `len` bytes. */
void sc_datagrams_from_program(struct sc_endpoint *e, const struct sc_datagram_head *head,
                               const uint8_t *data, size_t len);

/* SC_EVENT_MAPPED; false when the question was not asked here. */
bool sc_datagrams_on_mapped(struct sc_daemon *d, const struct sc_event *e);

#endif
