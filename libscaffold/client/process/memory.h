/* The program's memory. Where client/ reads or writes through a pointer that it was given, the
 * kernel would have looked first and said EFAULT; here it is asked instead.
 *
 * Memory that is certainly there (around the stack pointer, the heap, the program's own data) costs
 * nothing; other memory one system call that every sandbox allows, for a page that is read once.
 * errno is kept. Signal-safe, thread-safe. */
#ifndef SC_CLIENT_PROCESS_MEMORY_H
#define SC_CLIENT_PROCESS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

bool sc_memory_reads(const void *at, size_t n);
/* It reads, and nobody has to be asked. */
bool sc_memory_is_certain(const void *at, size_t n);
bool sc_memory_writes(void *at, size_t n);

/* An address of `len` bytes: true for none, false for lengths that the kernel refuses unread. */
bool sc_memory_reads_address(const void *addr, socklen_t len);

/* A message and its name; and all that it consists of but the bytes that are sent: pieces, control
 * as well. */
bool sc_memory_reads_head(const struct msghdr *msg);
bool sc_memory_reads_message(const struct msghdr *msg);

#endif
