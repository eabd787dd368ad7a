/* What is remembered about descriptor numbers, which are closed and reused behind our back: hints,
 * checked against the kernel before they are believed, but for those of datagram sockets and PLAIN.
 */
#ifndef SC_CLIENT_PROCESS_MARKS_H
#define SC_CLIENT_PROCESS_MARKS_H

#include <stdbool.h>
#include <stdint.h>

#include "local/address.h"

/* Descriptors that the tables indexed by number cover: what programs raise their limit to, short of
 * the exotic. Higher numbers work, without what the tables are for. */
#define SC_DESCRIPTORS_MAX 65536

enum sc_mark {
    SC_MARK_LISTENING = 1,  /* scaffoldd wants to hear of its closing */
    SC_MARK_CONNECTING = 2, /* send answers EAGAIN */
    SC_MARK_UNTOLD = 4096,  /* connect went on in the background; its outcome is told once */

    /* Flows of the local plane, whose sockets say no more than that they are hung up. */
    SC_MARK_LOCAL = 65536,    /* it is one: write is send, for the errno */
    SC_MARK_SHUT_RD = 131072, /* was shut down here */
    SC_MARK_SHUT_WR = 262144,
    SC_MARK_ENDED = 524288, /* was reset, or what was sent met nobody */

    SC_MARK_EPOLLS = 4, /* registered with more epoll sets than the table holds */

    /* Datagram service sockets (client/datagram/datagram.h). Believed without asking the kernel, so
     * that the read and write calls of everything else cost one load; set when a socket becomes
     * ours, for its duplicates, and for descriptors that were inherited or passed. */
    SC_MARK_DATAGRAM = 8,
    SC_MARK_INET6 = 16,     /* its family; neither of both: AF_INET */
    SC_MARK_SCAFFOLD = 32,  /* likewise */
    SC_MARK_CONNECTED = 64, /* to a peer */
    SC_MARK_SHAPED = 128,   /* was given a TTL or TOS for what it sends */
    SC_MARK_ASKS = 256,     /* was asked for control messages about, or errors of, datagrams */

    SC_MARK_GATHERS =
        16384, /* gathers datagrams or sends several at once (UDP_CORK, UDP_SEGMENT) */

    SC_MARK_SPOKEN = 32768, /* a datagram has come or gone: others may know it */

    /* The kernel's own socket of IP, made or accepted: nothing to look at. Believed, so that it is
     * set only where every call passes through here that may give its number to another. */
    SC_MARK_PLAIN = 2048,
    SC_MARK_PASSED = 8192, /* came from another process while this one had no service: not asked */

    SC_MARK_SENT_IP = 512,     /* plain UDP: has sent to plain IP, where it stays */
    SC_MARK_PORT_GIVEN = 1024, /* bound to a port that the program chose or, a stream, was told */
};

#define SC_MARKS_OF_DATAGRAM                                                                       \
    (SC_MARK_DATAGRAM | SC_MARK_INET6 | SC_MARK_SCAFFOLD | SC_MARK_CONNECTED | SC_MARK_SHAPED |    \
     SC_MARK_ASKS | SC_MARK_GATHERS | SC_MARK_SPOKEN)

#define SC_MARKS_OF_LOCAL (SC_MARK_LOCAL | SC_MARK_SHUT_RD | SC_MARK_SHUT_WR | SC_MARK_ENDED)

/* Of no socket of ours. */
#define SC_MARKS_OF_OTHERS                                                                         \
    (SC_MARK_PLAIN | SC_MARK_PASSED | SC_MARK_SENT_IP | SC_MARK_PORT_GIVEN | SC_MARK_EPOLLS)

#define SC_MARKS_OF_ATTEMPT (SC_MARK_CONNECTING | SC_MARK_UNTOLD)

/* Marks may be combined; is_set: any of them. */
void sc_mark_set(int fd, unsigned marks);
void sc_mark_clear(int fd, unsigned marks);
bool sc_mark_is_set(int fd, unsigned marks);
unsigned sc_marks(int fd);

/* A new socket has this number: what is remembered of it was another's. */
void sc_marks_forget(int fd);
void sc_marks_replace(int fd, unsigned marks);

/* The same of a socket that the kernel has just made, `ip`: a plain one of IP. */
void sc_marks_begin(int fd, bool ip);

/* These numbers stand for nothing any more. */
void sc_marks_forget_range(unsigned first, unsigned last);

static inline bool sc_is_datagram(int fd)
{
    return sc_mark_is_set(fd, SC_MARK_DATAGRAM);
}

/* The family that the program made a datagram socket with. */
enum sc_family sc_datagram_family(int fd);

#endif
