/* Questions to the kernel's sock_diag about AF_UNIX sockets: is a listener still there, which
 * listeners of ours survived a crash. Synchronous, a few microseconds each; one netlink socket is
 * kept for them. */
#ifndef SC_DAEMON_DIAG_H
#define SC_DAEMON_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sc_diag_socket {
    uint32_t inode;
    char name[108]; /* abstract name without the leading zero */
    uint32_t queue; /* connections waiting in a listener's queue */
    uint32_t uid;
    bool uid_known; /* kernels before 5.3 do not say */
};

/* Inode of a socket; 0: none. */
uint32_t sc_socket_inode(int fd);

/* Whether an AF_UNIX socket with this inode exists in this network namespace. True also when the
 * kernel cannot be asked: a registration is not dropped on a guess. */
bool sc_diag_exists(uint32_t inode);

/* Whether the socket with this inode has this abstract name (without the leading zero). True also
 * when the kernel cannot be asked. */
bool sc_diag_is_named(uint32_t inode, const char *name);

/* Connections that wait in the queue of the listener with this inode; 0 when it cannot be asked. */
uint32_t sc_diag_queue(uint32_t inode);

/* Calls `each` for every listening AF_UNIX socket whose abstract name starts with `prefix`, for
 * some perhaps more than once. Returns 0 or a negative errno: not all were seen. */
int sc_diag_listeners(const char *prefix, void (*each)(void *arg, const struct sc_diag_socket *s),
                      void *arg);

#endif
