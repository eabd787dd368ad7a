/* A socket as the log sees it: what it says itself, and what is remembered of it. */
#ifndef SC_CLIENT_EXPLAIN_LOG_SOCKET_H
#define SC_CLIENT_EXPLAIN_LOG_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "client/explain/why.h"
#include "client/process/identity.h"

/* What a socket does not tell itself. Keyed by cookie, as in shadow.c: nothing to be taken out when
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
    bool ended;
    unsigned forks; /* of this process before it was made */
};

struct sc_log_socket {
    int fd;
    uint64_t cookie;
    int type; /* SOCK_... as the program made it */
    int protocol;
    bool service;
    struct sc_identity id; /* of a service's stream */
    struct sc_name own;    /* of a service's socket */
    bool has_local;
    bool has_peer;
    struct sc_address local;
    struct sc_address peer;
    struct sc_log_note *note; /* may be NULL */
};

/* Looks at the socket behind `fd`. False for what is no socket of IP or of a service. */
bool sc_log_look(int fd, struct sc_log_socket *s);

/* SOL_SOCKET's option `name` as the kernel has it, or -1. */
int sc_log_number_option(int fd, int name);

/* The note of a socket, NULL without one; and the one that it has from now on. */
struct sc_log_note *sc_log_find_note(uint64_t cookie);
struct sc_log_note *sc_log_take_note(uint64_t cookie);

/* True when this process has forked, or was forked, since the note was made. */
bool sc_log_may_be_shared(const struct sc_log_note *n);

#endif
