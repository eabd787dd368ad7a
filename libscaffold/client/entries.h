/* The functions of calls.def, for whoever includes this with SC_SYMBOL(name) defined: the symbol,
 * as a string, under which libc's `name` is exported. libscaffold has them as scaffold_..., the
 * shim under libc's own names.
 *
 * Each has a name of its own in C, so that the declarations in libc's headers (transparent unions,
 * redirects of FORTIFY and of 64-bit files) do not matter here. */
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>

#include "client/client.h"
#include "client/explain/log.h"
#include "client/process/real.h"

#define EXPORTED(type, name, params)                                                               \
    __attribute__((visibility("default"))) type sc_entry_##name params __asm__(SC_SYMBOL(name));
#define CALL(type, name, params, args) EXPORTED(type, name, params)
#define OTHER(type, name, params) EXPORTED(type, name, params)
#define ALIAS(alias, name)
#include "client/calls.def"
#undef CALL
#undef OTHER
#undef ALIAS

#define UNPACK(...) __VA_ARGS__
#define CALL(type, name, params, args)                                                             \
    type sc_entry_##name params                                                                    \
    {                                                                                              \
        return sc_##name(UNPACK args);                                                             \
    }
#define OTHER(type, name, params)
#define ALIAS(other, name)                                                                         \
    extern __typeof__(sc_entry_##name) sc_entry_##other __asm__(SC_SYMBOL(other))                  \
        __attribute__((alias(SC_SYMBOL(name)), visibility("default")));
#include "client/calls.def"
#undef CALL
#undef OTHER
#undef ALIAS

ssize_t sc_entry_send(int fd, const void *buf, size_t n, int flags)
{
    return sc_sendto(fd, buf, n, flags, NULL, 0);
}

ssize_t sc_entry_recv(int fd, void *buf, size_t n, int flags)
{
    return sc_recvfrom(fd, buf, n, flags, NULL, NULL);
}

void sc_entry_closefrom(int first)
{
    sc_closefrom(first);
}

/* --- ends without destructors ----------------------------------------------------------------- */

static void end_log(void)
{
    if (sc_log_on())
        sc_log_ending();
}

void sc_entry__exit(int status)
{
    end_log();
    sc_next._exit(status);
}

void sc_entry__Exit(int status)
{
    end_log();
    sc_next._exit(status);
}

void sc_entry_quick_exit(int status)
{
    end_log();
    sc_next.quick_exit(status);
}

/* off_t is off64_t where this is built. */
ssize_t sc_entry_sendfile64(int out, int in, off_t *offset, size_t n)
{
    return sc_sendfile(out, in, offset, n);
}

/* --- FORTIFY ---------------------------------------------------------------------------------- */

void __chk_fail(void) __attribute__((noreturn));

ssize_t sc_entry___read_chk(int fd, void *buf, size_t n, size_t room)
{
    if (n > room)
        __chk_fail();
    return sc_read(fd, buf, n);
}

ssize_t sc_entry___recv_chk(int fd, void *buf, size_t n, size_t room, int flags)
{
    if (n > room)
        __chk_fail();
    return sc_recvfrom(fd, buf, n, flags, NULL, NULL);
}

ssize_t sc_entry___recvfrom_chk(int fd, void *buf, size_t n, size_t room, int flags,
                                struct sockaddr *from, socklen_t *len)
{
    if (n > room)
        __chk_fail();
    return sc_recvfrom(fd, buf, n, flags, from, len);
}

/* --- variadic in libc ------------------------------------------------------------------------- */

/* Whatever the third argument is, or if there is none: libc reads it in the same way. */
#define THIRD(arg, last)                                                                           \
    va_list args;                                                                                  \
    va_start(args, last);                                                                          \
    void *arg = va_arg(args, void *);                                                              \
    va_end(args)

int sc_entry_fcntl(int fd, int cmd, ...)
{
    THIRD(arg, cmd);
    return sc_fcntl(fd, cmd, arg);
}

int sc_entry_fcntl64(int fd, int cmd, ...)
{
    THIRD(arg, cmd);
    return sc_fcntl(fd, cmd, arg);
}

int sc_entry_ioctl(int fd, unsigned long request, ...)
{
    THIRD(arg, request);
    return sc_ioctl(fd, request, arg);
}
