#include "client/process/owner.h"

#include <sys/types.h>

#include "client/process/kernel.h"
#include "client/process/log_file.h"

static bool seen;
static pid_t owner; /* 0: whoever asks first */

bool sc_any_service_socket(void)
{
    return __atomic_load_n(&seen, __ATOMIC_RELAXED);
}

/* Before a child between vfork and exec can ask. */
static void note_owner(void)
{
    if (owner == 0)
        owner = sc_kernel_getpid();
}

bool sc_owner_begin(void)
{
    if (sc_any_service_socket())
        return false;
    note_owner();
    return !__atomic_exchange_n(&seen, true, __ATOMIC_RELAXED);
}

/* A process without a service's socket does not ask who it is before it has one. */
__attribute__((constructor(104))) void sc_owner_take_over(void)
{
    owner = sc_any_service_socket() || sc_log_on() ? sc_kernel_getpid() : 0;
}

/* Between vfork and exec a child has its own descriptors and its parent's memory: what it closes
 * is still open where the table belongs to. */
bool sc_is_vfork_child(void)
{
    note_owner();
    return sc_kernel_getpid() != owner;
}
