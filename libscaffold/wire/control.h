/* CONTROL packets: what hosts and routers tell each other outside flows. After the common header
 * (destination 0, flow 0, number = transaction id, random, echoed by the answer):
 *
 *   u8 message | u64 source address | body | zeros
 *
 * A request is padded to SC_CONTROL_REQUEST bytes and no answer is longer than that, so that nobody
 * can use a host as an amplifier. Strings are u8 length and bytes, without a final zero.
 *
 *   JOIN      string host name | u64 epoch | 16 token -> JOINED u64 address | u32 pool address |
 *                                                       u32 lease ms | u64 router's epoch |
 *                                                       u8 trouble | u32 names | 32 key of the
 *                                                       provider `host` | grant
 *   REGISTER  u64 epoch | u32 serial | u8 flags (1: replaces all that was registered before,
 *             2: a grant for the first is wanted) | u8 count | count x { 32 ServiceID } | grant
 *                                                     -> REGISTERED u32 serial | u8 count |
 *                                                        count x { 32 ServiceID that is not
 *                                                        registered | u8 why not } | grant
 *   UNREGISTER as REGISTER without flags              -> REGISTERED u32 serial
 *   REFRESH   u64 epoch | u32 registered instances | u64 xor of the hashes of their ids
 *                                                     -> REFRESHED u8 state (0 fine, 1 register all
 *                                                        again, 2 join again) | u32 reuses
 *   LOOKUP    u8 by (1 name, 2 pool address, 3 ServiceID prefix) | string name | u32 pool address |
 *             32 ServiceID                            -> MAPPING u8 status (0 found, 1 unknown,
 *                                                        2 pool exhausted, 3 share exhausted,
 *                                                        4 cannot be stored) | string name |
 *                                                        32 ServiceID (port 0) | u32 pool address |
 *                                                        u8 flags (1 reused, 2 used) | u8 trouble |
 *                                                        32 key of the provider
 *   WHERE     u64 network address                     -> THERE u64 address | 19 underlay
 *   PROBE     u64 epoch                               -> ALIVE u64 epoch
 *   GREET     u32 sender's channel id | u8 suite | u16 length, handshake | u8 length, cookie
 *                                                     -> GREETED u16 length, handshake
 *                                                     or AGAIN u8 length, cookie
 *   PROVE     u16 length, handshake                   -> an answer in the channel
 *
 * A grant is u16 length and bytes (crypto/grant.h); like all that stands last in a message, it is
 * left out where there is none.
 *
 * The flow id in the header of GREETED, AGAIN and PROVE is the receiver's channel id; elsewhere
 * it is 0. All but GREET, GREETED, AGAIN, PROVE, PROBE and ALIVE are sealed in a channel
 * (channel/channel.h).
 */
#ifndef SC_WIRE_CONTROL_H
#define SC_WIRE_CONTROL_H

#include "wire/packet.h"

#define SC_CONTROL_REQUEST 512
/* Says that a host of the same name is the same host; zeros: none. */
#define SC_HOST_TOKEN_LEN 16
/* An Ed25519 public key. */
#define SC_PUBLIC_KEY_LEN 32
/* ServiceIDs that fit into one REGISTER. */
#define SC_REGISTER_MAX 12

enum sc_control_message {
    SC_MSG_JOIN = 1,
    SC_MSG_JOINED = 2,
    SC_MSG_REGISTER = 3,
    SC_MSG_UNREGISTER = 4,
    SC_MSG_REGISTERED = 5,
    SC_MSG_REFRESH = 6,
    SC_MSG_REFRESHED = 7,
    SC_MSG_LOOKUP = 8,
    SC_MSG_MAPPING = 9,
    SC_MSG_WHERE = 10,
    SC_MSG_THERE = 11,
    SC_MSG_PROBE = 12,
    SC_MSG_ALIVE = 13,
    SC_MSG_GREET = 14,
    SC_MSG_GREETED = 15,
    SC_MSG_PROVE = 16,
    SC_MSG_AGAIN = 17, /* GREET is to be repeated with this cookie */
};

