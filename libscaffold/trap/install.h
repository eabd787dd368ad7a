/* Another socket under a program's number, with what the program had attached to the old one. */
#ifndef SC_TRAP_INSTALL_H
#define SC_TRAP_INSTALL_H

#include "trap/notify.h"

/* Puts our descriptor `fresh` into the place of the program's `fd`, whose socket had inode number
 * `before`: under that number and its duplicates in the same process, with the close-on-exec flags
 * and the epoll registrations. What cannot be repaired is said in one line. 0 or a negative errno.
 */
int sc_trap_install(int notify, const struct sc_trap_call *c, int fd, uint64_t before, int fresh);

#endif
