#include "trap/install.h"

#include <errno.h>

#include "trap/epolls.h"
#include "trap/say.h"
#include "trap/process/tracee.h"

/* Duplicates in one process that are repaired; programs that have any have one or two. */
#define NUMBERS_MAX 16

static int replace(int notify, const struct sc_trap_call *c, int fd, uint64_t before, int fresh)
{
    struct sc_trap_registrations r;
    bool taken = sc_trap_epolls_take(c->tid, fd, before, &r);
    int err = sc_trap_call_put(notify, c, fresh, fd, sc_tracee_is_cloexec(c->tid, fd));
    if (!sc_trap_epolls_put(&r) || !taken)
        sc_trap_say(c->tid,
                    "descriptor %d was registered with an epoll set before it became a service's "
                    "and could not be registered again: the program may not hear of its events",
                    fd);
    return err;
}

int sc_trap_install(int notify, const struct sc_trap_call *c, int fd, uint64_t before, int fresh)
{
    int numbers[NUMBERS_MAX];
    size_t count = sc_tracee_numbers(c->tid, fd, before, numbers, NUMBERS_MAX);
    if (!sc_trap_call_is_valid(notify, c))
        return -ESRCH;
    int err = 0;
    for (size_t i = 0; i < count && err == 0; i++)
        err = replace(notify, c, numbers[i], before, fresh);
    return err;
}
