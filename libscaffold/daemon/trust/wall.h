/* The time of day, and whether this machine can know it. */
#ifndef SC_DAEMON_WALL_H
#define SC_DAEMON_WALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for "2026-12-01 03:11 UTC". */
#define SC_WALL_TEXT 32

/* Seconds since 1970. */
uint64_t sc_wall_now(void);

/* Returns out. */
const char *sc_wall_show(uint64_t seconds, char out[SC_WALL_TEXT]);

/* A clock from before this program was built: it has not been set. */
bool sc_wall_is_unset(uint64_t now);

/* Why a grant is early or over, of the clock that says so: a clause. */
void sc_wall_blame(char *out, size_t size);

#endif
