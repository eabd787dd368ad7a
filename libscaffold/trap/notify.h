/* One trapped system call: what the program asked, and the ways to answer it. */
#ifndef SC_TRAP_NOTIFY_H
#define SC_TRAP_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct sc_trap_call {
    uint64_t id;
    pid_t tid; /* the thread that called */
    int nr;
    uint64_t args[6];
    /* While it waits (loop.h); -1, 0 and 0 otherwise. */
    int fd;           /* our descriptor of the socket waited for, owned */
    uint32_t events;  /* EPOLL* bits that end the wait */
    int64_t deadline; /* ms of CLOCK_MONOTONIC; 0: none */
    bool expired;     /* the deadline came first */
    /* Of calls that are served in steps. */
    bool connecting; /* a flow is being opened on its behalf, */
    bool again;      /* as an earlier call has asked already; */
    bool opened;     /* it is open by now */
    int kept;        /* the socket as it was before, owned; -1: none */
    size_t done;     /* bytes carried so far */
    struct sc_trap_call *next;
};

/* The next call, or NULL (none, or out of memory). Free with free(). */
struct sc_trap_call *sc_trap_call_receive(int notify);

/* False when the caller is gone: its number may already be another's, and what was read from it
 * must not be believed. To be asked after each look at the program. */
bool sc_trap_call_is_valid(int notify, const struct sc_trap_call *c);

/* The call returns `value`, or fails with `error` (positive) if that is not 0. */
void sc_trap_call_answer(int notify, const struct sc_trap_call *c, int64_t value, int error);

/* The kernel carries the call out as if nobody had looked. What the program changes in its memory
 * meanwhile is what the kernel sees: the trap serves programs, it does not confine them. */
void sc_trap_call_continue(int notify, const struct sc_trap_call *c);

/* Puts a copy of our descriptor into the program, under number `at`. 0 or a negative errno. */
int sc_trap_call_put(int notify, const struct sc_trap_call *c, int fd, int at, bool cloexec);

/* Puts a copy in under a free number, which is returned; or a negative errno. */
int sc_trap_call_add(int notify, const struct sc_trap_call *c, int fd, bool cloexec);

#endif
