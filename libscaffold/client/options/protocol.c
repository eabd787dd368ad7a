#include "client/options/protocol.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "client/process/cookies.h"
#include "client/process/real.h"

/* Sockets of ours that were MPTCP's. */
static uint64_t ours[SC_COOKIES_MAX];
static const struct sc_cookie_table table = {ours, sizeof *ours};
static bool any;

void sc_protocol_note(int protocol)
{
    if (protocol == IPPROTO_MPTCP)
        __atomic_store_n(&any, true, __ATOMIC_RELAXED);
}

int sc_protocol_of(int fd)
{
    int protocol = IPPROTO_TCP, kept = errno;
    socklen_t len = sizeof protocol;
    if (!__atomic_load_n(&any, __ATOMIC_RELAXED))
        return IPPROTO_TCP;
    sc_real.getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len);
    errno = kept;
    return protocol == IPPROTO_MPTCP || sc_cookie_find(&table, sc_cookie(fd)) ? IPPROTO_MPTCP
                                                                              : IPPROTO_TCP;
}

void sc_protocol_carry(int from, int to)
{
    if (sc_protocol_of(from) != IPPROTO_MPTCP)
        return;
    uint64_t cookie = sc_cookie(to);
    uint64_t *place = sc_cookie_choose(&table, cookie);
    __atomic_store_n(place, cookie, __ATOMIC_RELEASE);
}
