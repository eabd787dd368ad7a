/* What sockets were told that their kernel socket cannot hold: option values of service sockets, by
 * their cookie (client/cookies.h), and which options a plain socket was given before it became one.
 * No lock, signal-safe; a socket that is forgotten reports defaults. */
#ifndef SC_CLIENT_SHADOW_H
#define SC_CLIENT_SHADOW_H

#include <stdbool.h>
#include <stdint.h>

#include "client/cookies.h"

/* Keys of an entry: indices of options.c's table, and one of our own. */
#define SC_SHADOW_OPTIONS 64
#define SC_SHADOW_FAMILY 63 /* enum sc_family of a socket made by scaffold_socket */

/* Descriptors that the tables indexed by number cover: what programs raise their limit to, short of
 * the exotic. Higher numbers work, without what the tables are for. */
#define SC_DESCRIPTORS_MAX 65536

void sc_shadow_set(uint64_t cookie, unsigned key, int value);
bool sc_shadow_get(uint64_t cookie, unsigned key, int *value);

/* Which keys are set, as bits. */
uint64_t sc_shadow_mask(uint64_t cookie);

/* Options given to a plain socket: which ones, by descriptor number. Those of an earlier socket of
 * that number may be among them, which does no harm: values are read from the socket itself. */
void sc_touched_note(int fd, unsigned key);
void sc_touched_forget(int fd);
uint64_t sc_touched_mask(int fd);

#endif
