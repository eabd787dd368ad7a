/* What an application and scaffoldd say to each other, over one SOCK_SEQPACKET connection per call:
 * a request in one packet, a reply in one packet, with which scaffoldd hangs up. Fixed-width fields
 * in host order (both ends are on one machine), no pointers, the same layout for 32- and 64-bit
 * programs.
 *
 *   connect   app: PREPARE {target, family, local,     -> reply: local address + the app's socket,
 *                           options}                      whose flow is open, or being opened:
 *                                                         whoever waits is sent the outcome next.
 *                                                         ENOENT: at this address of the host
 *                                                         itself plain IP alone is reached
 *   serve     app: BIND {service or address}           -> reply: address + the bound socket
 *             app: LISTEN {name, backlog, proof}       -> reply
 *   datagrams app: PREPARE or BIND {datagram}          -> reply: address + a socket that takes part
 *                                                         (local/datagram.h)
 *   names     app: RESOLVE {name} | REVERSE {address}  -> reply: mapping
 *   flow      app: FLOW_ERROR | FLOW_SET | FLOW_GET    -> reply
 *   tools     STATUS (reply carries a pipe: lines of JSON, see below), STOP,
 *             INVITE, FORGET_HOST (root and the owner)
 *             TRUST {alias, key, replace}              -> reply
 *             NEW_PROVIDER, INSTALL {grant}            -> reply
 *             GRANT {name, host, ports, days}          -> reply (which carries a pipe: a grant)
 *
 * Sockets are made, and bound to their names, by scaffoldd, which keeps the other end of each from
 * the beginning (daemon/pair.h). Descriptors go from scaffoldd to programs, never the other way.
 *
 * Magic, version and op of both messages, error and value of a reply stand at the same place in
 * every version. HELLO and STOP need no more, and are answered whoever asks: HELLO in the version
 * of scaffoldd, which is what it asks for, STOP in that of the caller. All other requests of
 * another version get EPROTO and a line.
 */
#ifndef SC_LOCAL_CTL_H
#define SC_LOCAL_CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "local/address.h"
#include "local/socket_name.h"

#define SC_CTL_MAGIC 0x53434631u /* "SCF1" */
#define SC_CTL_VERSION 5
#define SC_CTL_NAME 256 /* room for a DNS name and its port suffix, with the final zero */
#define SC_CTL_TEXT 256
#define SC_CTL_GRANT_MAX 318 /* room for the longest */

/* What a program means by an IPv4 address of the pool, where it got that for a name: the service,
 * in a few bytes. Zeros: it does not say; all ones: more than one. */
#define SC_MEANING_LEN 8

/* Both halves of a service's id are hashes: its first 16 bytes of the provider, the 8 behind them
 * of the label. */
static inline void sc_meaning_of_service(const uint8_t service[32], uint8_t out[SC_MEANING_LEN])
{
    for (int i = 0; i < SC_MEANING_LEN; i++)
        out[i] = service[i] ^ service[16 + i];
}

/* An option of the sockets that scaffoldd binds, with 64 bits that it has chosen: whoever can read
 * them holds the socket. (The limit of a rate that AF_UNIX does not have; the kernel shows it to
 * nobody else, and what is accepted does not inherit it.) */
#define SC_CTL_PROOF SO_MAX_PACING_RATE

/* STATUS: the pipe is not blocking, and is written as it is read. Each line is an array of a kind
 * and an object; a status is whole when its last line is ["end",{}]: one that ends otherwise was
 * cut off. EAGAIN: too many ask at a time. */
