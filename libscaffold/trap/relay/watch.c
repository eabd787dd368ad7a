/* What the descriptors of all relays are watched with. */
#include <errno.h>
#include <sys/epoll.h>

#include "trap/relay/parts.h"

/* epoll: unlike poll it holds no socket open that is closed meanwhile. */
static int set = -1;

bool sc_relay_is_watching(void)
{
    return set >= 0;
}

int sc_relay_begin_watching(void)
{
    set = epoll_create1(EPOLL_CLOEXEC);
    return set < 0 ? -errno : 0;
}

/* A source, and whose it is: places in the table. */
static uint64_t mark_of(const struct sc_relay *r, const struct sc_far_end *e,
                        enum sc_relay_source source)
{
    uint64_t relay = r ? (uint64_t)(r - sc_relays.list) : 0;
    uint64_t end = e ? (uint64_t)(e - r->ends) : 0;
    return relay << 32 | end << 8 | source;
}

int sc_relay_watch(const struct sc_relay *r, const struct sc_far_end *e,
                   enum sc_relay_source source, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = mark_of(r, e, source)};
    bool watched = epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0 || errno == EEXIST;
    return watched ? 0 : -errno;
}

static struct sc_relay_due due_of(uint64_t mark)
{
    struct sc_relay *r = &sc_relays.list[mark >> 32];
    return (struct sc_relay_due){.relay = r,
                                 .end = &r->ends[mark >> 8 & 0xffff],
                                 .source = (enum sc_relay_source)(mark & 0xff)};
}

int sc_relay_await(struct sc_relay_due due[SC_RELAY_DUE_MAX], int timeout_ms)
{
    struct epoll_event events[SC_RELAY_DUE_MAX];
    int n = epoll_wait(set, events, SC_RELAY_DUE_MAX, timeout_ms);
    for (int i = 0; i < n; i++)
        due[i] = due_of(events[i].data.u64);
    return n;
}
