#include "client/socket/swap.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include "client/explain/log.h"
#include "client/options/protocol.h"
#include "client/process/descriptors.h"
#include "client/process/identity.h"
#include "client/process/log_file.h"
#include "client/process/marks.h"
#include "client/process/real.h"
#include "client/socket/epolls.h"

/* Duplicates in one process that are repaired; programs that have any have one or two. */
#define DUPLICATES_MAX 32

/* Whom SIGIO and SIGURG go to; only programs that have asked for it pay for asking. */
static void carry_signals(int fd, int fresh)
{
    struct f_owner_ex owner = {0};
    int flags = sc_real.fcntl(fd, F_GETFL, NULL);
    int signal = sc_real.fcntl(fd, F_GETSIG, NULL);
    if (sc_real.fcntl(fd, F_GETOWN_EX, &owner) == 0)
        sc_real.fcntl(fresh, F_SETOWN_EX, &owner);
    if (signal > 0)
        sc_real.fcntl(fresh, F_SETSIG, (void *)(intptr_t)signal);
    if (flags >= 0 && (flags & O_ASYNC))
        sc_real.fcntl(fresh, F_SETFL, (void *)(intptr_t)flags);
}

static int replace(int fd, int fresh)
{
    struct sc_registrations registrations;
    int flags = sc_real.fcntl(fd, F_GETFD, NULL);
    if (flags < 0)
        return -errno;
    /* Out before, in again after: an entry of the old socket that a duplicate elsewhere keeps alive
     * could not be deleted through any number later. */
    sc_registrations_take(fd, &registrations);
    sc_mark_clear(fd, SC_MARK_PLAIN);
    int err = 0;
    if (sc_real.dup3(fresh, fd, flags & FD_CLOEXEC ? O_CLOEXEC : 0) < 0)
        err = -errno;
    sc_registrations_put(&registrations);
    return err;
}

int sc_swap(int fd, int fresh)
{
    int duplicates[DUPLICATES_MAX];
    size_t count = sc_duplicates(fd, duplicates, DUPLICATES_MAX);
    int on = 1;
    if (sc_log_on())
        sc_log_replaced(fd, fresh);
    if (sc_is_nonblocking(fd))
        sc_real.ioctl(fresh, FIONBIO, &on);
    if (sc_any_signals())
        carry_signals(fd, fresh);
    sc_protocol_carry(fd, fresh);
    int err = replace(fd, fresh);
    for (size_t i = 0; i < count && err == 0; i++)
        replace(duplicates[i], fresh);
    sc_real.close(fresh);
    return err;
}
