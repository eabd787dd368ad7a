/* A socket as the log sees it: what it says itself, and what is remembered of it. */
#ifndef SC_CLIENT_EXPLAIN_LOG_SOCKET_H
#define SC_CLIENT_EXPLAIN_LOG_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "client/explain/log_note.h"
#include "client/process/identity.h"

struct sc_log_socket {
    int fd;
    uint64_t cookie;
    int type; /* SOCK_... as the program made it */
    int protocol;
    bool service;
    struct sc_identity id;     /* of a service's stream */
    struct sc_socket_name own; /* of a service's socket */
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

#endif
