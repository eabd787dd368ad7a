/* What sockets were told that their kernel socket cannot hold: option values of service sockets, by
 * their cookie (client/process/cookies.h), and which options a plain socket was given before it
 * became one. Options go by their keys (client/options/table.h). No lock, signal-safe; a socket
 * that is forgotten reports defaults. */
#ifndef SC_CLIENT_OPTIONS_SHADOW_H
#define SC_CLIENT_OPTIONS_SHADOW_H

#include <stdbool.h>
#include <stdint.h>

#include "client/process/cookies.h"

/* Keys below are of options that a service's socket keeps, with a value each; the last of them is
 * of our own. */
#define SC_SHADOW_OPTIONS 96
#define SC_SHADOW_FAMILY 95 /* enum sc_family of a socket made by scaffold_socket */

/* Keys from there on are of options that a service refuses, and two more of our own. */
#define SC_OPTION_UNKNOWN 254 /* some option that is not in the table */
#define SC_OPTION_SEEN 255    /* what the socket was given from its beginning on is in the set */

#define SC_OPTION_WORDS 4

struct sc_option_set {
    uint64_t word[SC_OPTION_WORDS];
};

static inline bool sc_option_set_has(const struct sc_option_set *s, unsigned key)
{
    return s->word[key / 64] >> key % 64 & 1;
}

static inline void sc_option_set_add(struct sc_option_set *s, unsigned key)
{
    s->word[key / 64] |= 1ull << key % 64;
}

/* The first key of the set from `from` on; -1: none. */
int sc_option_set_next(const struct sc_option_set *s, unsigned from);

#define sc_option_set_each(key, set)                                                               \
    for (int key = sc_option_set_next(set, 0); key >= 0;                                           \
         key = sc_option_set_next(set, (unsigned)key + 1))

void sc_shadow_set(uint64_t cookie, unsigned key, int value);
bool sc_shadow_get(uint64_t cookie, unsigned key, int *value);

struct sc_option_set sc_shadow_set_of(uint64_t cookie);

/* --- options given to plain sockets: which ones, by descriptor number ------------------------- */

/* This process has just made the socket: whatever it is given will be seen. */
void sc_touched_begin(int fd);

/* The number is of a socket that came from elsewhere. */
void sc_touched_forget(int fd);

/* `to` stands for the socket of `fd` now. What either is given is not seen of the other, so that
 * both have to be asked; what was seen of both stays. A child of vfork does this to its parent's
 * memory: it may cost the parent questions, and takes nothing away. */
void sc_touched_duplicate(int fd, int to);

void sc_touched_note(int fd, unsigned key);
void sc_touched_undo(int fd, unsigned key);

/* Without SC_OPTION_SEEN there may be others. Those of an earlier socket of that number may be
 * among them: what can be read is to be read from the socket itself. */
struct sc_option_set sc_touched(int fd);

#endif
