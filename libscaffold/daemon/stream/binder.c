#include "daemon/stream/binder.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/stream/bound.h"
#include "daemon/stream/listener.h"

static void on_binder_exit(struct sc_watch *w, uint32_t events)
{
    (void)events;
    struct sc_listener *l = sc_container(w, struct sc_listener, binder);
    int fd = w->fd;
    sc_loop_unwatch(&l->daemon->loop, w);
    close(fd);
    sc_bound_drop_if_gone(l->bound);
}

void sc_binder_watch(struct sc_listener *l)
{
    l->binder = (struct sc_watch){.fd = -1, .ready = on_binder_exit};
    int fd = (int)syscall(SYS_pidfd_open, l->pid, 0);
    if (fd < 0)
        return; /* the sweep finds out */
    l->binder.fd = fd;
    if (sc_loop_watch(&l->daemon->loop, &l->binder, EPOLLIN) < 0) {
        close(fd);
        l->binder.fd = -1;
    }
}