enum sc_ctl_op {
    SC_CTL_ANY = 0, /* of a reply with an error: the caller is turned away, whatever it asks */
    SC_CTL_HELLO = 1,
    SC_CTL_RESOLVE,
    SC_CTL_REVERSE,
    SC_CTL_PREPARE,
    SC_CTL_BIND = 6, /* 5 was of versions before; STOP keeps its number */
    SC_CTL_LISTEN,
    SC_CTL_UNLISTEN, /* a hint: the listener was closed; no reply */
    SC_CTL_FLOW_ERROR,
    SC_CTL_FLOW_SET,
    SC_CTL_FLOW_GET,
    SC_CTL_STATUS,
    SC_CTL_STOP,
    SC_CTL_INVITE, /* the reply's text is a token for --join */
    SC_CTL_FORGET_HOST,
    SC_CTL_TRUST,
    SC_CTL_NEW_PROVIDER, /* the reply's name is its hash, in base32 */
    SC_CTL_GRANT,        /* the reply carries a pipe with a grant, of a provider whose key is here */
    SC_CTL_INSTALL,      /* a grant for this host */
    SC_CTL_OPS
};

/* What a flow is told (FLOW_SET) or asked (FLOW_GET): what scaffoldd acts on, and nothing else. */
enum sc_ctl_option {
    SC_OPT_USER_TIMEOUT_MS = 1, /* RFC 5482; 0 = default */
    SC_OPT_ABORT_ON_CLOSE,      /* SO_LINGER {1, 0}: close is a reset */
    SC_OPT_RCVBUF,              /* set only, of a datagram socket: in bytes */
    SC_OPT_OUTQ,                /* get only: bytes not yet acknowledged by the peer */
    SC_OPT_INFO,    /* get only: struct sc_ctl_info; its byte counts also of a flow just over */
    SC_OPT_RECVERR, /* set only, of a datagram socket: ERROR packets although it is not connected */
    SC_OPT_PEER,    /* get only, of a datagram socket: to whom it is connected, in reply.address */
    SC_OPT_GRO,     /* set only, of a datagram socket: datagrams sent at once come at once */
    SC_OPT_CONGESTION, /* a number (local/tcp_congestion.h); of what is no flow: the default */
};

struct sc_ctl_info {
    uint32_t rtt_us;
    uint32_t rtt_var_us;
    uint32_t mss;
    uint32_t cwnd_bytes;
    uint32_t lost_packets;
    uint32_t retransmitted_packets;
    uint64_t tx_bytes;
    uint64_t rx_bytes;
    uint64_t pacing_rate; /* bytes per second */
};

/* Names one flow of this host: the names of both of its ends as the kernel gives them, text without
 * the leading zero of abstract ones. `peer` is empty while the flow is connecting. */
struct sc_ctl_flow {
    char own[108];
    char peer[108];
};

/* FORGET_HOST. */
struct sc_ctl_host {
    char name[64];
};

/* INVITE. */
struct sc_ctl_invite {
    uint32_t uses;    /* hosts that the token lets in */
    uint32_t seconds; /* for so long */
};

/* Which key an alias stands for, on this host. */
struct sc_ctl_trust {
    char alias[64];
    uint8_t key[32];
    uint8_t replace; /* also where it is known by another one */
};

/* A grant that is to be made: crypto/grant.h. */
struct sc_ctl_grant {
    char name[SC_CTL_NAME]; /* PATTERN.PROVIDER.scaffold */
    uint8_t host[32];       /* its key */
    uint16_t first_port, last_port;
    uint8_t proto; /* 0: any */
    uint8_t flags;
    uint16_t days; /* from now on */
};

/* One that was made. */
struct sc_ctl_kept {
    uint16_t len;
    uint8_t grant[SC_CTL_GRANT_MAX];
};

