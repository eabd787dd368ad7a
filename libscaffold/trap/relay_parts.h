/* What the two halves of the relay share: relay.c opens, relay_carry.c carries and closes. */
#ifndef SC_TRAP_RELAY_PARTS_H
#define SC_TRAP_RELAY_PARTS_H

#include <pthread.h>
#include <stdint.h>

#include "local/address.h"
#include "trap/relay.h"

/* Program sockets, and far ends of one, at a time. A server with more clients than that answers the
 * latest; each far end is a descriptor of ours. */
#define SC_RELAYS_MAX 128
#define SC_FAR_ENDS_MAX 64
#define SC_DNS_PORT 53

struct sc_far_end {
    int own;              /* connected to the program's socket; -1: this place is free */
    int upstream;         /* towards a name server; -1: the relay's service socket serves it */
    struct sc_address at; /* own's */
    struct sc_address far;
    int64_t used; /* ms: when it was last opened or carried anything */
};

struct sc_relay {
    uint64_t inode; /* of the program's socket; 0: this place is free */
    enum sc_family family;
    struct sc_relay_socket holder; /* fd is -1 */
    struct sc_address program;     /* where it receives */
    int service;                   /* the socket among services; -1: none yet */
    struct sc_far_end ends[SC_FAR_ENDS_MAX];
};

/* All of it is under the lock. `version` counts what was opened and closed. */
struct sc_relay_table {
    pthread_mutex_t lock;
    unsigned version;
    int wake; /* eventfd: there is something new to look at */
    struct sc_relay list[SC_RELAYS_MAX];
};

extern struct sc_relay_table sc_relays;

/* The end that stands for `far`, opened if need be; NULL with errno. */
struct sc_far_end *sc_relay_end(struct sc_relay *r, const struct sc_address *far);

/* Opens our side of a far end at `at`, whose port is 0 for any. 0 or a negative errno. */
int sc_far_end_open(const struct sc_relay *r, struct sc_far_end *e);
void sc_far_end_close(struct sc_far_end *e);

/* Gives the place up. */
void sc_far_end_forget(struct sc_far_end *e);

/* Closes the relays whose programs' sockets are closed. */
void sc_relay_sweep(void);

/* Starts to carry, once. 0 or a negative errno. */
int sc_relay_carry(void);

#endif
