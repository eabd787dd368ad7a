/* Where scaffoldd is looked for, and where one is started: the runtime directories in their order.
 * Programs, the `scaffold` command and Python all have this list, and of its places the first one
 * counts at which somebody answers. */
#ifndef SC_LOCAL_PLACES_H
#define SC_LOCAL_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local/socket_name.h"

/* With the final zero. A control socket's path, which has 108 bytes, begins with it. */
#define SC_PLACE_ROOM 96
#define SC_PLACES_MAX 3

struct sc_place {
    char dir[SC_PLACE_ROOM];
    struct sc_daemon_id id; /* uid: whom to trust there, besides root */
    bool own;               /* this user's, who may start one there */
    bool closed;            /* nobody but this user and root is trusted, whoever has made it */
    bool seen;              /* id.uid is the directory's owner, or this user */
};

struct sc_places {
    struct sc_place at[SC_PLACES_MAX];
    unsigned count;
};

/* Who a directory belongs to; false when it is none. */
typedef bool sc_owner_of(const char *dir, uint32_t *uid);

/* What the environment of a process says (NULL: not set). */
struct sc_places_wish {
    const char *runtime_dir; /* SCAFFOLD_RUNTIME_DIR */
    const char *xdg;         /* XDG_RUNTIME_DIR */
    uint32_t uid;            /* effective */
    sc_owner_of *owner_of;
};

/* SCAFFOLD_RUNTIME_DIR alone where it is set. Else $XDG_RUNTIME_DIR/scaffold, where that is this
 * user's as its specification wants it; for all but root /tmp/scaffold-UID; /run/scaffold. False,
 * and no place, when SCAFFOLD_RUNTIME_DIR is too long. */
bool sc_places_read(struct sc_places *p, const struct sc_places_wish *wish);

/* The path of the file by which scaffoldd says, in its runtime directory, that the host is calm
 * (daemon/stream/calm.h): it has this size then. It is that of one network namespace. */
#define SC_CALM_SIZE 1
#define SC_CALM_BEGINS "calm-"
#define SC_PLACE_CALM_ROOM (SC_PLACE_ROOM + 32)
void sc_place_calm(const char *dir, uint64_t netns, char *path, size_t size);

/* Looks again at a directory that was not there. */
void sc_place_look(struct sc_place *p, sc_owner_of *owner_of);

#endif
