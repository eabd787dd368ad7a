/* Who may serve on this host, besides root and the user who runs scaffoldd: [allow]. */
#ifndef SC_DAEMON_ALLOW_H
#define SC_DAEMON_ALLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Entries of each kind: more are better one group. */
#define SC_ALLOW_MAX 64

enum sc_allow_kind { SC_ALLOW_USERS, SC_ALLOW_GROUPS, SC_ALLOW_KINDS };

struct sc_allow {
    bool all;
    size_t count[SC_ALLOW_KINDS];
    uint32_t id[SC_ALLOW_KINDS][SC_ALLOW_MAX];
};

/* Returns 0 or -ENOSPC. */
int sc_allow_add(struct sc_allow *a, enum sc_allow_kind kind, uint32_t id);

/* By its name in the databases of this machine. Returns 0, -ENOENT (there is none), -ENOSPC, or
 * another negative errno of the databases. */
int sc_allow_add_name(struct sc_allow *a, enum sc_allow_kind kind, const char *name);

/* Whether the process that connected `fd` may: its user, its group and its supplementary groups as
 * they were then, by the kernel's word. */
bool sc_allow_peer(const struct sc_allow *a, int fd);

/* Whether a process of this user may, of which no more is known: its groups are those that the
 * databases give to the user. */
bool sc_allow_user(const struct sc_allow *a, uid_t uid);

/* Whether a user may serve here, where `owner` runs scaffoldd; `fd`: a socket that a process of the
 * user connected, whose groups then count as the kernel knows them. -1: those that the user has. */
bool sc_allow_serve(const struct sc_allow *a, uid_t owner, uid_t uid, int fd);

#endif
