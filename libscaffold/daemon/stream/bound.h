/* The stream sockets that programs of this host have bound to a service, listening or not: who has
 * which address decides EADDRINUSE, and finds the listener of an arriving flow.
 *
 * BIND reserves an address for the socket that it makes, which stands in a folder of scaffoldd's
 * (daemon/stream/folder.h). The reservation lasts as long as the socket, whoever holds it: that is
 * asked when somebody else wants the address, and by the sweep.
 *
 * The table owns it, and sc_bound_drop is its one end; it owns its listener, and closes it then.
 * Its service refers to it while it lasts. */
#ifndef SC_DAEMON_STREAM_BOUND_H
#define SC_DAEMON_STREAM_BOUND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "base/map.h"
#include "daemon/shares.h"
#include "local/socket_name.h"
#include "wire/ids.h"

struct sc_daemon;
struct sc_listener;

struct sc_bound_table {
    struct sc_list all; /* the sweep takes from the front and puts to the back */
    size_t count;
    struct sc_map names;
    struct sc_map services;
    uint32_t at_port[65536]; /* how many have this port number */
};

/* One service id with port and protocol, or one loopback port. */
struct sc_bound_service {
    struct sc_map_node node;
    struct sc_service_id id;
    struct sc_list members; /* a chosen listener goes to the back */
};

/* What its program said of others at the same address. */
struct sc_bound_wish {
    bool shared;  /* SO_REUSEPORT: several may listen */
    bool patient; /* SO_REUSEADDR: several may be bound, as long as none listens */
};

struct sc_bound {
    struct sc_list link;      /* of the table */
    struct sc_map_node named; /* by key */
    struct sc_list member;    /* of its service */
    struct sc_daemon *daemon;
    struct sc_bound_service *service;
    char key[SC_SOCKET_NAME_TEXT]; /* the name as the kernel has it */
    struct sc_socket_name name;
    uint32_t inode;
    struct sc_bound_wish wish;
    bool sealed; /* what is accepted from it takes no descriptors from its peer: known at LISTEN */
    bool aborts; /* SO_LINGER {1, 0}, which what is accepted from it inherits */
    struct sc_share share;
    struct sc_listener *listener; /* its own; NULL: it does not listen */
};

void sc_bound_init(struct sc_bound_table *t, const uint64_t seed[2]);
void sc_bound_fini(struct sc_bound_table *t); /* drops all */

/* The number in the name of a socket that is to be bound. Whether it is shared shows in it, for a
 * scaffoldd after this one. */
uint64_t sc_bound_serial(struct sc_daemon *d, bool shared);
struct sc_bound_wish sc_bound_wish_of(const struct sc_socket_name *name);

/* Reserves the name's address for the socket with this inode; in the share of the name's owner.
 * Returns 0, or a positive errno:
 * EADDRINUSE, ENOBUFS (the user has its share), ENOMEM. */
int sc_bound_reserve(struct sc_daemon *d, const struct sc_socket_name *name,
                     const struct sc_service_id *service, uint32_t inode, struct sc_bound_wish wish,
                     struct sc_bound **out);

/* Forgets it; its listener is closed first. The file stays, for whoever finds it again. */
void sc_bound_drop(struct sc_bound *b);

/* By the name's text, without the leading zero; NULL: none. */
struct sc_bound *sc_bound_find(struct sc_daemon *d, const char *text);

/* A program has set an SC_OPT_ on its socket. Returns 0 or a positive errno. */
int sc_bound_set(struct sc_bound *b, uint32_t option, uint32_t value);

/* By service id with port and protocol; NULL: nobody is bound to it. */
struct sc_bound_service *sc_bound_service_find(struct sc_daemon *d, const struct sc_service_id *id);

/* Drops it, with its file, and returns true, when nobody holds the socket any more. */
bool sc_bound_drop_if_gone(struct sc_bound *b);

/* Looks at the next `count` of all. */
void sc_bound_sweep(struct sc_daemon *d, size_t count);

/* A port for a program that asked for any: nobody is bound to it. 0: none is left. */
uint16_t sc_bound_any_port(struct sc_daemon *d, struct sc_service_id service);

#endif
