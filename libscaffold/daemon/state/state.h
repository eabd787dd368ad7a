/* What must survive a restart of scaffoldd, in one SQLite file `<dir>/<instance>/state.db`: the
 * secret by which this host is known again and, for a router, its domain, what the keys of its
 * aliases follow from, whose aliases are, which pool address stands for which name, and what
 * lets hosts in. What was
 * written here is on the disk when the call returns. Not thread-safe: one thread at a time has it.
 */
#ifndef SC_DAEMON_STATE_STATE_H
#define SC_DAEMON_STATE_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "stack/stack.h"

/* PRAGMA user_version of the file; a file with a larger one is a newer scaffoldd's. */
#define SC_STATE_SCHEMA 3
#define SC_HOST_SECRET_LEN 16

struct sqlite3;
struct sqlite3_stmt;

struct sc_state {
    struct sqlite3 *db; /* NULL: not open */
    struct sqlite3_stmt *put, *own, *bind;
    char path[320];
    uint32_t domain;
    uint8_t host_secret[SC_HOST_SECRET_LEN];
    uint8_t network_seed[SC_NETWORK_SEED_LEN];
    bool knows_router; /* what the hash of its host key is: */
    uint8_t router[SC_KEY_HASH_LEN];
};

/* Opens or makes the state of this instance; what an older scaffoldd kept is taken over, once.
 * Waits for the disk. Returns 0, or -1 with one line in `why` that says what, where and what to do.
 */
int sc_state_open(struct sc_state *st, const char *dir, uint32_t instance, char *why, size_t size);
void sc_state_close(struct sc_state *st);

/* Gives every bound alias, kept mapping, pin, grant and good invitation to the stack, the oldest
 * first. Returns how many could not be used, or a negative errno as sc_state_keep does. */
int sc_state_restore(struct sc_state *st, struct sc_stack *stack);

/* Keeps `count` mappings, all or none; waits for the disk. An address that has had another name
 * loses it; the alias of a name that is used is bound to its key; an invitation that let an owner
 * in has one use less. Returns 0 or a negative errno, which sc_state_explain puts into words:
 * -ENOSPC, -EROFS, -EUCLEAN (damaged), -ESTALE (the file was removed or replaced), -EIO or another.
 * The next call tries again. */
int sc_state_keep(struct sc_state *st, const struct sc_mapping *m, size_t count);

/* The router of this host is the one whose host key has this hash, from now on. Waits for the disk.
 * Returns 0 or a negative errno. */
int sc_state_pin_router(struct sc_state *st, const uint8_t hash[SC_KEY_HASH_LEN]);

/* Keeps the key that an alias is known by. Returns as sc_state_keep. */
int sc_state_pin(struct sc_state *st, const struct sc_pin *pin);

/* Keeps a grant, instead of one that says the same for another time. Returns as sc_state_keep. */
int sc_state_grant(struct sc_state *st, const struct sc_kept_grant *grant);

/* Keeps what lets hosts in; those that are over are removed. Returns as sc_state_keep. */
int sc_state_invite(struct sc_state *st, const struct sc_invitation *one);

/* One line: what is wrong, with which file, and what to do. */
void sc_state_explain(const struct sc_state *st, int error, char *why, size_t size);

#endif
