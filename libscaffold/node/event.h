/* What the owner of a stack is told, and what datagrams and mappings are to it. */
#ifndef SC_NODE_EVENT_H
#define SC_NODE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "crypto/grant.h"
#include "crypto/hash.h"
#include "naming/provider.h"
#include "wire/ids.h"

struct sc_flow;
struct sc_instance;

/* One connectionless datagram (RFC 768's service over SCAFFOLD). */
struct sc_datagram {
    struct sc_service_id to; /* with port and protocol. A host's id, or no more than a port and the
                                protocol beside `to_host`: the socket with that port on that host */
    uint64_t to_host;        /* network address of the host it must reach; 0: bound late */
    struct sc_service_id from; /* what the sending socket serves; zeros: nothing */
    uint64_t from_host;        /* received: network address of the sender's host */
    uint32_t from_pool;        /* received: pool address of the sender's host */
    uint16_t from_port;        /* unique on the sender's host */
    bool answer;  /* it goes to a socket, not to a service: its receiver shows `from` as the sender
                     where that is set, else the sender's host and port */
    bool unicast; /* `from` is this very socket's own: answers to it must come to this host */
    uint8_t ttl, tos; /* as the sending program set them; ttl 0: not set */
    uint64_t id;      /* received: names it among its sender's */
    const uint8_t *data;
    size_t len; /* at most SC_DATAGRAM_PAYLOAD_MAX */
};

enum sc_event_type {
    SC_EVENT_NONE,
    SC_EVENT_FLOW,    /* flow, bits */
    SC_EVENT_ARRIVED, /* flow: confirmed by its client, for `instance`: give it to the program; set
                         flow->app. SC_EVENT_FLOW follows only after the owner called
                         sc_stack_accept or sc_flow_abort */
    SC_EVENT_MAPPED,  /* mapping, ticket: the answer to a lookup */
    SC_EVENT_JOINED,  /* own address, pool address, router state changed: see sc_stack_self */
    SC_EVENT_REGISTERED,  /* the router knows all that is served here: see sc_stack_registered */
    SC_EVENT_STORE,       /* router: store mapping, then say sc_stack_stored(token) */
    SC_EVENT_PIN,         /* pin: store it; nobody waits for that */
    SC_EVENT_GRANT,       /* grant: store it; nobody waits for that */
    SC_EVENT_INVITED,     /* router: invitation: the same */
    SC_EVENT_DATAGRAM,    /* datagram: complete; its data is valid until the next event is taken */
    SC_EVENT_UNDELIVERED, /* datagram without data: from_port's socket sent it to `to`, and nobody
                             serves that */
    SC_EVENT_NOTE,        /* router: note: for people to read, nothing needs to be done */
};

enum sc_note_what {
    SC_NOTE_JOINED,
    SC_NOTE_MOVED,   /* it is at another underlay address */
    SC_NOTE_EXPIRED, /* its lease: its services are gone with it */
    SC_NOTE_NAME_TAKEN,
    SC_NOTE_NOT_INVITED, /* it wants to join, and nobody has invited it */
    SC_NOTE_OTHER_KEY,   /* ...by a name that belongs to another key */
    SC_NOTE_PLAIN,       /* ...and does not speak of keys at all */
    SC_NOTE_NO_ROOM_FOR_HOST,
    SC_NOTE_NO_ROOM_FOR_SERVICE,
    SC_NOTE_REGISTERED, /* service, of the host */
    SC_NOTE_UNREGISTERED,
    SC_NOTE_DENIED,     /* the host may not register the service: denial */
    SC_NOTE_GRANT_ENDS, /* our own, of the service's provider: until */
    SC_NOTE_GRANT_TIME, /* ...is not good yet, or over, by this host's clock */
};

struct sc_note {
    enum sc_note_what what;
    char host[SC_HOST_NAME_MAX + 1];
    struct sc_underlay underlay;
    struct sc_service_id service;
    uint8_t denial;    /* wire/control.h */
    uint64_t until;    /* seconds since 1970 */
    uint32_t left_out; /* notes before this one, for which there was no room */
};

/* A grant (crypto/grant.h) that this host has, or that another one has shown this router. */
struct sc_kept_grant {
    uint64_t until; /* seconds since 1970 */
    size_t len;
    uint8_t bytes[SC_GRANT_MAX];
};

/* The key that this host knows an alias by. */
struct sc_pin {
    char alias[SC_ALIAS_MAX + 1];
    uint8_t key[SC_KEY_LEN];
    bool local;     /* somebody here has vouched for it; else it was so when first heard of */
    uint64_t since; /* seconds since 1970 */
};

/* What lets hosts in that a router has never seen: a secret that it gave to whoever runs them. */
struct sc_invitation {
    uint8_t hash[SC_HASH_LEN]; /* of the secret */
    uint32_t uses;             /* hosts that it still lets in */
    uint64_t until;            /* seconds since 1970 */
};

/* Who says that a name's provider has its key. */
enum sc_vouched {
    SC_VOUCHED_OFF,    /* nobody */
    SC_VOUCHED_SELF,   /* the name itself */
    SC_VOUCHED_PINNED, /* somebody on this host */
    SC_VOUCHED_LOCAL,  /* this host is the router that says so */
    SC_VOUCHED_FIRST_USE,
};

struct sc_mapping {
    int error; /* 0, or a positive errno: ENOENT (the name is unknown), ENOMEM (the pool is
                  exhausted), EDQUOT (this host has had its share of it), EAGAIN (too much at once),
                  ETIMEDOUT or ENETUNREACH (no router answers), EKEYREJECTED (its provider is known
                  here by another key than `key`), ENOKEY (nobody here has vouched for `key`); any
                  other says why it could not be stored */
    char name[SC_NAME_MAX + 1];   /* without port */
    struct sc_service_id service; /* port and protocol 0 */
    uint32_t pool;                /* host order */
    uint8_t key[SC_KEY_LEN];      /* of its provider; zeros where the name certifies itself */
    enum sc_vouched vouched;
    bool used;  /* was served once, or is a host's that joined */
    bool owned; /* a host's name, which only who has this key joins by: */
    uint8_t owner[SC_KEY_LEN];
    uint8_t invitation[SC_HASH_LEN]; /* SC_EVENT_STORE: one use of it is gone with that; zeros: of
                                        none */
    bool reused;                     /* the address stood for another name before */
    bool stale; /* heard before the router last gave an address to another name: the address may be
                   another's by now */
};

struct sc_event {
    enum sc_event_type type;
    struct sc_flow *flow;
    unsigned bits;
    struct sc_instance *instance;
    void *ticket;
    uint64_t token;
    union {
        struct sc_mapping mapping;
        struct sc_datagram datagram;
        struct sc_note note;
        struct sc_pin pin;
        struct sc_kept_grant grant;
        struct sc_invitation invitation;
    };
};

#endif
