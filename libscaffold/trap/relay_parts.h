/* What the parts of the relay share: relay.c has the table and the names, far_end.c,
 * relay_service.c, relay_connect.c and relay_bind.c open, relay_carry.c carries and closes. */
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
    uint64_t inode;  /* of the program's socket; 0: this place is free */
    uint64_t cookie; /* likewise */
    enum sc_family family;
    struct sc_relay_socket holder; /* fd is -1 */
    struct sc_address program;     /* where it receives */
    int service;                   /* the socket among services; -1: none yet */
    struct sc_far_end ends[SC_FAR_ENDS_MAX];
};

/* All of it is under the lock. */
struct sc_relay_table {
    pthread_mutex_t lock;
    struct sc_relay list[SC_RELAYS_MAX];
};

extern struct sc_relay_table sc_relays;

/* The socket's relay, or NULL. */
struct sc_relay *sc_relay_find(int fd);

/* The same, made if need be; NULL with errno. */
struct sc_relay *sc_relay_claim(const struct sc_relay_socket *s);

/* Where far ends reach the program's socket. One that has no port yet gets one, as by its first
 * datagram. 0 or a negative errno. */
int sc_relay_locate(int fd, struct sc_relay *r);

/* Its socket among services: made, as far as the program's socket `like` is bound already; one of
 * the shim's by now, and not plain UDP; carried from. */
int sc_relay_make_service(struct sc_relay *r, int like);
bool sc_relay_is_service(const struct sc_relay *r);
int sc_relay_watch_service(const struct sc_relay *r);

/* The end at this address on loopback, or NULL. */
const struct sc_far_end *sc_relay_end_at(const struct sc_relay *r, const struct sockaddr *at,
                                         socklen_t len);

/* The end that stands for `far`, opened if need be; NULL with errno. */
struct sc_far_end *sc_relay_end(struct sc_relay *r, const struct sc_address *far);

/* Opens our side of a far end at `at`, whose port is 0 for any. 0 or a negative errno. */
int sc_far_end_open(const struct sc_relay *r, struct sc_far_end *e);
void sc_far_end_close(struct sc_far_end *e);

/* Gives the place up. */
void sc_far_end_forget(struct sc_far_end *e);

/* Closes the relays whose programs' sockets are closed: for what must not be late. */
void sc_relay_sweep(void);
void sc_relay_close(struct sc_relay *r);

/* What a descriptor of a relay is watched for. Closed ones are watched no longer. */
enum sc_relay_source {
    SC_RELAY_SERVICE,  /* the service's socket */
    SC_RELAY_PROGRAM,  /* a far end's, from the program */
    SC_RELAY_UPSTREAM, /* a far end's, from a name server */
    SC_RELAY_ENDS,     /* of programs' sockets, as the kernel tells them */
};

/* Carries what comes from `fd` from now on, however often this is said. `e` is NULL for a service.
 * 0 or a negative errno. */
int sc_relay_watch(const struct sc_relay *r, const struct sc_far_end *e,
                   enum sc_relay_source source, int fd);

#endif
