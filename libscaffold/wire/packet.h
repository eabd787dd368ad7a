/* Packets: bytes <-> values, nothing else. docs/protocol.md draws every layout below; the two are
 * kept together. Every integer is big-endian. A packet is one UDP payload.
 *
 * Common header, 22 bytes, of every packet:
 *
 *    0  u8   version (3 bits) | protected (1 bit) | type (4 bits)
 *    1  u8   hop limit               rewritten by routers
 *    2  u64  destination address     0: not known yet, routed by ServiceID
 *   10  u32  destination flow id     0: none
 *   14  u64  packet number           per flow and direction, from 0, never 2^64-1; CONTROL:
 *                                    transaction id; DATAGRAM: names the datagram
 *
 * `protected` says that the packet ends in a 16-byte tag and that everything after the header is
 * encrypted, the header but its hop limit, destination address and flow id authenticated.
 *
 * In a channel between host and router, a packet is sealed as a whole: its first two bytes with
 * `protected` set, and a header of its own (destination 0, the channel id of the receiver, a number
 * that counts the channel's packets) stand in front of the rest of it, which is encrypted. So a
 * packet that is opened in place begins SC_CHANNEL_SHIFT bytes after the one that it came in. */
#ifndef SC_WIRE_PACKET_H
#define SC_WIRE_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "wire/ids.h"

#define SC_WIRE_VERSION 1
#define SC_HEADER_LEN 22
#define SC_TAG_LEN 16
/* In a channel: the header less the two bytes that it takes from the packet inside... */
#define SC_CHANNEL_SHIFT (SC_HEADER_LEN - 2)
/* ...and the tag: what a packet is longer by. */
#define SC_CHANNEL_OVERHEAD (SC_CHANNEL_SHIFT + SC_TAG_LEN)
/* OPEN's at least: sealed, it shows that the path carries SC_DATAGRAM_BASE. */
#define SC_OPEN_LEN (SC_DATAGRAM_BASE - SC_CHANNEL_OVERHEAD)
#define SC_TOKEN_LEN 16
/* A data packet spends at most this between UDP header and stream bytes, tag included. */
#define SC_DATA_OVERHEAD (SC_HEADER_LEN + 7 + SC_TAG_LEN)

enum sc_packet_type {
    SC_PKT_OPEN = 1,     /* client -> service: first packet, by ServiceID; padded */
    SC_PKT_ANSWER = 2,   /* instance -> client: second packet, direct */
    SC_PKT_CONFIRM = 3,  /* client -> instance: third packet; frames may follow */
    SC_PKT_DATA = 4,     /* frames of an open flow */
    SC_PKT_REFUSE = 5,   /* router or instance -> client: this OPEN leads nowhere */
    SC_PKT_RETRY = 6,    /* instance -> client: come again with this cookie */
    SC_PKT_RESET = 7,    /* stateless reset: carries the token of the flow that is gone */
    SC_PKT_CONTROL = 8,  /* host <-> router, host <-> host: see wire/control.h */
    SC_PKT_DATAGRAM = 9, /* connectionless: a datagram, or a fragment of one, by ServiceID */
};

struct sc_header {
    uint8_t version;
    bool is_protected;
    uint8_t type;
    uint8_t hop_limit;
    uint64_t dst;
    uint32_t flow;
    uint64_t number;
};

/* Reads or writes the common header. Reading sets r->bad when short, of another version, or with
 * the number that is never used. */
void sc_header_read(struct sc_reader *r, struct sc_header *h);
void sc_header_write(struct sc_writer *w, const struct sc_header *h);

/* OPEN, after the header (destination address 0, flow 0, number 0):
 *   u64 source address | u32 source flow id | u64 open id | 32 ServiceID | u8 attempt |
 *   u32 source pool address | u16 source port | 19 origin underlay (family 0 until the first hop
 *   fills it in) | u8 n excluded, n x u64 | u8 cookie length, cookie | u16 handshake length,
 *   handshake | zeros up to at least SC_OPEN_LEN
 * The open id is random: answers echo it, so that only whoever saw the OPEN can answer. */
struct sc_open {
    uint64_t src;
    uint32_t src_flow;
    uint64_t open_id;
    struct sc_service_id service;
    uint8_t attempt;   /* 0 at first; a new instance may be chosen for each */
    uint32_t src_pool; /* how the client's host appears to the serving program */
    uint16_t src_port; /* unique there */
    struct sc_underlay origin;
    size_t exclude_count; /* instances' hosts that failed already */
    uint64_t exclude[SC_OPEN_EXCLUDE];
    struct sc_field cookie; /* from a RETRY, at most 32 bytes */
    struct sc_field handshake;
};

/* ANSWER, after the header (destination: the client's address and flow id):
 *   u64 source address | u32 source flow id | u64 open id | 32 ServiceID | u32 source pool address
 * | u64 window (first byte that may not be sent yet) | u64 epoch (incarnation of the answering
 *   stack) | 16 reset token | u16 handshake length, handshake
 * Never longer than the OPEN it answers. */
struct sc_answer {
    uint64_t src;
    uint32_t src_flow;
    uint64_t open_id;
    struct sc_service_id service;
    uint32_t src_pool;
    uint64_t window;
    uint64_t epoch;
    uint8_t token[SC_TOKEN_LEN];
    struct sc_field handshake;
};

