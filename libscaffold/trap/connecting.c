#include "trap/connecting.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/supervise.h"
#include "trap/install.h"
#include "trap/memory.h"
#include "trap/process/tracee.h"

uint64_t sc_trap_inode(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

int sc_trap_hand_in(int notify, const struct sc_trap_call *c, uint64_t before, int result)
{
    int kept = errno;
    int err = sc_trap_inode(c->fd) == before
                  ? 0
                  : sc_trap_install(notify, c, sc_trap_number(c), before, c->fd);
    errno = err ? -err : kept;
    return err ? -1 : result;
}

bool sc_trap_is_ours_to_connect(const struct sc_trap_call *c, const struct sockaddr_storage *ss,
                                socklen_t len)
{
    struct sc_socket_name own;
    struct sc_address a;
    struct sc_candidate candidate;
    if (sc_is_service_socket(c->fd, &own))
        return true;
    return sc_address_from_sockaddr((const struct sockaddr *)ss, len, &a) == 0 &&
           (sc_policy_connects(&a) || sc_policy_is_here(&a)) &&
           sc_candidate_read(c->fd, &candidate);
}

static void set_nonblocking(int fd, int on)
{
    ioctl(fd, FIONBIO, &on);
}

/* A blocking socket is kept as it is: should connect itself tell a failure, it is unconnected
 * again, with the name that it had. */
static int connect_without_waiting(struct sc_trap_call *c, const struct sockaddr_storage *ss,
                                   socklen_t len, bool blocking)
{
    if (blocking)
        set_nonblocking(c->fd, 1);
    int result = sc_connect(c->fd, (const struct sockaddr *)ss, len), kept = errno;
    if (blocking) {
        c->kept = sc_tracee_fd(c->tid, sc_trap_number(c));
        set_nonblocking(c->fd, 0);
        set_nonblocking(c->kept, 0);
    }
    errno = kept;
    return result;
}

int sc_trap_connect_begin(int notify, struct sc_trap_call *c, const struct sockaddr_storage *ss,
                          socklen_t len)
{
    struct sc_identity id;
    bool blocking = !sc_is_nonblocking(c->fd);
    c->again = blocking && sc_identify(c->fd, &id) == SC_STATE_CONNECTING &&
               ss->ss_family != AF_UNSPEC; /* after a signal, or its time */
    if (c->again)
        return -1;
    uint64_t before = sc_trap_inode(c->fd);
    int result = connect_without_waiting(c, ss, len, blocking);
    if (sc_trap_hand_in(notify, c, before, result) == 0)
        return 0;
    return errno == EINPROGRESS && blocking ? -1 : errno;
}

static void put_back(int notify, const struct sc_trap_call *c)
{
    if (c->kept < 0 ||
        sc_trap_install(notify, c, sc_trap_number(c), sc_trap_inode(c->fd), c->kept) < 0)
        return;
    dup3(c->kept, c->fd, O_CLOEXEC);
    sc_trap_memory_recall(c->fd);
}

int sc_trap_connect_end(int notify, struct sc_trap_call *c)
{
    int error = 0;
    socklen_t len = sizeof error;
    if (c->expired)
        return c->again ? EALREADY : EINPROGRESS;
    if (sc_getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        error = errno;
    sc_supervise_end_attempt(c->fd);
    if (error)
        put_back(notify, c);
    return error;
}
