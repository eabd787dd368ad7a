/* Path-MTU discovery by probe packets (DPLPMTUD, RFC 8899). Sizes are UDP payloads. */
#ifndef SC_TRANSPORT_PMTU_H
#define SC_TRANSPORT_PMTU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

struct sc_pmtu {
    size_t size;       /* what packets may have now */
    size_t limit;      /* configured */
    size_t refused;    /* smallest size known not to pass; SIZE_MAX: none */
    size_t probing;    /* size of the probe in flight, 0: none */
    unsigned losses;   /* probes of this size lost */
    unsigned timeouts; /* PTOs in a row at a size above the base */
    sc_time next;      /* search (again) from then on; SC_NEVER: while a probe is in flight */
};

/* limit 0: SC_DATAGRAM_MAX. */
void sc_pmtu_init(struct sc_pmtu *p, size_t limit);

/* The size to probe now, or 0. */
size_t sc_pmtu_probe(const struct sc_pmtu *p, sc_time now);
void sc_pmtu_on_probe_sent(struct sc_pmtu *p, size_t size);

/* The fate of a probe. */
void sc_pmtu_on_probe_acked(struct sc_pmtu *p, size_t size, sc_time now);
void sc_pmtu_on_probe_lost(struct sc_pmtu *p, size_t size, sc_time now);

/* A packet that was no probe was acknowledged: sizes up to the present one work. */
void sc_pmtu_on_progress(struct sc_pmtu *p);

/* A probe timeout; several in a row at a size above the base make it suspect. True when the size
 * fell. */
bool sc_pmtu_on_timeout(struct sc_pmtu *p, sc_time now);

/* The host's own network refused this size. True when the present size fell. */
bool sc_pmtu_on_too_large(struct sc_pmtu *p, size_t size, sc_time now);

#endif
