/* What a supervisor (libscaffold/trap) uses of client/, and all of it: it makes the calls of other
 * programs, with numbers of its own for their sockets. The calls are those of client.h. What they
 * remember by number is lent to a number for as long as it stands for a socket, and taken back.
 *
 * Any thread, each with numbers of its own. */
#ifndef SC_CLIENT_SUPERVISE_H
#define SC_CLIENT_SUPERVISE_H

#include <stdbool.h>
#include <sys/socket.h>

#include "client/socket/fresh.h"     /* what a socket may still become */
#include "client/client.h"           /* the calls */
#include "client/names/ask.h"        /* names of services */
#include "client/options/shadow.h"   /* sets of options */
#include "client/process/cookies.h"  /* what is remembered by socket */
#include "client/process/identity.h" /* what a socket is */
#include "client/process/policy.h"   /* which addresses are ours */

/* This process makes calls for others from here on: it looks up what others connect to, and asks
 * the kernel what a socket is that it has not made. It writes no log, since the numbers in it would
 * be its own. Once, before any call. */
void sc_supervise_begin(void);

/* What is remembered of a socket by its number. */
struct sc_supervised {
    unsigned marks;
    struct sc_option_set options;
};

/* `fd` is our number of a socket of which this is remembered. */
void sc_supervise_lend(int fd, const struct sc_supervised *known);

/* The number stands for no socket any more: what was learnt meanwhile. */
struct sc_supervised sc_supervise_take(int fd);

/* Nothing is. */
bool sc_supervised_is_empty(const struct sc_supervised *known);

/* The program gives its plain socket this option itself. */
void sc_supervise_note_option(int fd, int level, int name);

/* The program has been told what became of its connect. */
void sc_supervise_end_attempt(int fd);

/* A datagram socket of ours, as far as is known. */
bool sc_supervise_is_joined(int fd);

/* A UDP socket that sends to `far` first becomes ours. 0, or -1 with errno, which an address of
 * plain IP leaves as it was. */
int sc_supervise_join(int fd, const struct sockaddr *far, socklen_t len);

#endif
