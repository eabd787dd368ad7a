/* What the supervisor reads from and writes to a trapped program: memory and descriptors. Whoever
 * reads asks sc_trap_call_is_valid before the result is believed. */
#ifndef SC_TRAP_PROCESS_TRACEE_H
#define SC_TRAP_PROCESS_TRACEE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* All of it, or false (the program gets EFAULT). */
bool sc_tracee_read(pid_t tid, uint64_t address, void *to, size_t len);
bool sc_tracee_write(pid_t tid, uint64_t address, const void *from, size_t len);

/* A descriptor of ours for the same open file. -1 with errno. */
int sc_tracee_fd(pid_t tid, int fd);

/* True when it has a descriptor of this number, and how many it has. */
bool sc_tracee_has(pid_t tid, int fd);
size_t sc_tracee_count(pid_t tid);

/* True when exec closes descriptor `fd`. */
bool sc_tracee_is_cloexec(pid_t tid, int fd);

/* The numbers, `fd` first, under which the program holds the file with this inode number. Returns
 * how many there are, at most `room`. */
size_t sc_tracee_numbers(pid_t tid, int fd, uint64_t inode, int *out, size_t room);

/* True when a signal waits that this thread does not block: a blocked call is to be interrupted. */
bool sc_tracee_is_signalled(pid_t tid);

/* True when it is the only thread of its process. */
bool sc_tracee_is_alone(pid_t tid);

#endif
