/* Opening a flow for a program without a thread that waits for it: a blocking socket is connected
 * as if it were none, and its program waits. */
#ifndef SC_TRAP_CONNECTING_H
#define SC_TRAP_CONNECTING_H

#include "trap/arguments.h"

/* True when connecting the call's socket to this address is ours: it leads to a service, or the
 * socket is a service's already. */
bool sc_trap_is_ours_to_connect(const struct sc_trap_call *c, const struct sockaddr_storage *ss,
                                socklen_t len);

/* Begins. 0: connected. Otherwise the errno, EINPROGRESS for sockets that do not block, or -1:
 * sc_trap_connect_end is to be called when the socket can be written to or the call has expired. */
int sc_trap_connect_begin(int notify, struct sc_trap_call *c, const struct sockaddr_storage *ss,
                          socklen_t len);

/* The outcome for the program: 0 or an errno. */
int sc_trap_connect_end(int notify, struct sc_trap_call *c);

/* Hands the call's socket in if it is another than the one with this inode number. Gives `result`
 * back, or -1 with errno. */
int sc_trap_hand_in(int notify, const struct sc_trap_call *c, uint64_t before, int result);
uint64_t sc_trap_inode(int fd);

#endif
