/* The descriptors of this process, as /proc lists them. Signal-safe, thread-safe. */
#ifndef SC_CLIENT_PROCESS_DESCRIPTORS_H
#define SC_CLIENT_PROCESS_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>

/* Calls `each` with every open descriptor number, without allocating. Returns -1 without /proc. */
int sc_descriptors_each(void (*each)(void *arg, int fd), void *arg);

/* Numbers of this process, other than `fd`, that stand for the same socket. Looks only if the
 * process has ever made a duplicate. Returns how many it found. */
size_t sc_duplicates(int fd, int *out, size_t room);

/* It makes one. */
void sc_note_duplicate(void);

/* True once the process has asked for signals about any descriptor, as far as is seen. */
bool sc_any_signals(void);
void sc_note_signals(void);

#endif
