#include "transport/pmtu.h"

#include "base/limits.h"

/* Ethernet with and without an IPv6 header (1500 less 48 and 28), page-sized jumbo frames, jumbo
 * frames of 9000 likewise. */
static const size_t candidates[] = {1452, 1472, 4052, 8932, 8972};
#define CANDIDATES (sizeof candidates / sizeof *candidates)
/* Ethernet over IPv4 is by far the most frequent path: the first probe. */
#define FIRST 1472

/* RFC 8899 5.1.2: MAX_PROBES and PMTU_RAISE_TIMER. */
#define MAX_PROBES 3
#define RAISE_TIMER (600 * SC_SECOND)
/* A suspected black hole may have been an outage: ask again soon. */
#define HOLE_TIMER (10 * SC_SECOND)
/* PTOs in a row that make a size suspect. */
#define HOLE_TIMEOUTS 3

void sc_pmtu_init(struct sc_pmtu *p, size_t limit)
{
    if (limit == 0 || limit > SC_DATAGRAM_MAX)
        limit = SC_DATAGRAM_MAX;
    size_t size = limit < SC_DATAGRAM_BASE ? limit : SC_DATAGRAM_BASE;
    *p = (struct sc_pmtu){.size = size, .limit = limit, .refused = SIZE_MAX};
}

static bool possible(const struct sc_pmtu *p, size_t size)
{
    return size > p->size && size <= p->limit && size < p->refused;
}

/* The next size to try, or 0. */
static size_t next_candidate(const struct sc_pmtu *p)
{
    if (possible(p, FIRST))
        return FIRST;
    for (size_t i = 0; i < CANDIDATES; i++)
        if (possible(p, candidates[i]))
            return candidates[i];
    return 0;
}

size_t sc_pmtu_probe(const struct sc_pmtu *p, sc_time now)
{
    if (p->probing != 0 || now < p->next)
        return 0;
    return next_candidate(p);
}

void sc_pmtu_on_probe_sent(struct sc_pmtu *p, size_t size)
{
    p->probing = size;
}

/* The search goes on, or rests and begins anew after the timer. */
static void search_on(struct sc_pmtu *p, sc_time now)
{
    p->losses = 0;
    p->next = now;
    if (next_candidate(p) == 0) {
        p->refused = SIZE_MAX;
        p->next = now + RAISE_TIMER;
    }
}

void sc_pmtu_on_probe_acked(struct sc_pmtu *p, size_t size, sc_time now)
{
    if (size == p->probing)
        p->probing = 0;
    if (size > p->size && size < p->refused)
        p->size = size;
    p->timeouts = 0;
    search_on(p, now);
}

void sc_pmtu_on_probe_lost(struct sc_pmtu *p, size_t size, sc_time now)
{
    if (size != p->probing)
        return;
    p->probing = 0;
    if (++p->losses < MAX_PROBES)
        return;
    p->refused = size;
    search_on(p, now);
}

void sc_pmtu_on_progress(struct sc_pmtu *p)
{
    p->timeouts = 0;
}

bool sc_pmtu_on_timeout(struct sc_pmtu *p, sc_time now)
{
    if (p->size <= SC_DATAGRAM_BASE || ++p->timeouts < HOLE_TIMEOUTS)
        return false;
    p->size = SC_DATAGRAM_BASE;
    p->timeouts = 0;
    p->losses = 0;
    p->next = now + HOLE_TIMER;
    return true;
}

bool sc_pmtu_on_too_large(struct sc_pmtu *p, size_t size, sc_time now)
{
    if (size < p->refused)
        p->refused = size;
    if (size >= p->probing)
        p->probing = 0;
    bool fell = size <= p->size && p->size > SC_DATAGRAM_BASE;
    if (fell) {
        p->size = SC_DATAGRAM_BASE;
        for (size_t i = 0; i < CANDIDATES; i++)
            if (candidates[i] < size && candidates[i] <= p->limit)
                p->size = candidates[i];
    }
    search_on(p, now);
    return fell;
}
