/* One line of the log: docs/schemas/explain.schema.json as a struct. */
#ifndef SC_CLIENT_EXPLAIN_LOG_LINE_H
#define SC_CLIENT_EXPLAIN_LOG_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "local/address.h"

struct sc_log_line {
    const char *state; /* "open", "closed" or "replaced" */
    uint64_t socket;   /* SO_COOKIE: the same in every process that holds it */
    int fd;
    const char *kind;  /* "tcp", "udp", "raw" or "other" */
    const char *role;  /* "client", "listener", "accepted" or "bound" */
    const char *error; /* NULL: none */
    const char *plane; /* "user" or "ip" */
    const char *reason;
    const char *why;
    const char *service;            /* NULL: none */
    const struct sc_address *local; /* NULL: none */
    const struct sc_address *peer;
    int64_t tx_bytes; /* -1: not known */
    int64_t rx_bytes;
    bool unrepaired;
    unsigned kinds;   /* enum sc_effect: what sort of a service's socket it is */
    uint64_t options; /* the cookie whose options count; 0: none */
};

/* Writes it to the file. errno is kept. */
void sc_log_write(const struct sc_log_line *line);

#endif
