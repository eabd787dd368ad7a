/* What a program's datagram socket and scaffoldd write in front of every datagram.
 *
 * The socket is one end of an AF_UNIX SOCK_SEQPACKET pair, scaffoldd holds the other: one packet is
 * one head and one datagram, so an empty datagram is not an end, and the close of either end is
 * seen by the other. Fixed-width fields in host order, no pointers, the same layout for 32- and
 * 64-bit programs. The program's end is named (SC_SOCKET_DATAGRAM, local/socket_name.h),
 * scaffoldd's is not.
 *
 *   program -> scaffoldd   DATA, MORE, PUSH, DROP, CONNECT, DISCONNECT: in the order in which they
 *                          were written
 *   scaffoldd -> program   DATA, ERROR
 */
#ifndef SC_LOCAL_DATAGRAM_H
#define SC_LOCAL_DATAGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "local/address.h"

enum sc_datagram_kind {
    SC_DATAGRAM_DATA = 1,
    SC_DATAGRAM_CONNECT,    /* `peer`: from now on only its datagrams are let through */
    SC_DATAGRAM_DISCONNECT, /* from everybody again */
    SC_DATAGRAM_ERROR,      /* `error`: what became of a datagram to `peer` */

    /* A datagram in several packets (MSG_MORE, UDP_CORK): MORE, then others, then DATA with the
     * last piece, or PUSH without one. The first head counts. DROP: none comes of it. */
    SC_DATAGRAM_MORE,
    SC_DATAGRAM_PUSH,
    SC_DATAGRAM_DROP,
};

/* Datagrams that one packet may be cut into (UDP_SEGMENT): UDP_MAX_SEGMENTS of Linux 6.9. */
#define SC_DATAGRAM_SEGMENTS_MAX 128

/* Whether `len` bytes are that many at most; `segment` 0: they are one. */
static inline bool sc_datagram_may_be_cut(size_t len, int32_t segment)
{
    return segment == 0 || (segment > 0 && len <= (size_t)segment * SC_DATAGRAM_SEGMENTS_MAX);
}

struct sc_datagram_head {
    uint8_t kind;
    uint8_t ttl; /* 0: default */
    uint8_t tos;
    uint8_t has_own; /* program: `own` is given (IP_PKTINFO) */
    union {
        int32_t error; /* ERROR: a positive errno */
        int32_t
            segment; /* DATA, MORE: several datagrams of this length, but for the last; 0: one */
    };
    /* To the program: who sent it, in the form in which the program can answer. From the program:
     * where to; port 0: to whom the socket is connected. */
    struct sc_address peer;
    struct sc_address own; /* to the program: the address that it was sent to */
    uint8_t meaning[8];    /* from the program: SC_MEANING_LEN of local/ctl.h, of `peer` */
};

#endif
