/* STATUS (local/ctl.h): everything that this scaffoldd knows, told a piece per turn of the loop.
 *
 * Whoever asks gets a pipe, and reads what daemon/control/status_rows.h writes until its end. One
 * slice of work is done per turn, however many ask, and only for those whose pipe has room: so a
 * slow reader costs a few kilobytes here and nothing else, and the tables may be as large as they
 * like. What changes while it is told is told as it was or as it is. */
#ifndef SC_DAEMON_CONTROL_STATUS_H
#define SC_DAEMON_CONTROL_STATUS_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "daemon/loop.h"

struct sc_daemon;

/* Statuses that are told at a time, 64 KiB each (SC_SHARE_STATUS); whoever asks beyond that, or has
 * its share of them, is to ask again. */
#define SC_STATUS_MAX 16
/* Rows of one slice, and the few more that share a hash with the last: under 1 ms. */
#define SC_STATUS_SLICE_ROWS 64
/* A reader that takes nothing for so long is cut off. */
#define SC_STATUS_PATIENCE (10 * SC_SECOND)

struct sc_status {
    struct sc_list jobs;   /* all; none but status.c knows what one is */
    struct sc_list ready;  /* those that can go on */
    struct sc_alarm slice; /* set while one is ready */
    uint64_t cut_off;      /* statuses that were not told to the end */
    unsigned most_rows;    /* of one slice so far, for tests */
};

void sc_status_init(struct sc_daemon *d);
/* Cuts everybody off. */
void sc_status_fini(struct sc_daemon *d);

/* Begins to tell it to a program of `uid`. Returns the end of the pipe to read from (the caller's),
 * or a negative errno: -EAGAIN when there are too many already. */
int sc_status_begin(struct sc_daemon *d, uint32_t uid);

#endif
