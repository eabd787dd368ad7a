/* Another library that is preloaded: it stands before libc, counts who calls what, and says so at
 * the end. Whatever the shim does for itself must not come by. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

#define NAMES                                                                                      \
    NAME(stat)                                                                                     \
    NAME(fstat)                                                                                    \
    NAME(lstat) NAME(fstatat) NAME(open) NAME(openat) NAME(getdents64) NAME(readlink) NAME(getcwd) \
        NAME(eventfd) NAME(poll) NAME(ppoll) NAME(select) NAME(clock_gettime) NAME(getpid)         \
            NAME(geteuid) NAME(raise) NAME(kill) NAME(syscall) NAME(socket) NAME(socketpair)       \
                NAME(bind) NAME(connect) NAME(listen) NAME(accept) NAME(accept4) NAME(getsockname) \
                    NAME(getpeername) NAME(getsockopt) NAME(setsockopt) NAME(shutdown) NAME(close) \
                        NAME(dup) NAME(dup2) NAME(dup3) NAME(fcntl) NAME(ioctl) NAME(epoll_ctl)    \
                            NAME(send) NAME(recv) NAME(sendto) NAME(recvfrom) NAME(sendmsg)        \
                                NAME(recvmsg) NAME(read) NAME(write)

#define NAME(name) COUNT_##name,
enum { NAMES COUNTS };
#undef NAME
static unsigned counts[COUNTS];

typedef long any_call(long a, long b, long c, long d, long e, long f);

/* All arguments are integers and pointers, so one shape fits all. */
#define NAME(name)                                                                                 \
    __attribute__((visibility("default"))) any_call counted_##name __asm__(#name);                 \
    long counted_##name(long a, long b, long c, long d, long e, long f)                            \
    {                                                                                              \
        counts[COUNT_##name]++;                                                                    \
        return ((any_call *)dlsym(RTLD_NEXT, #name))(a, b, c, d, e, f);                            \
    }
NAMES
#undef NAME

__attribute__((destructor)) static void say(void)
{
#define NAME(name)                                                                                 \
    if (counts[COUNT_##name])                                                                      \
        fprintf(stderr, "%s %u\n", #name, counts[COUNT_##name]);
    NAMES
#undef NAME
}
