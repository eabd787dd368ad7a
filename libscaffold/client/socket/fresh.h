/* Sockets that take the place of another: the two ends of a flow, a listener-to-be, plain IP. */
#ifndef SC_CLIENT_SOCKET_FRESH_H
#define SC_CLIENT_SOCKET_FRESH_H

#include "client/process/identity.h"

/* A socket that the program may still turn into one of ours: plain TCP, or ours without a flow. */
struct sc_candidate {
    enum sc_identity_state state;
    enum sc_family family;
    uint16_t local_port; /* bound explicitly; 0: none */
    struct sc_identity id;
};

/* Looks at `fd`. False when it is neither ours nor an unconnected TCP socket: libc's call then says
 * what the kernel thinks of it. errno is kept. */
bool sc_candidate_read(int fd, struct sc_candidate *c);

/* The same socket kind as the program made, AF_INET or AF_INET6, with the options given to `fd`.
 * Returns a descriptor, or -1 with errno (ENOBUFS for a lack of descriptors). */
int sc_fresh_plain(int fd, enum sc_family family);

/* errno of a socket call that ran out of descriptors becomes ENOBUFS, which connect and bind may
 * return. Returns -1. */
int sc_fresh_failed(void);

#endif