struct sc_ctl_request {
    uint32_t magic;
    uint16_t version;
    uint16_t op;
    uint64_t netns; /* inode of the caller's network namespace; 0 = unknown */
    union {
        struct {
            char name[SC_CTL_NAME];
        } resolve;
        struct {
            struct sc_address address;
            uint8_t by_service; /* of `service`, not of `address` */
            uint8_t service[32];
        } reverse;
        struct {
            uint8_t by_service;  /* target is `service`, not `address` */
            uint8_t family;      /* enum sc_family of the application's socket */
            uint16_t local_port; /* wanted local port, 0 = any */
            uint8_t datagram;    /* for a SOCK_DGRAM socket that is not bound to a service */
            uint8_t wildcard;    /* ... and shows the wildcard until it is connected */
            struct sc_address address;
            uint8_t service[32];     /* else what is meant by `address`: SC_MEANING_LEN */
            uint8_t v6only;          /* a datagram socket of [::] that IPv4 does not reach */
            uint8_t here;            /* `address` is one of this host's own */
            uint8_t reuseaddr;       /* of a stream: SO_REUSEADDR */
            uint8_t waits;           /* of a stream: its outcome is wanted */
            uint32_t rcvbuf;         /* of a datagram socket; 0 = default */
            struct sc_address local; /* of a stream to loopback: bound to this address, or zeros */
            uint8_t direct; /* of a stream: its options let it be connected to the server's own */
            uint8_t abort_on_close;
            uint8_t congestion; /* as SC_OPT_CONGESTION; 0: default */
            uint32_t user_timeout_ms;
        } prepare;
        struct {
            char service[SC_CTL_NAME]; /* name without port; empty: bind to `address` itself */
            struct sc_address address; /* port 0 = choose one */
            uint8_t by_service_id;
            uint8_t family;
            uint8_t wildcard;
            uint8_t reuseport;
            uint8_t datagram;       /* SOCK_DGRAM; `address` with port 0: a reply endpoint at that
                                       service's address */
            uint8_t reuseaddr;      /* SO_REUSEADDR, with TCP's or UDP's meaning */
            uint8_t service_id[32]; /* without by_service_id as in PREPARE */
            uint8_t v6only;         /* SOCK_DGRAM: as in PREPARE */
            uint32_t rcvbuf;        /* as in PREPARE */
        } bind;
        struct {
            char own[108]; /* the listener's name */
            uint32_t backlog;
            uint64_t proof;                  /* what the listener has for SC_CTL_PROOF */
            uint8_t meaning[SC_MEANING_LEN]; /* of the address that it is bound to */
        } listen;
        struct sc_ctl_invite invite;
        struct sc_ctl_host host;
        struct {
            struct sc_ctl_flow flow;
            uint32_t option;
            uint32_t value;
        } flow;
        struct sc_ctl_trust trust;
        struct sc_ctl_grant grant;
        struct sc_ctl_kept install;
    };
};

/* How far a flow is that PREPARE asked for. */
enum sc_ctl_connected {
    SC_CTL_CONNECTING,       /* whoever waits gets a second reply, with the outcome alone */
    SC_CTL_CONNECTED,        /* that was it */
    SC_CTL_CONNECTED_LOCALLY /* ... to the server's own socket */
};

struct sc_ctl_reply {
    uint32_t magic;
    uint16_t version;
    uint16_t op;
    int32_t error;   /* 0 or a positive errno; for RESOLVE a negative EAI_ code is possible */
    uint32_t value;  /* of FLOW_GET; with an EAI_ code: the errno that sockets have for it */
    uint64_t serial; /* PREPARE, BIND: makes the name unique, and nobody else's */
    struct sc_address address;  /* PREPARE, BIND: own address. RESOLVE: v4 pool address */
    struct sc_address address6; /* RESOLVE: v6 pool address */
    uint8_t service[32];
    uint8_t verified;
    uint8_t connected;      /* PREPARE of a stream: enum sc_ctl_connected */
    char name[SC_CTL_NAME]; /* REVERSE, PREPARE, BIND: the service's name with port */
    struct sc_ctl_info info;
    char text[SC_CTL_TEXT]; /* one line: what failed and what to do; empty when error is 0 */
};

/* Checks length, magic, version, op, that every string ends, and that the family is one. Returns 0,
 * -EBADMSG (not ours), -EPROTO (another version; reply with our version and a line, unless the op
 * is one of every version) or -EINVAL. */
int sc_ctl_request_check(const struct sc_ctl_request *q, size_t len);
int sc_ctl_reply_check(const struct sc_ctl_reply *p, size_t len, uint16_t op);

/* HELLO and STOP. */
bool sc_ctl_op_of_every_version(uint16_t op);

const char *sc_ctl_op_name(uint16_t op);

#endif
