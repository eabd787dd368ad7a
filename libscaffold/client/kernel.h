/* System calls past libc, whose own `syscall` the shim stands before. */
#ifndef SC_CLIENT_KERNEL_H
#define SC_CLIENT_KERNEL_H

#include <sys/syscall.h>

/* As syscall(2): up to six arguments, the result or -1 with errno. No cancellation point.
 * Signal-safe, thread-safe. */
long sc_kernel(long number, ...);

#endif
