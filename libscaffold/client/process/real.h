/* What is below the functions that the shim exports, in two tables. Code of client/ and shim/ calls
 * the functions of real.def only through them: a direct call would come back to the shim, its own
 * or, in a program that is linked to libscaffold and runs under the shim, that of the other copy.
 *
 * sc_next is for what the program asked: the next library's function, so that other preload
 * libraries and sanitizers see the program's calls as they do without us. sc_real is for what
 * client/ does on its own account: the system call itself, which no other library stands before,
 * so that none of its locks is met and none of its tables is told; no cancellation point. */
#ifndef SC_CLIENT_PROCESS_REAL_H
#define SC_CLIENT_PROCESS_REAL_H

#include <netdb.h>
#include <poll.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>

#define SC_REAL(type, name, params, args) type(*name) params;
#define SC_REAL_LIBC(type, name, params) type(*name) params;
struct sc_real {
#include "client/process/real.def"
};
#undef SC_REAL
#undef SC_REAL_LIBC

/* What is no system call is libc's in both, once bound. */
extern struct sc_real sc_real;

/* Usable from the first instruction on: until sc_real_bind has run, and while it runs (allocators
 * call close and open before anybody is ready), the entries are plain system calls. */
extern struct sc_real sc_next;

/* Points sc_next at the definitions after the shim's (dlsym RTLD_NEXT), or, in libscaffold, at
 * libc's whatever is preloaded. Idempotent; run by a constructor, and by the name lookups. */
void sc_real_bind(void);

/* Defined, with any value, in the library whose functions stand before libc's: the shim. */
extern const char sc_real_next __attribute__((weak, visibility("hidden")));

/* True when every epoll_ctl, dup and close of the program passes through here. In libscaffold only
 * those do that redirect.h reached: what the rest did has to be looked up in /proc. */
static inline bool sc_real_sees_all(void)
{
    return &sc_real_next != NULL;
}

#endif