/* CONFIRM, after the header (destination: the instance's address and flow id; number: of the packet
 * number space of DATA):
 *   u64 source address | u64 open id | u64 window | u64 epoch | 16 reset token |
 *   u16 handshake length, handshake | frames */
struct sc_confirm {
    uint64_t src;
    uint64_t open_id;
    uint64_t window;
    uint64_t epoch;
    uint8_t token[SC_TOKEN_LEN];
    struct sc_field handshake;
    struct sc_field frames;
};

enum sc_refusal {
    SC_REFUSE_NO_INSTANCE = 1, /* nobody serves it (now) */
    SC_REFUSE_INSTANCE = 2,    /* this instance does not take it: closed, or its queue is full */
    SC_REFUSE_NOT_ALLOWED = 3,
    SC_REFUSE_NO_ROUTE = 4, /* the router cannot reach any service router that knows */
};

/* REFUSE, after the header (destination: the client): u64 source address (the instance's host, to
 * be excluded; 0: the router) | u64 open id | u8 refusal */
struct sc_refuse {
    uint64_t src;
    uint64_t open_id;
    uint8_t refusal;
};

/* A cookie has at most so many bytes. */
#define SC_COOKIE_MAX 32

/* RETRY: u64 open id | u8 cookie length, cookie */
struct sc_retry {
    uint64_t open_id;
    struct sc_field cookie;
};

/* RESET: u64 source address | 16 token. Sent for a packet of a flow that is not known here; shorter
 * than what it answers. Without the right token it is ignored. */
struct sc_reset {
    uint64_t src;
    uint8_t token[SC_TOKEN_LEN];
};

enum sc_fragment_flag {
    SC_FRAGMENT_ANSWER = 1,      /* for a socket, not for a service: see struct sc_datagram */
    SC_FRAGMENT_UNICAST = 2,     /* the sender's ServiceID is that socket's own */
    SC_FRAGMENT_FROM = 4,        /* the sender's ServiceID is there */
    SC_FRAGMENT_UNDELIVERED = 8, /* it comes back, without data: it leads nowhere */
};

/* DATAGRAM, after the header (destination: the host that must get it, 0: bound late; flow 0;
 * number: the same for all fragments of a datagram): u64 source address | u32 source pool address |
 * u16 source port | 19 origin underlay (family 0 until the first hop fills it in) | u64 choice | u8
 * flags | u8 TTL | u8 TOS | u16 length of the datagram | u16 offset | 32 ServiceID | 32 ServiceID
 * of the sender, if flagged | data All fragments but the last one are of one size, so that they
 * leave as one train. */
struct sc_fragment {
    uint64_t src;
    uint32_t src_pool;
    uint16_t src_port;
    struct sc_underlay origin;
    uint64_t choice;
    uint8_t flags;
    uint8_t ttl;
    uint8_t tos;
    uint16_t total;
    uint16_t offset;
    struct sc_service_id to;
    struct sc_service_id from; /* zeros when not flagged */
    struct sc_field data;
};

#define SC_FRAGMENT_OVERHEAD                                                                       \
    (SC_HEADER_LEN + 8 + 4 + 2 + SC_UNDERLAY_LEN + 8 + 1 + 1 + 1 + 2 + 2 + 32)

/* Each reader starts after the header and sets r->bad on anything malformed; fields point into the
 * packet. Each writer writes header and body; w->bad when there is no room. */
void sc_open_read(struct sc_reader *r, struct sc_open *p);
void sc_open_write(struct sc_writer *w, const struct sc_header *h, const struct sc_open *p);
void sc_answer_read(struct sc_reader *r, struct sc_answer *p);
void sc_answer_write(struct sc_writer *w, const struct sc_header *h, const struct sc_answer *p);
void sc_confirm_read(struct sc_reader *r, struct sc_confirm *p);
/* Writes all but the frames, which the caller appends. */
void sc_confirm_write(struct sc_writer *w, const struct sc_header *h, const struct sc_confirm *p);
void sc_refuse_read(struct sc_reader *r, struct sc_refuse *p);
void sc_refuse_write(struct sc_writer *w, const struct sc_header *h, const struct sc_refuse *p);
void sc_retry_read(struct sc_reader *r, struct sc_retry *p);
void sc_retry_write(struct sc_writer *w, const struct sc_header *h, const struct sc_retry *p);
void sc_reset_read(struct sc_reader *r, struct sc_reset *p);
void sc_reset_write(struct sc_writer *w, const struct sc_header *h, const struct sc_reset *p);

void sc_fragment_read(struct sc_reader *r, struct sc_fragment *p);
void sc_fragment_write(struct sc_writer *w, const struct sc_header *h, const struct sc_fragment *p);

#define SC_CONFIRM_LEN_MIN (SC_HEADER_LEN + 8 + 8 + 8 + 8 + SC_TOKEN_LEN + 2)

/* Fills the origin field of an OPEN or a DATAGRAM in place, if it is still empty (family 0). The
 * offset is fixed, so a router needs no re-encoding. Returns false when the packet is another one
 * or too short. */
bool sc_packet_set_origin(uint8_t *packet, size_t len, const struct sc_underlay *origin);

/* The same whatever was there: in a channel, the router alone says where a packet comes from. */
bool sc_packet_put_origin(uint8_t *packet, size_t len, const struct sc_underlay *origin);

/* Counts one hop down in place; false when the limit is used up (drop the packet). */
bool sc_packet_hop(uint8_t *packet, size_t len);

#endif
