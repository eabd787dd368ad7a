/* What the parts of the relay share. Each file calls those below it:
 *
 *   connect, bind, addresses   what relay.h offers
 *   claim                      a relay for a program's socket
 *   thread                     waits and carries
 *   ends                       of programs' sockets
 *   carry                      datagrams, both ways; names: those of DNS
 *   far_end, service           sockets of ours: towards the program, among services
 *   watch                      what is due
 *   table                      the relays, all under one lock; place: where a socket stands */
#ifndef SC_TRAP_RELAY_PARTS_H
#define SC_TRAP_RELAY_PARTS_H

#include <pthread.h>
#include <stdint.h>

#include "local/address.h"
#include "trap/relay/relay.h"

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

/* --- table ------------------------------------------------------------------------------------ */

/* The socket's relay, or NULL. */
struct sc_relay *sc_relay_find(int fd);

/* A place in the table that is free, or NULL. */
struct sc_relay *sc_relay_free_place(void);

/* By what a relay is found; 0 when `fd` is no descriptor. */
uint64_t sc_relay_inode(int fd);

/* Where far ends reach the program's socket. One that has no port yet gets one, as by its first
 * datagram. 0 or a negative errno. */
int sc_relay_locate(int fd, struct sc_relay *r);

/* Our number for the program's socket, -1 when whoever had it last has it no longer. */
int sc_relay_reach(const struct sc_relay *r);

/* --- watch ------------------------------------------------------------------------------------ */

/* What a descriptor of a relay is watched for. Closed ones are watched no longer. */
enum sc_relay_source {
    SC_RELAY_SERVICE,  /* the service's socket */
    SC_RELAY_PROGRAM,  /* a far end's, from the program */
    SC_RELAY_UPSTREAM, /* a far end's, from a name server */
    SC_RELAY_ENDS,     /* of programs' sockets, as the kernel tells them */
};

#define SC_RELAY_DUE_MAX 64

struct sc_relay_due {
    struct sc_relay *relay;
    struct sc_far_end *end; /* of SC_RELAY_PROGRAM and SC_RELAY_UPSTREAM */
    enum sc_relay_source source;
};

bool sc_relay_is_watching(void);

/* Once. 0 or a negative errno. */
int sc_relay_begin_watching(void);

/* Tells what comes from `fd` from now on, however often this is said. `e` is NULL for a service.
 * 0 or a negative errno. */
int sc_relay_watch(const struct sc_relay *r, const struct sc_far_end *e,
                   enum sc_relay_source source, int fd);

/* Waits, without the lock, for what is due; -1 of timeout_ms: as long as it takes. How many, or -1
 * with errno. */
int sc_relay_await(struct sc_relay_due due[SC_RELAY_DUE_MAX], int timeout_ms);

/* --- far_end ---------------------------------------------------------------------------------- */

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

/* --- service ---------------------------------------------------------------------------------- */

/* Its socket among services: made, as far as the program's socket `like` is bound already; one of
 * the shim's by now, and not plain UDP; carried from. */
int sc_relay_make_service(struct sc_relay *r, int like);
bool sc_relay_is_service(const struct sc_relay *r);
int sc_relay_watch_service(const struct sc_relay *r);

/* --- carry ------------------------------------------------------------------------------------ */

/* All that waits, before what another socket has sent later: over loopback UDP keeps that order. */
void sc_relay_from_program(const struct sc_relay *r, struct sc_far_end *e);

void sc_relay_from_name_server(const struct sc_far_end *e);
void sc_relay_from_service(struct sc_relay *r);

/* What the program has sent before it closed still goes. */
void sc_relay_close(struct sc_relay *r);

/* --- ends ------------------------------------------------------------------------------------- */

/* Closes the relays whose programs' sockets are closed: for what must not be late. */
void sc_relay_sweep(void);

/* A descriptor by which the kernel tells of each UDP socket that is gone. -1 where it does not (its
 * module for sock_diag is absent). */
int sc_relay_hear_ends(void);

/* It has told something. */
void sc_relay_on_end(int ends);

/* --- thread, claim ---------------------------------------------------------------------------- */

/* The thread that carries, if there is none yet. 0 or a negative errno. */
int sc_relay_start(void);

/* The socket's relay, made if need be; NULL with errno. */
struct sc_relay *sc_relay_claim(const struct sc_relay_socket *s);

#endif
