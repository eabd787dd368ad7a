/* What the files of the state share: state.c keeps it, state_open.c makes or finds it, state_old.c
 * reads the text file of scaffoldd before there was a database. */
#ifndef SC_DAEMON_STATE_STATE_PARTS_H
#define SC_DAEMON_STATE_STATE_PARTS_H

#include <sqlite3.h>
#include <stdbool.h>

#include "daemon/state/state.h"

/* 0 or a negative errno for what SQLite answered last. */
int sc_state_error(const struct sc_state *st, int rc);

/* Runs SQL without results. Returns 0 or a negative errno. */
int sc_state_run(struct sc_state *st, const char *sql);

/* The one number that `sql` yields. Returns 0 or a negative errno. */
int sc_state_number(struct sc_state *st, const char *sql, int64_t *out);

/* Reads `path`, if there is one, into the open transaction: st->domain and mappings. What cannot
 * be read of a last or a torn line is left out. Returns how many lines were, -ENOENT when there is
 * no such file, -EUCLEAN when it does not begin as such a file does, or another negative errno. */
int sc_state_take_old(struct sc_state *st, const char *path);

#endif
