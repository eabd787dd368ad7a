/* What sockets were told that their kernel socket cannot hold: option values of service sockets,
 * and which options a plain socket was given before it became one. Keyed by the socket's SO_COOKIE,
 * which the kernel never gives twice, so nothing needs to be taken out when a descriptor is closed
 * behind our back. Fixed tables, no lock, signal-safe; when a table is full the oldest entry of a
 * neighbourhood is forgotten, and the socket then reports defaults. */
#ifndef SC_CLIENT_SHADOW_H
#define SC_CLIENT_SHADOW_H

#include <stdbool.h>
#include <stdint.h>

/* Keys of an entry: indices of options.c's table, and one of our own. */
#define SC_SHADOW_OPTIONS 64
#define SC_SHADOW_FAMILY 63 /* enum sc_family of a socket made by scaffold_socket */

/* Descriptors that the tables indexed by number cover: what programs raise their limit to, short of
 * the exotic. Higher numbers work, without what the tables are for. */
#define SC_DESCRIPTORS_MAX 65536

/* The socket's cookie, or 0. errno is kept. */
uint64_t sc_cookie(int fd);

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
