/* The process that the tables of client/ belong to, and whether it has had a socket of a service:
 * before, it makes no system call that its program did not make (client/process/identity.h).
 * Signal-safe, thread-safe. */
#ifndef SC_CLIENT_PROCESS_OWNER_H
#define SC_CLIENT_PROCESS_OWNER_H

#include <stdbool.h>

/* True once the process has had a service socket: before, nothing is asked. */
bool sc_any_service_socket(void);

/* It has one. True for the first. */
bool sc_owner_begin(void);

/* In the child of a fork: the descriptors are this process's from now on. */
void sc_owner_take_over(void);

/* True between vfork and exec: the memory is the parent's, the descriptors are not. */
bool sc_is_vfork_child(void);

#endif
