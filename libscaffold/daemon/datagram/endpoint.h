/* A program's datagram socket: scaffoldd's end of an AF_UNIX SOCK_SEQPACKET pair, on which every
 * packet is a head (local/datagram.h) and a datagram.
 *
 * PREPARE and BIND open an endpoint, which takes part from then on. What it sends goes through
 * daemon/datagram/datagrams.h.
 *
 * The table (daemon/datagram/endpoint_table.h) owns it, by its serial, and sc_endpoint_close is its
 * one end. Its group, its port and the datagrams that wait for an answer refer to it, and forget it
 * there; nobody else keeps one beyond a call. */
#ifndef SC_DAEMON_DATAGRAM_ENDPOINT_H
#define SC_DAEMON_DATAGRAM_ENDPOINT_H

#include "daemon/daemon.h"
#include "daemon/datagram/endpoint_table.h"
#include "daemon/datagram/gather.h"
#include "daemon/shares.h"
#include "local/ctl.h"
#include "local/datagram.h"

struct sc_endpoint {
    struct sc_map_node by_serial;
    struct sc_list member; /* of its group */
    struct sc_daemon *daemon;
    struct sc_watch watch;
    struct sc_endpoint_group *group; /* who may share its address; NULL: it has none to share */
    struct sc_host_port *port;       /* no other endpoint of this host has its number */
    struct sc_service_id service;    /* what it is bound to, with port and protocol; or zeros */
    struct sc_address own;           /* as the program was told */
    struct sc_address peer;          /* when connected, as the program named it */
    uint8_t meaning[8];              /* what it meant by that */
    enum sc_family family;
    uint64_t serial; /* of its name */
    struct sc_share share;
    uint32_t uid;
    int32_t pid;
    bool bound;    /* to a service of the network: answers to it are shown to come from there */
    bool loopback; /* its address is a loopback one */
    bool wildcard;
    bool v6only; /* and IPv4 does not reach it */
    bool reply;  /* bound at a service's address with a port of its own: this host is meant */
    bool reuseaddr;
    bool reuseport;
    bool connected;
    bool shows_ula;     /* the program last named a service by its IPv6 address */
    bool remembered;    /* another host was told its port */
    bool gro;           /* the program takes datagrams that were sent at once at once */
    bool wants_errors;  /* without being connected (IP_RECVERR) */
    bool serves;        /* it takes part */
    bool mute;          /* the program writes no more: only its close is waited for */
    uint64_t pinned_to; /* connected: network address of the host that answered; 0: none yet */
    struct sc_gather gather;
    uint64_t rx, tx;  /* bytes of datagrams from and to the program */
    uint64_t dropped; /* datagrams for which the program's queue had no room */
};

/* What BIND or PREPARE asks for. */
struct sc_endpoint_request {
    struct sc_service_id service; /* port and protocol 0; only when `bound` or `loopback` */
    struct sc_address address;    /* own; port 0: any */
    enum sc_family family;
    uint32_t uid;
    int32_t pid;
    bool bound;
    bool loopback;
    bool wildcard;
    bool v6only;
    bool shows_wildcard; /* the program is shown the wildcard until it is connected */
    bool reuseaddr;
    bool reuseport;
    uint32_t rcvbuf; /* the program's own wish; 0: none */
};

/* Opens one with address and port; `program` gets the program's end. Returns 0, or a positive
 * errno: EADDRINUSE, EADDRNOTAVAIL (no port is left), ENOBUFS (the user has its share), EMFILE (no
 * descriptor is left), ENOSPC (no instance is), ENOMEM. */
int sc_endpoint_open(struct sc_daemon *d, const struct sc_endpoint_request *r,
                     struct sc_endpoint **out, int *program);

/* Gives back what it has; the memory lives until the end of the turn. */
void sc_endpoint_close(struct sc_endpoint *e);

/* True when the program has closed it, although its event has not come yet: it is closed now, and
 * what was written before is on its way. */
bool sc_endpoint_close_if_gone(struct sc_endpoint *e);

/* FLOW_SET and FLOW_GET; return 0 or a positive errno. */
int sc_endpoint_set(struct sc_endpoint *e, uint32_t option, uint32_t value);
int sc_endpoint_get(const struct sc_endpoint *e, uint32_t option, uint32_t *value,
                    struct sc_ctl_info *info);

/* The one with this name, or NULL. */
struct sc_endpoint *sc_endpoint_find(struct sc_daemon *d, const struct sc_socket_name *name);

/* Hangs up on every program: their sockets end. */
void sc_endpoints_end(struct sc_daemon *d);

#endif
