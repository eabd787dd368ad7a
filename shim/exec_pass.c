#include "exec_pass.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include "client/process/descriptors.h"
#include "client/process/kernel.h"
#include "client/process/marks.h"
#include "local/socket_name.h"

bool shim_is_service(int fd)
{
    struct sockaddr_un sun;
    socklen_t len = sizeof sun;
    struct sc_socket_name name;
    int kept = errno;
    bool named = sc_kernel(SYS_getsockname, fd, &sun, &len) == 0;
    errno = kept;
    return named && sun.sun_family == AF_UNIX && sc_socket_name_parse(&sun, len, &name) &&
           (name.kind == SC_SOCKET_BOUND || name.kind == SC_SOCKET_CLIENT ||
            name.kind == SC_SOCKET_LOCAL || name.kind == SC_SOCKET_DATAGRAM);
}

static bool survives_exec(int fd)
{
    int kept = errno;
    long flags = sc_kernel(SYS_fcntl, fd, F_GETFD);
    errno = kept;
    return flags >= 0 && !(flags & FD_CLOEXEC);
}

/* --- what file actions do to a number --------------------------------------------------------- */

#ifdef __GLIBC__

/* glibc's own layout of an action, which is in no header; tests/shim/test_exec.py holds it to what
 * posix_spawn does. Tags that are not here change no descriptor that was open. */
struct action {
    enum { ACTION_CLOSE, ACTION_DUP2, ACTION_OPEN, ACTION_CLOSEFROM = 5 } tag;
    union {
        int fd; /* closed, opened, or the first to be closed */
        struct {
            int from;
            int to;
        } dup2;
        struct {
            int fd;
            char *path;
            int flags;
            mode_t mode;
        } open; /* the largest */
    } of;
};

static size_t count_of(const posix_spawn_file_actions_t *actions)
{
    return actions && actions->__used > 0 ? (size_t)actions->__used : 0;
}

static const struct action *action_at(const posix_spawn_file_actions_t *actions, size_t i)
{
    return (const struct action *)(const void *)actions->__actions + i;
}

/* What the number `fd` stands for after the first `i` actions is what it stands for in this process
 * under the number that is returned; -1: under none. */
static int origin_of(const posix_spawn_file_actions_t *actions, size_t i, int fd)
{
    while (i-- > 0) {
        const struct action *a = action_at(actions, i);
        if (a->tag == ACTION_DUP2 && a->of.dup2.to == fd)
            fd = a->of.dup2.from;
        else if ((a->tag == ACTION_CLOSE || a->tag == ACTION_OPEN) && a->of.fd == fd)
            return -1;
        else if (a->tag == ACTION_CLOSEFROM && fd >= a->of.fd)
            return -1;
    }
    return fd;
}

/* A duplicate is passed on whatever its original's flag says. */
static bool passes_duplicates(const posix_spawn_file_actions_t *actions)
{
    size_t count = count_of(actions);
    for (size_t i = 0; i < count; i++) {
        const struct action *a = action_at(actions, i);
        if (a->tag == ACTION_DUP2 && shim_is_service(origin_of(actions, count, a->of.dup2.to)))
            return true;
    }
    return false;
}

/* True when the number stands for what it stands for here, after all of them. */
static bool is_left_alone(const posix_spawn_file_actions_t *actions, int fd)
{
    return origin_of(actions, count_of(actions), fd) == fd;
}

#else /* another libc: a descriptor that may be closed on the way counts as passed on */

static bool passes_duplicates(const posix_spawn_file_actions_t *actions)
{
    (void)actions;
    return false;
}

static bool is_left_alone(const posix_spawn_file_actions_t *actions, int fd)
{
    (void)actions;
    (void)fd;
    return true;
}

#endif

/* --- all of them ------------------------------------------------------------------------------ */

struct search {
    const posix_spawn_file_actions_t *actions;
    bool found;
};

static void look(void *arg, int fd)
{
    struct search *s = arg;
    s->found =
        s->found || (survives_exec(fd) && is_left_alone(s->actions, fd) && shim_is_service(fd));
}

/* Without /proc: every number that the tables of client/ know. */
static void look_at_all(struct search *s)
{
    for (int fd = 0; fd < SC_DESCRIPTORS_MAX && !s->found; fd++)
        look(s, fd);
}

bool shim_passes_services(const posix_spawn_file_actions_t *actions)
{
    struct search s = {.actions = actions};
    int kept = errno;
    if (sc_descriptors_each(look, &s) < 0)
        look_at_all(&s);
    errno = kept;
    return s.found || passes_duplicates(actions);
}
