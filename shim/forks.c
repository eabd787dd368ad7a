/* Forks that run no handlers of pthread_atfork: _Fork, clone, and what syscall() makes of their
 * numbers. What copies the memory goes through the fork gate (client/process/fork_gate.h); what
 * shares it, threads and the like, straight on. */
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/process/fork_gate.h"
#include "client/process/kernel.h"
#include "client/process/memory.h"
#include "client/process/real.h"

#define EXPORTED __attribute__((visibility("default")))

/* What the stub in syscall.c calls: whether a call by this number makes a process with a copy of
 * the memory, which comes back to the caller as fork does; and the call itself. */
__attribute__((visibility("hidden"), used)) int shim_copies_memory(long number, long a, long b);
__attribute__((visibility("hidden"), used)) long shim_fork(long number, long a, long b, long c,
                                                           long d, long e, long f);

EXPORTED pid_t _Fork(void)
{
    sc_fork_begin();
    pid_t child = sc_next._Fork();
    if (child == 0)
        sc_fork_end_in_child();
    else
        sc_fork_end();
    return child;
}

/* --- clone ------------------------------------------------------------------------------------ */

struct start {
    int (*function)(void *arg);
    void *arg;
};

/* In the child, which has its own copy of the caller's stack, and `start` in it. */
static int begin(void *start)
{
    const struct start *s = start;
    sc_fork_end_in_child();
    return s->function(s->arg);
}

EXPORTED int clone(int (*function)(void *arg), void *stack, int flags, void *arg, ...)
{
    struct start start = {function, arg};
    va_list more;
    va_start(more, arg);
    pid_t *parent = va_arg(more, pid_t *);
    void *tls = va_arg(more, void *);
    pid_t *child = va_arg(more, pid_t *);
    va_end(more);
    if ((flags & CLONE_VM) || !function)
        return sc_next.clone(function, stack, flags, arg, parent, tls, child);
    sc_fork_begin();
    int result = sc_next.clone(begin, stack, flags, &start, parent, tls, child);
    sc_fork_end();
    return result;
}

/* --- by number -------------------------------------------------------------------------------- */

/* The first word of clone3's argument, its flags. False: it cannot be read, as the kernel will say.
 */
static bool read_flags(const void *from, uint64_t *flags)
{
    bool readable = sc_memory_reads(from, sizeof *flags);
    if (readable)
        *flags = *(const uint64_t *)from;
    return readable;
}

/* A child with a stack of its own does not come back to whoever called us. */
int shim_copies_memory(long number, long a, long b)
{
    uint64_t flags = (uint64_t)a;
#ifdef SYS_fork
    if (number == SYS_fork)
        return 1;
#endif
    if (number == SYS_clone3 && !read_flags((const void *)(uintptr_t)a, &flags))
        return 0;
    return !(flags & CLONE_VM) && (number == SYS_clone3 || b == 0);
}

long shim_fork(long number, long a, long b, long c, long d, long e, long f)
{
    sc_fork_begin();
    long child = sc_kernel(number, a, b, c, d, e, f);
    if (child == 0)
        sc_fork_end_in_child();
    else
        sc_fork_end();
    return child;
}
