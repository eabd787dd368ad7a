/* Epoll registrations of another process, so that they survive the replacement of its socket.
 *
 * A registration belongs to a file and a number, and epoll_ctl takes the number of its caller: so
 * they are moved by a thread with a descriptor table of its own, in which the socket has the same
 * number as in the program. */
#ifndef SC_TRAP_EPOLLS_H
#define SC_TRAP_EPOLLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Registrations of one number that are carried over: more is nothing that programs do. */
#define SC_TRAP_REGISTRATIONS_MAX 8

struct sc_trap_registrations {
    pid_t tid;
    int fd;
    size_t count;
    struct {
        int epfd; /* the program's number */
        uint32_t events;
        uint64_t data;
    } list[SC_TRAP_REGISTRATIONS_MAX];
};

/* Starts the thread, before any other has descriptors of programs. 0 or a negative errno. */
int sc_trap_epolls_start(void);

/* Takes the program's `fd`, the socket with this inode number, out of its epoll sets. Pair with
 * sc_trap_epolls_put. False when one stays behind. */
bool sc_trap_epolls_take(pid_t tid, int fd, uint64_t inode, struct sc_trap_registrations *r);

/* Puts whatever the number stands for now in again. False when one is lost. */
bool sc_trap_epolls_put(struct sc_trap_registrations *r);

#endif
