/* What libscaffold sends first over a socket that it accepts, so that scaffoldd knows an acceptor
 * that knows it (A8), and so that a byte is unread in scaffoldd's queue from the beginning (A7).
 *
 * Data of an acceptor without libscaffold are never taken for it: it ends in the serial of the
 * flow's own name, 64 bits drawn at random, which scaffoldd tells nobody but the acceptor. One that
 * sends it all the same loses those bytes, of its own flow. The kernel queues it in one piece, so
 * that fewer bytes are no beginning of it. */
#ifndef SC_LOCAL_ACCEPT_MARK_H
#define SC_LOCAL_ACCEPT_MARK_H

#include <stdint.h>
#include <string.h>

#define SC_ACCEPT_MARK_LEN 24

/* `serial` is the one of scaffoldd's end, the accepted socket's peer. */
static inline void sc_accept_mark(uint64_t serial, uint8_t out[SC_ACCEPT_MARK_LEN])
{
    static const char begins[] = "\0scaffold accept";
    _Static_assert(sizeof begins + sizeof serial == SC_ACCEPT_MARK_LEN + 1, "no zero between them");
    memcpy(out, begins, sizeof begins - 1);
    memcpy(out + sizeof begins - 1, &serial, sizeof serial);
}

#endif
