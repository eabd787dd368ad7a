/* What is remembered about descriptor numbers: hints only, each checked against the kernel before
 * it is believed, because numbers are closed and reused behind our back. */
#ifndef SC_CLIENT_DESCRIPTORS_H
#define SC_CLIENT_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sc_mark {
    SC_MARK_LISTENING = 1,  /* scaffoldd wants to hear of its closing */
    SC_MARK_CONNECTING = 2, /* send answers EAGAIN, and connect tells the outcome once */
    SC_MARK_EPOLLS = 4,     /* registered with more epoll sets than the table holds */
};

void sc_mark_set(int fd, enum sc_mark mark);
void sc_mark_clear(int fd, enum sc_mark mark);
bool sc_mark_is_set(int fd, enum sc_mark mark);

/* Numbers of this process, other than `fd`, that stand for the same socket. Looks only if the
 * process has ever made a duplicate. Returns how many it found. */
size_t sc_duplicates(int fd, int *out, size_t room);

/* True once the process has asked for signals about any descriptor. */
bool sc_any_signals(void);

/* True between vfork and exec: the memory is the parent's, the descriptors are not. */
bool sc_is_vfork_child(void);

/* Calls `each` with every open descriptor number, without allocating. Returns -1 without /proc. */
int sc_descriptors_each(void (*each)(void *arg, int fd), void *arg);

#endif
