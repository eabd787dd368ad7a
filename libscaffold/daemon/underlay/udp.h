/* The underlay: UDP sockets, segmentation and receive offload with fall-back, ECN, path MTU. */
#ifndef SC_DAEMON_UNDERLAY_UDP_H
#define SC_DAEMON_UNDERLAY_UDP_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/loop.h"
#include "stack/stack.h"

/* Datagrams (or GRO trains of them) taken per receive call. */
#define SC_UDP_BATCH 8

/* EPOLLOUT is asked for only while blocked: every packet that leaves would raise it. */
#define SC_UDP_WATCHED (EPOLLIN | EPOLLET)

struct sc_udp_socket {
    struct sc_watch watch;
    struct sc_udp *udp;
    bool gro;
    bool readable;
    int aside; /* of the same address, for expendable trains: see open_aside; -1: there is none */
};

/* A train that the kernel had no room for, or does not cut: what is left of it. */
struct sc_udp_stash {
    uint8_t *data;
    size_t at, len, segment;
    struct sc_underlay to;
    bool ect, expendable;
    bool apart;   /* its packets are sent one by one ... */
    bool suspect; /* ... because it was refused, and perhaps only because it is a train */
};

struct sc_udp {
    struct sc_udp_socket v4, v6;
    uint16_t port;
    bool gso; /* UDP_SEGMENT works */
    struct sc_loop *loop;
    void (*received)(struct sc_udp *u); /* something is there to be read */
    uint8_t *room;                      /* of one batch */
    struct sc_udp_stash stash;
    bool blocked;
    uint64_t trains_sent, datagrams_received, too_large, send_errors, reads, expended;
};

/* Binds `port` (0: any) on the given addresses; "" leaves a family out. Returns 0, or a negative
 * errno with the address that failed in `why`. */
int sc_udp_open(struct sc_udp *u, struct sc_loop *loop, const char *listen4, const char *listen6,
                uint16_t port, char *why, size_t why_size);
void sc_udp_close(struct sc_udp *u);

/* Reads one batch and feeds it. True when there may be more. */
bool sc_udp_receive(struct sc_udp *u, struct sc_stack *stack, sc_time now);

/* Sends what the stack has, until it has nothing, the kernel is full, or `trains` are gone. True
 * when the stack may have more. */
bool sc_udp_send(struct sc_udp *u, struct sc_stack *stack, size_t trains, sc_time now);

#endif
