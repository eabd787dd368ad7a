/* Listeners that a scaffoldd before this one left behind. Their sockets live in the programs, and
 * the name of each says at which address it serves; what the address stands for the service router
 * knows. They are found once, at the start, and served again as soon as that is known. */
#ifndef SC_DAEMON_STREAM_SURVIVORS_H
#define SC_DAEMON_STREAM_SURVIVORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "daemon/loop.h"

struct sc_daemon;
struct sc_event;

/* Addresses that are asked for at a time: several hundred are known within a few round trips, and
 * programs' own look-ups (SC_REQUESTS_MAX) are not kept waiting. */
#define SC_SURVIVORS_ASKED 64

struct sc_survivors {
    struct sc_list waiting; /* those whose service is not known yet */
    struct sc_map by_inode;
    uint32_t asked[SC_SURVIVORS_ASKED]; /* pool addresses; 0: a free place. The tickets, too */
    struct sc_alarm more;               /* known ones are left: they are served in slices */
    struct sc_alarm again;              /* who is gone, and what was not answered */
};

/* Looks for them. Those that are known here are served when it returns. */
void sc_survivors_find(struct sc_daemon *d);
void sc_survivors_fini(struct sc_daemon *d);

/* Some wait for the router's word. */
bool sc_survivors_wait(const struct sc_daemon *d);

/* The state in which this host is with its router has changed. */
void sc_survivors_on_joined(struct sc_daemon *d);

/* A look-up was answered; false when it was not one of these. */
bool sc_survivors_on_mapped(struct sc_daemon *d, const struct sc_event *e);

#endif
