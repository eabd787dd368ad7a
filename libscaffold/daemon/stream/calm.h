/* A trace for programs whose flow has ended with a reset: whether they have to ask why.
 *
 * The kernel has one word for every way in which scaffoldd's end of a flow can go, ECONNRESET, and
 * it nearly always is the right one. So a program looks for a file first (local/places.h). As long
 * as it says that this host is calm, no flow has ended for another reason for as long as scaffoldd
 * remembers reasons. It says otherwise before the flow's end is closed; it is opened for writing,
 * so that no file system becomes read-only under it. Where a program cannot find it (a chroot, a
 * sandbox), where it was made by somebody else, or for another network namespace, it has to ask. */
#ifndef SC_DAEMON_STREAM_CALM_H
#define SC_DAEMON_STREAM_CALM_H

#include <stddef.h>

#include "daemon/loop.h"
#include "local/places.h"

struct sc_daemon;

struct sc_calm {
    int fd;                /* -1: no file */
    struct sc_alarm alarm; /* set while this host is not calm: it is again then */
    char path[SC_PLACE_CALM_ROOM];
};

/* Makes the file, calm. Returns 0, or -1 with a line in `why`. */
int sc_calm_open(struct sc_daemon *d, char *why, size_t size);

/* A flow ends with an error that its program cannot know: to be called before its end is closed. */
void sc_calm_disturb(struct sc_daemon *d);

/* Takes the file away; nothing if there is none. */
void sc_calm_close(struct sc_daemon *d);

#endif
