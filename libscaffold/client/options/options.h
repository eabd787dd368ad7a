/* Socket options of service sockets: what takes effect, what is remembered, what is refused. */
#ifndef SC_CLIENT_OPTIONS_OPTIONS_H
#define SC_CLIENT_OPTIONS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "local/ctl.h"

/* What the opening of a flow must know of the options set before. */
struct sc_options_told {
    bool abort_on_close;
    uint32_t user_timeout_ms;
    uint32_t rcvbuf; /* 0: not set by the program */
    struct timeval send_timeout;
};

/* Real buffer of every end of ours, and twice this in effect: one unread byte may pin the largest
 * buffer that sendfile makes, which has to stay below a quarter of it (A1). */
#define SC_REAL_SNDBUF 212992

/* A plain socket is given this option by a call that is not sc_setsockopt (libscaffold/trap). */
void sc_options_note_elsewhere(int fd, int level, int name);

/* The name of an option that was set on plain socket `fd`, is in force, and that no service's
 * socket has; NULL: there is none. No system call unless such an option was set, or the socket's
 * beginning was not seen. errno is kept. */
const char *sc_options_obstacle(int fd);

/* 0, or -1 with EOPNOTSUPP and an explanation that names the obstacle. */
int sc_options_admit(int fd);

/* A plain socket was given what undoes another option. */
void sc_options_undone(int fd, int level, int name);

/* What the program has set on `from`, for scaffoldd. */
void sc_options_tell(int from, struct sc_options_told *told);

/* Carries the options that the program has set on `from` (plain or ours) over to `to`, and only
 * these (A16). */
void sc_options_carry(int from, int to, struct sc_options_told *told);

/* From a service socket back to a plain one, as far as the plain one takes them. */
void sc_options_give_back(int from, int to);

/* The flow of an accepted socket is told what the program asked of the listener. */
void sc_options_inherit(int listener, int accepted);

/* The flow of `fd` is told. scaffoldd may be gone, or know better: the option then has no effect,
 * which is no error. errno is kept. */
void sc_options_tell_flow(int fd, enum sc_ctl_option option, uint32_t value);

/* True for the value of SO_LINGER that makes close a reset. */
bool sc_options_ask_reset(const void *value, socklen_t len);

/* The flow of `fd` ends with a reset when its last descriptor is closed. errno is kept. */
void sc_options_reset_on_close(int fd);

/* The options that the program has set on the service socket with this cookie and that do nothing
 * on its kinds (enum sc_effect), by name. Returns how many, at most `room`. */
size_t sc_options_without_effect(uint64_t cookie, unsigned kinds, const char *names[], size_t room);

/* What is remembered of an option of the socket with this cookie, or its default; 0 for options
 * that nobody remembers. */
int sc_option_remembered(uint64_t cookie, int level, int name);

/* A datagram socket has just got the options of the program's: marks what its calls must look at.
 */
void sc_options_mark_datagram(int fd);
/* ... and tells scaffoldd of those that it must know. */
void sc_options_tell_datagram(int fd);

#endif
