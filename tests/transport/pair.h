/* Two flows, joined by a link with virtual time: delay, rate, queue, loss, reordering, duplication.
 * No stack is involved; what a stack does for opening is done by deliver(). */
#ifndef TESTS_TRANSPORT_PAIR_H
#define TESTS_TRANSPORT_PAIR_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "transport/alone.h"

enum { CLIENT, SERVER };

struct pair_packet {
    sc_time at;
    uint64_t order;
    int to;
    bool ce;
    size_t len;
    uint8_t data[];
};

/* One direction. */
struct pair_link {
    sc_time delay;
    double loss, reorder, duplicate;
    sc_time reorder_by; /* at most */
    uint64_t rate;      /* bytes per second; 0: infinite */
    size_t queue;       /* bytes; 0: infinite */
    size_t mtu;         /* UDP payload; 0: any */
    size_t mark_above;  /* queue that draws CE on ECT packets; 0: never */
    bool down;
    sc_time busy_until;
    uint64_t sent, dropped;
};

/* One program. */
struct pair_app {
    uint64_t to_write, written, read;
    size_t read_most; /* bytes per turn; 0: all */
    bool fin_after, fin_sent;
    bool stalled; /* was told to wait for SC_FLOW_WRITABLE */
    bool paused;  /* reads nothing */
    unsigned events;
};

struct pair {
    sc_time now;
    struct sc_rng rng;
    struct sc_block_pool pool[2];
    struct sc_flow_env env[2];
    struct sc_flow flow[2];
    bool has_server;
    bool serving;             /* OPENs are answered */
    bool bleach;              /* the path clears ECN marks */
    struct pair_link link[2]; /* by sender */
    struct pair_app app[2];
    struct pair_packet **queue; /* heap by (at, order) */
    size_t count, room;
    uint64_t order;
    uint64_t delivered[16]; /* packets by type */
    size_t largest;
    struct sc_train train;
};

/* The stream's byte at `offset`, of what this side writes. */
uint8_t pair_byte(int side, uint64_t offset);

/* A client that opens, and a server that will answer; 10 ms apart. */
void pair_init(struct pair *p, uint64_t seed, const struct sc_congestion_ops *ops);

/* Fails the test when a block was not given back. */
void pair_fini(struct pair *p);

/* --- link ------------------------------------------------------------------------------------- */

/* Cuts a train into packets and gives them to the link. */
void pair_send_train(struct pair *p, int from, struct sc_train *t);

/* --- the programs ----------------------------------------------------------------------------- */

/* Writes and reads as the side's program is told to in `app`; what is read is checked. */
void pair_write(struct pair *p, int side);
void pair_read(struct pair *p, int side);

/* --- time ------------------------------------------------------------------------------------- */

/* Runs until `done` says so, nothing is left to do, or `until`. True: done. */
bool pair_run(struct pair *p, bool (*done)(const struct pair *), sc_time until);

/* For pair_run: what has come about. */
bool pair_both_open(const struct pair *p);
bool pair_all_read(const struct pair *p);
bool pair_both_over(const struct pair *p);
bool pair_both_dead(const struct pair *p);

/* For a test that failed. */
void pair_print(const struct pair *p);

#endif
