/* Questions to the kernel's sock_diag about AF_UNIX sockets: how long is a listener's queue, which
 * listeners of ours survived a crash. Synchronous, a few microseconds each; one netlink socket is
 * kept for them. */
#ifndef SC_DAEMON_STREAM_DIAG_H
#define SC_DAEMON_STREAM_DIAG_H

#include <stddef.h>
#include <stdint.h>

struct sc_diag_socket {
    uint32_t inode;
    char path[109]; /* as it was bound to; "": to none */
    uint32_t queue; /* connections waiting in a listener's queue */
    uint32_t uid;   /* who made it; -1: kernels before 5.3 do not say */
};

/* Inode of a socket; 0: none. */
uint32_t sc_socket_inode(int fd);

/* Connections that wait in the queue of the listener with this inode; 0 when it cannot be asked. */
uint32_t sc_diag_queue(uint32_t inode);

/* Calls `each` for every listening AF_UNIX socket whose path, as it was bound to, starts with
 * `prefix`, for some perhaps more than once. Returns 0 or a negative errno: not all were seen. */
int sc_diag_listeners(const char *prefix, void (*each)(void *arg, const struct sc_diag_socket *s),
                      void *arg);

#endif
