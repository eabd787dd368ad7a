#include <stdlib.h>
#include <string.h>

#include "sim.h"

struct sim_link *sim_link_new(struct sim *sim, const struct sim_link_config *config)
{
    struct sim_link *link = calloc(1, sizeof *link);
    if (!link)
        abort();
    link->sim = sim;
    if (config)
        link->config = *config;
    sc_rng_seed(&link->rng, sc_rng_next(&sim->rng));
    link->all = sim->links;
    sim->links = link;
    return link;
}

static bool chance(struct sim_link *link, double p)
{
    return p > 0 && sc_rng_unit(&link->rng) < p;
}

/* Gilbert's model: once in a burst, each packet is lost until the burst ends. */
static bool lost_in_burst(struct sim_link *link)
{
    const struct sim_link_config *c = &link->config;
    if (c->burst <= 0)
        return false;
    if (link->in_burst)
        link->in_burst = !chance(link, 1 / c->burst_len);
    else
        link->in_burst = chance(link, c->burst);
    return link->in_burst;
}

/* Returns false when the checksum drops the packet; true when the change went through. */
static bool corrupt(struct sim_link *link, struct sim_packet *p)
{
    if (!chance(link, link->config.corrupt_header) || p->len < SC_HEADER_LEN)
        return false;
    uint64_t bit = sc_rng_below(&link->rng, 8 * SC_HEADER_LEN);
    p->data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    return true;
}

static void drop(struct sim_link *link, struct sim_packet *p, enum sim_verdict why)
{
    link->dropped++;
    sim_note_packet(link->sim, p, why);
    free(p);
}

/* The other end of a link; the event's value UINT64_MAX marks its argument as a packet. */
static void arrive(struct sim *sim, void *arg, uint64_t value)
{
    struct sim_packet *p = arg;
    (void)sim;
    (void)value;
    if (p->hop < SIM_ROUTE && p->route[p->hop])
        sim_link_send(p->route[p->hop++], p);
    else
        sim_host_deliver(p->target, p);
}

static uint64_t queued_bytes(const struct sim_link *link)
{
    uint64_t now_ns = link->sim->now * 1000;
    if (!link->config.rate || link->free_ns <= now_ns)
        return 0;
    return (uint64_t)((double)(link->free_ns - now_ns) * (double)link->config.rate / 8e9);
}

/* When the last bit leaves. */
static uint64_t departure_ns(struct sim_link *link, size_t bytes)
{
    uint64_t now_ns = link->sim->now * 1000;
    if (!link->config.rate)
        return now_ns;
    uint64_t start = link->free_ns > now_ns ? link->free_ns : now_ns;
    link->free_ns = start + (uint64_t)((double)bytes * 8e9 / (double)link->config.rate);
    return link->free_ns;
}

static void enqueue(struct sim_link *link, struct sim_packet *p)
{
    const struct sim_link_config *c = &link->config;
    size_t bytes = p->len + SIM_IP_UDP;
    uint64_t queued = queued_bytes(link);
    if (c->queue && queued + bytes > c->queue) {
        drop(link, p, SIM_QUEUE_FULL);
        return;
    }
    if (queued + bytes > link->max_queued)
        link->max_queued = (size_t)queued + bytes;
    if (c->mark && queued > c->mark && p->ecn != 0)
        p->ecn = 3;
    if (p->len > link->largest)
        link->largest = p->len;
    sc_time at = (departure_ns(link, bytes) + 999) / 1000 + c->delay;
    if (c->jitter)
        at += sc_rng_below(&link->rng, c->jitter + 1);
    if (chance(link, c->reorder)) {
        at += 1 + sc_rng_below(&link->rng, c->reorder_by + 1);
    } else {
        at = sc_time_max(at, link->last_arrival);
        link->last_arrival = at;
    }
    sim_at(link->sim, at, arrive, p, UINT64_MAX);
}

static struct sim_packet *copy(const struct sim_packet *p)
{
    struct sim_packet *twin = malloc(sizeof *twin + p->len);
    if (!twin)
        abort();
    memcpy(twin, p, sizeof *twin + p->len);
    return twin;
}

void sim_link_send(struct sim_link *link, struct sim_packet *p)
{
    const struct sim_link_config *c = &link->config;
    link->packets++;
    link->bytes += p->len + SIM_IP_UDP;
    if (c->cut) {
        drop(link, p, SIM_CUT);
        return;
    }
    if (c->mtu && p->len + SIM_IP_UDP > c->mtu) {
        drop(link, p, SIM_TOO_LARGE);
        return;
    }
    if (chance(link, c->loss) || lost_in_burst(link)) {
        drop(link, p, SIM_LOST);
        return;
    }
    if (chance(link, c->corrupt)) {
        if (!corrupt(link, p)) {
            drop(link, p, SIM_CORRUPTED);
            return;
        }
        sim_note_packet(link->sim, p, SIM_CORRUPTED);
    }
    if (chance(link, c->duplicate)) {
        sim_note_packet(link->sim, p, SIM_DUPLICATED);
        enqueue(link, copy(p));
    }
    enqueue(link, p);
}
