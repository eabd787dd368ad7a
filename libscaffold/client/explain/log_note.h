/* What the log remembers of a socket, which does not tell it itself. Signal-safe, without memory or
 * locks. */
#ifndef SC_CLIENT_EXPLAIN_LOG_NOTE_H
#define SC_CLIENT_EXPLAIN_LOG_NOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "client/explain/why.h"
#include "local/address.h"

/* Keyed by cookie, as in shadow.c: nothing to be taken out when
 * a descriptor is closed behind our back. What is forgotten here, or was known to another program
 * before exec, stands in an earlier line of the log. */
struct sc_log_note {
    uint64_t cookie;
    struct sc_address target; /* what decided: connected, sent or bound to */
    bool is_peer;             /* ... not bound to */
    enum sc_why why;          /* SC_WHY_UNKNOWN: not put to use yet */
    const char *failed_call;  /* with `error` */
    int error;
    bool serves;     /* bound to a port that others may know: an answer makes it no client */
    bool attempted;  /* went for a service, and did not become its socket */
    bool unrepaired; /* a duplicate of the socket before it may live in another process */
    bool unreset;    /* SO_LINGER of 0 s was refused: of the local plane */
    bool ended;
    unsigned forks; /* of this process before it was made */
};

/* The note of a socket, NULL without one; and the one that it has from now on. */
struct sc_log_note *sc_log_find_note(uint64_t cookie);
struct sc_log_note *sc_log_take_note(uint64_t cookie);

/* True when this process has forked, or was forked, since the note was made. */
bool sc_log_may_be_shared(const struct sc_log_note *n);

/* What became of a connect that went on in the background. errno is kept. */
void sc_log_failed(int fd, int error);

/* SO_LINGER of 0 s was refused. errno is kept. */
void sc_log_unreset(int fd);

#endif
