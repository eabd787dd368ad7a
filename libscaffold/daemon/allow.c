#include "daemon/allow.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <sys/socket.h>

/* As many supplementary groups as Linux allows a process. */
static gid_t groups[NGROUPS_MAX];

int sc_allow_add(struct sc_allow *a, enum sc_allow_kind kind, uint32_t id)
{
    if (a->count[kind] == SC_ALLOW_MAX)
        return -ENOSPC;
    a->id[kind][a->count[kind]++] = id;
    return 0;
}

/* getpwnam(3): what stands for "there is none" differs among systems. */
static int look_up_error(void)
{
    bool none = errno == 0 || errno == ENOENT || errno == ESRCH || errno == EBADF || errno == EPERM;
    return none ? -ENOENT : -errno;
}

int sc_allow_add_name(struct sc_allow *a, enum sc_allow_kind kind, const char *name)
{
    errno = 0;
    if (kind == SC_ALLOW_USERS) {
        const struct passwd *user = getpwnam(name);
        return user ? sc_allow_add(a, kind, user->pw_uid) : look_up_error();
    }
    const struct group *group = getgrnam(name);
    return group ? sc_allow_add(a, kind, group->gr_gid) : look_up_error();
}

static bool has(const struct sc_allow *a, enum sc_allow_kind kind, uint32_t id)
{
    for (size_t i = 0; i < a->count[kind]; i++)
        if (a->id[kind][i] == id)
            return true;
    return false;
}

static bool has_group_of(const struct sc_allow *a, const gid_t *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (has(a, SC_ALLOW_GROUPS, list[i]))
            return true;
    return false;
}

bool sc_allow_peer(const struct sc_allow *a, int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (a->all)
        return true;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return false;
    if (has(a, SC_ALLOW_USERS, peer.uid) || has(a, SC_ALLOW_GROUPS, peer.gid))
        return true;
    len = sizeof groups;
    return a->count[SC_ALLOW_GROUPS] &&
           getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == 0 &&
           has_group_of(a, groups, len / sizeof *groups);
}

bool sc_allow_user(const struct sc_allow *a, uid_t uid)
{
    if (a->all || has(a, SC_ALLOW_USERS, uid))
        return true;
    const struct passwd *user = a->count[SC_ALLOW_GROUPS] ? getpwuid(uid) : NULL;
    int n = NGROUPS_MAX;
    return user && getgrouplist(user->pw_name, user->pw_gid, groups, &n) >= 0 &&
           has_group_of(a, groups, (size_t)n);
}

bool sc_allow_serve(const struct sc_allow *a, uid_t owner, uid_t uid, int fd)
{
    return uid == 0 || uid == owner || (fd >= 0 ? sc_allow_peer(a, fd) : sc_allow_user(a, uid));
}
