/* Options over a swap: from the program's socket to the one of ours that takes its number, back
 * again, and from a listener to what it accepts. And what stands in the way of a swap. */
#ifndef SC_CLIENT_OPTIONS_CARRY_H
#define SC_CLIENT_OPTIONS_CARRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/time.h>

/* What the opening of a flow must know of the options set before. */
struct sc_options_told {
    bool abort_on_close;
    uint32_t user_timeout_ms;
    uint32_t congestion; /* local/tcp_congestion.h; 0: not set */
    uint32_t rcvbuf;     /* 0: not set by the program */
    struct timeval send_timeout;
};

/* The name of an option that was set on plain socket `fd`, is in force, and that no service's
 * socket has; NULL: there is none. No system call unless such an option was set, or the socket's
 * beginning was not seen. errno is kept. */
const char *sc_options_obstacle(int fd);

/* 0, or -1 with EOPNOTSUPP and an explanation that names the obstacle. */
int sc_options_admit(int fd);

/* What the program has set on `from`, for scaffoldd. */
void sc_options_tell(int from, struct sc_options_told *told);

/* Carries the options that the program has set on `from` (plain or ours) over to `to`, and only
 * these (A16). */
void sc_options_carry(int from, int to);

/* From a service socket back to a plain one, as far as the plain one takes them. */
void sc_options_give_back(int from, int to);

/* The flow of an accepted socket is told what the program asked of the listener. One of the local
 * plane, opened before the listener's flows were to be reset, is not reset. */
void sc_options_inherit(int listener, int accepted, bool local);

/* The options that the program has set on the service socket with this cookie and that do nothing
 * on its kinds (enum sc_effect), by name. Returns how many, at most `room`. */
size_t sc_options_without_effect(uint64_t cookie, unsigned kinds, const char *names[], size_t room);

#endif
