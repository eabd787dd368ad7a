/* What a flood can be made of: one kind for each packet type, CONTROL message and way that a packet
 * can take. The flooder sends them over real links, the simulator over its own, the benchmark
 * straight into a stack. */
#ifndef TESTS_FLOOD_KINDS_H
#define TESTS_FLOOD_KINDS_H

#include <stddef.h>
#include <stdint.h>

#include "wire/ids.h"

/* Largest packet of a flood. */
#define FLOOD_PACKET 1200

/* Whom the packets speak of. */
struct flood_target {
    struct sc_service_id service;   /* a stream service that is there */
    struct sc_service_id datagrams; /* a datagram service that is there, or zeros */
    uint64_t member; /* network address that the flooder has joined with; 0: a stranger */
    uint64_t epoch;  /* its own */
    uint64_t other;  /* another host's network address, to forward to; 0: none */
};

struct flood_kind {
    const char *name;
    /* Writes packet `n` of the flood; returns its length. */
    size_t (*write)(uint8_t packet[FLOOD_PACKET], const struct flood_target *t, uint64_t n);
};

/* The kinds end with one without a name. */
extern const struct flood_kind flood_kinds[];

/* NULL: there is none of this name. */
const struct flood_kind *flood_kind_find(const char *name);

#endif
