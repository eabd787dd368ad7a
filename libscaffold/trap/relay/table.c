/* The relays, and where their programs' sockets are. */
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/supervise.h"
#include "trap/relay/place.h"
#include "trap/relay/parts.h"
#include "trap/process/tracee.h"

struct sc_relay_table sc_relays = {.lock = PTHREAD_MUTEX_INITIALIZER};

uint64_t sc_relay_inode(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

struct sc_relay *sc_relay_find(int fd)
{
    uint64_t inode = sc_relay_inode(fd);
    for (size_t i = 0; inode && i < SC_RELAYS_MAX; i++)
        if (sc_relays.list[i].inode == inode)
            return &sc_relays.list[i];
    return NULL;
}

int sc_relay_reach(const struct sc_relay *r)
{
    int fd = sc_tracee_fd(r->holder.tid, r->holder.number);
    if (fd >= 0 && sc_cookie(fd) == r->cookie)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

int sc_relay_locate(int fd, struct sc_relay *r)
{
    int family;
    int err = sc_place_read(fd, &r->program, &family);
    if (err)
        return err;
    r->family = family == AF_INET6 ? SC_FAMILY_INET6 : SC_FAMILY_INET;
    if (r->program.port == 0) {
        err = sc_place_bind(fd, &r->program, r->family);
        err = err ? err : sc_place_read(fd, &r->program, &family);
    }
    if (!err && sc_address_is_wildcard(&r->program))
        r->program =
            sc_place_loopback(family == AF_INET || !sc_place_is_v6_only(fd), r->program.port);
    return err;
}

struct sc_relay *sc_relay_free_place(void)
{
    for (size_t i = 0; i < SC_RELAYS_MAX; i++)
        if (sc_relays.list[i].inode == 0)
            return &sc_relays.list[i];
    return NULL;
}