enum sc_lookup_by { SC_LOOKUP_NAME = 1, SC_LOOKUP_POOL = 2, SC_LOOKUP_SERVICE = 3 };
enum sc_lookup_status {
    SC_LOOKUP_FOUND = 0,
    SC_LOOKUP_UNKNOWN = 1,
    SC_LOOKUP_EXHAUSTED = 2, /* no address is left */
    SC_LOOKUP_SHARE = 3,     /* this host has asked for as many names as it may */
    SC_LOOKUP_UNSTORED = 4,  /* the router cannot store it: see trouble */
};
/* Why a router cannot store a name. */
enum sc_trouble {
    SC_TROUBLE_NONE = 0,
    SC_TROUBLE_SPACE = 1,
    SC_TROUBLE_READ_ONLY = 2,
    SC_TROUBLE_DAMAGED = 3,
    SC_TROUBLE_REMOVED = 4,
    SC_TROUBLE_SLOW = 5,
    SC_TROUBLE_FAILED = 6,   /* anything else */
    SC_TROUBLE_SHARE = 7,    /* it could, but this host has had its share */
    SC_TROUBLE_STRANGER = 8, /* nobody has invited a host with this key */
    SC_TROUBLE_OWNED = 9,    /* the name is that of a host with another key */
};
enum sc_refresh_state { SC_REFRESH_FINE = 0, SC_REFRESH_REGISTER = 1, SC_REFRESH_JOIN = 2 };

/* Why a router does not register a service. */
enum sc_denial {
    SC_DENIAL_NONE = 0,
    SC_DENIAL_NO_GRANT = 1,   /* its provider has not granted it to this host */
    SC_DENIAL_EARLY = 2,      /* ...not yet, by the router's clock */
    SC_DENIAL_OVER = 3,       /* ...not any more */
    SC_DENIAL_NOT_LISTED = 4, /* the router's operator has not */
    SC_DENIAL_OTHER_HOST = 5, /* it is another host's own name */
    SC_DENIAL_NO_ROOM = 6,
    SC_DENIALS
};

struct sc_control {
    uint8_t message;
    uint64_t transaction;
    uint64_t src;
    uint64_t epoch; /* JOIN, JOINED, REGISTER, UNREGISTER, REFRESH, PROBE, ALIVE */
    char name[256]; /* JOIN, LOOKUP, MAPPING; with a final zero */
    uint8_t token[SC_HOST_TOKEN_LEN]; /* JOIN */
    uint64_t address;                 /* JOINED, WHERE, THERE */
    uint32_t pool;                    /* JOINED, LOOKUP, MAPPING */
    uint32_t lease_ms;                /* JOINED */
    uint32_t serial;                  /* REGISTER, UNREGISTER, REGISTERED */
    uint8_t replaces;                 /* REGISTER */
    uint8_t wants_grant;              /* REGISTER */
    size_t service_count;
    struct sc_service_id service[SC_REGISTER_MAX]; /* REGISTER ...; [0] for LOOKUP and MAPPING */
    uint8_t denial[SC_REGISTER_MAX]; /* REGISTERED, whose services are those that are not */
    struct sc_field grant;           /* JOINED, REGISTER, REGISTERED: read, it points into the
                                        packet */
    uint32_t registered;             /* REFRESH */
    uint64_t digest;                 /* REFRESH */
    uint8_t state;                   /* REFRESHED */
    uint8_t by;                      /* LOOKUP */
    uint8_t status;                  /* MAPPING */
    uint8_t reused;                  /* MAPPING: the address had another name */
    uint8_t used;                    /* MAPPING: it is this name's for good */
    uint8_t trouble;                 /* MAPPING, JOINED: enum sc_trouble */
    uint32_t names;              /* JOINED: how many new names this host may ask for; 0: not told */
    uint32_t reuses;             /* REFRESHED: changes with every reuse; 0: not
                                    told */
    struct sc_underlay underlay; /* THERE */
    uint32_t channel;            /* GREET: the sender's; GREETED, AGAIN, PROVE: the receiver's */
    uint8_t suite;               /* GREET: crypto/noise.h */
    struct sc_field handshake;   /* GREET, GREETED, PROVE: read, it points into the packet */
    struct sc_field cookie;      /* GREET, AGAIN: the same; at most SC_COOKIE_MAX */
    uint8_t key[SC_PUBLIC_KEY_LEN]; /* JOINED, MAPPING: a provider's public key; zeros: none */
};

bool sc_control_is_request(uint8_t message);

/* True for what is never in a channel: handshakes, and what hosts ask each other. */
bool sc_control_is_plain(uint8_t message);

/* A string; r->bad when there is a zero in it. */
void sc_read_string(struct sc_reader *r, char out[256]);
void sc_write_string(struct sc_writer *w, const char *text);

/* The message alone, without header and padding. */
void sc_control_read_body(struct sc_reader *r, struct sc_control *c);
void sc_control_write_body(struct sc_writer *w, const struct sc_control *c);

/* Reads after the header; h->number becomes the transaction. r->bad on anything malformed. */
void sc_control_read(struct sc_reader *r, const struct sc_header *h, struct sc_control *c);

/* Writes header, message and, for requests, the padding. */
void sc_control_write(struct sc_writer *w, const struct sc_control *c);

#endif
