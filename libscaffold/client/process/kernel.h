/* System calls past libc, whose own `syscall` the shim stands before. What client/ does on its own
 * account goes this way, or through sc_real (client/process/real.h): a function of libc may be
 * another preload library's, which holds a lock or asks a server for the answer. */
#ifndef SC_CLIENT_PROCESS_KERNEL_H
#define SC_CLIENT_PROCESS_KERNEL_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>

/* As syscall(2): up to six arguments, the result or -1 with errno. No cancellation point.
 * Signal-safe, thread-safe. */
long sc_kernel(long number, ...);

/* As their namesakes; all signal-safe. */
pid_t sc_kernel_getpid(void);
int sc_kernel_open(const char *path, int flags);
int sc_kernel_stat(const char *path, struct stat *st);
int sc_kernel_fstat(int fd, struct stat *st);
struct timespec sc_kernel_now(clockid_t clock);

/* The signal that the kernel sends a thread for what it did. */
void sc_kernel_raise(int signal);

/* What poll says of one descriptor at once, of `events` and of POLLERR, POLLHUP, POLLNVAL; 0:
 * nothing. errno is kept. */
short sc_kernel_poll_now(int fd, short events);

#endif
