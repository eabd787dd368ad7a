/* What a program's socket of a service is made of: two connected AF_UNIX sockets. scaffoldd makes
 * both, so that nobody else ever holds its own end: the program's close, and its death, are seen
 * here, and scaffoldd's there, whoever forks meanwhile. */
#ifndef SC_DAEMON_PAIR_H
#define SC_DAEMON_PAIR_H

#include <stdbool.h>
#include <stddef.h>

#include "local/socket_name.h"

struct sc_pair {
    int program; /* goes along with a reply, and is closed here then */
    int own;
};

/* SOCK_STREAM or SOCK_SEQPACKET; the program's end has the name. Returns 0, -EMFILE (scaffoldd has
 * no descriptor left) or -ENOMEM. */
int sc_pair_make(struct sc_pair *p, int type, const struct sc_socket_name *name);

/* The buffers of a stream's ends, and the byte that an open flow keeps unread. Returns the number
 * of bytes: 1. */
size_t sc_pair_seed(const struct sc_pair *p);

/* Fills what the program's end writes to, before the program has it, so that it is not writable
 * until scaffoldd has read that: the connect is under way. Returns the number of bytes that came to
 * it. */
size_t sc_pair_plug(int program);

/* Gives an end of a stream the buffer that all have. */
void sc_pair_enlarge(int end);

/* From now on whoever sends descriptors to this socket, or to what is accepted from it, gets EPERM.
 * False: the kernel does not have it (SO_PASSRIGHTS, Linux 6.16). */
bool sc_pair_refuse_rights(int own);

#endif
