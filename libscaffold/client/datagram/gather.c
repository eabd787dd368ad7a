#include "client/datagram/gather.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>

#include "client/datagram/datagram.h"
#include "client/datagram/state.h"
#include "client/options/datagram.h"
#include "client/process/cookies.h"
#include "client/process/fail.h"
#include "client/process/kernel.h"
#include "client/process/marks.h"
#include "client/process/real.h"

/* A queue that scaffoldd has not read for so long will not be read. */
#define PATIENCE_S 30

void sc_gather_look(int fd, int flags, struct sc_gathering *g)
{
    g->cookie = sc_cookie(fd);
    sc_datagram_state_get(g->cookie, &g->state);
    g->more = (flags & MSG_MORE) || sc_option_remembered(g->cookie, IPPROTO_UDP, UDP_CORK);
    g->segment = (uint16_t)sc_option_remembered(g->cookie, IPPROTO_UDP, UDP_SEGMENT);
    if (g->more)
        sc_mark_set(fd, SC_MARK_GATHERS);
}

/* A word to scaffoldd, which neither fails nor is lost. errno is kept. */
static void say(int fd, enum sc_datagram_kind kind)
{
    struct sc_datagram_head head = {.kind = (uint8_t)kind};
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    struct timespec patience = {.tv_sec = PATIENCE_S};
    int kept = errno;
    if (sc_real.sendto(fd, &head, sizeof head, MSG_NOSIGNAL, NULL, 0) < 0 && errno == EAGAIN &&
        sc_kernel(SYS_ppoll, &room, 1, &patience, NULL, 0) == 1)
        sc_real.sendto(fd, &head, sizeof head, MSG_NOSIGNAL, NULL, 0);
    errno = kept;
}

static void forget(const struct sc_gathering *g)
{
    struct sc_datagram_state s = g->state;
    s.gathers = 0;
    s.segment = 0;
    s.gathered = 0;
    sc_datagram_state_set(g->cookie, &s);
}

static int drop(int fd, const struct sc_gathering *g, int error)
{
    if (g->state.gathers) {
        say(fd, SC_DATAGRAM_DROP);
        forget(g);
    }
    return sc_fail(error);
}

int sc_gather_add(int fd, const struct sc_gathering *g, size_t len, struct sc_datagram_head *head)
{
    size_t all = len + g->state.gathered;
    int32_t segment = g->state.gathers ? g->state.segment : head->segment;
    if (all > SC_DATAGRAM_PAYLOAD_MAX)
        return drop(fd, g, EMSGSIZE);
    if (!g->more && !sc_datagram_may_be_cut(all, segment))
        return drop(fd, g, EINVAL);
    if (g->more)
        head->kind = SC_DATAGRAM_MORE;
    return 0;
}

void sc_gather_added(const struct sc_gathering *g, size_t len, const struct sc_datagram_head *head)
{
    struct sc_datagram_state s = g->state;
    if (!g->more) {
        if (s.gathers)
            forget(g);
        return;
    }
    if (!s.gathers)
        s.segment = (uint16_t)head->segment;
    s.gathers = 1;
    s.gathered += (uint32_t)len;
    sc_datagram_state_set(g->cookie, &s);
}

int sc_datagram_uncork(int fd)
{
    struct sc_gathering g;
    sc_gather_look(fd, 0, &g);
    bool fits = !g.state.gathers || sc_datagram_may_be_cut(g.state.gathered, g.state.segment);
    say(fd, fits ? SC_DATAGRAM_PUSH : SC_DATAGRAM_DROP);
    forget(&g);
    return 0;
}
