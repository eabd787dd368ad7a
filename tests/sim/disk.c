/* A router's disk: what it was told to store, when it says so, and what it never lost. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

/* A write under way. */
struct write {
    struct sim_host *host;
    unsigned incarnation;
    uint64_t token;
    struct sc_mapping mapping;
    int error;
};

static struct sim_record_of_name **slot(struct sim_host *h, uint32_t pool)
{
    size_t size = (size_t)1 << (32 - h->config.pool_bits);
    size_t at = pool - h->config.pool_base;
    if (!h->disk.names)
        h->disk.names = calloc(size, sizeof *h->disk.names);
    if (!h->disk.names || at >= size)
        abort();
    return &h->disk.names[at];
}

/* A name that was used keeps its address; one that loses it leaves a mark. */
static void check_change(struct sim_host *h, const struct sc_mapping *was,
                         const struct sc_mapping *m)
{
    if (was->reused && !m->reused)
        sim_violation(h->sim, "disk: %x was reused, and is not any more", m->pool);
    if (strcmp(was->name, m->name) == 0)
        return;
    if (was->used)
        sim_violation(h->sim, "disk: %s was used, and loses its address to %s", was->name, m->name);
    if (!m->reused)
        sim_violation(h->sim, "disk: %s gets the address of %s without a mark", m->name, was->name);
}

static void save(struct sim_host *h, const struct sc_mapping *m)
{
    struct sim_record_of_name **at = slot(h, m->pool), *r = malloc(sizeof *r);
    if (!r)
        abort();
    if (*at)
        check_change(h, &(*at)->mapping, m);
    *r = (struct sim_record_of_name){.before = *at, .mapping = *m};
    *at = r;
}

static void answer(struct sim_host *h, uint64_t token, int error)
{
    sim_note(h->sim, h, error ? "disk: failed" : "disk: stored", token, (uint64_t)error);
    sc_stack_stored(h->stack, token, error, h->sim->now);
    sim_host_kick(h);
}

/* What was under way when the host died is written or not; nobody was told. */
static void done(struct sim *sim, void *arg, uint64_t value)
{
    struct write *w = arg;
    struct sim_host *h = w->host;
    bool lives = h->stack && h->incarnation == w->incarnation;
    (void)value;
    if (!w->error && (lives || (h->incarnation == w->incarnation && sc_rng_next(&sim->rng) & 1)))
        save(h, &w->mapping);
    if (lives)
        answer(h, w->token, w->error);
    free(w);
}

static bool fails(struct sim_host *h)
{
    return h->disk.error && sc_rng_next(&h->sim->rng) % 100 < h->disk.fail_percent;
}

/* In the order in which they were asked for. */
void sim_disk_store(struct sim_host *h, const struct sc_event *e)
{
    struct sim_disk *d = &h->disk;
    if (!d->delay && !d->error && d->busy_until <= h->sim->now) {
        save(h, &e->mapping);
        sc_stack_stored(h->stack, e->token, 0, h->sim->now);
        return;
    }
    struct write *w = malloc(sizeof *w);
    if (!w)
        abort();
    *w = (struct write){.host = h,
                        .incarnation = h->incarnation,
                        .token = e->token,
                        .mapping = e->mapping,
                        .error = fails(h) ? d->error : 0};
    d->busy_until = sc_time_max(d->busy_until, h->sim->now + d->delay);
    sim_at(h->sim, d->busy_until, done, w, UINT64_MAX); /* freed by sim_free if it never comes */
}

bool sim_disk_ever_held(struct sim_host *h, uint32_t pool, const char *name)
{
    for (struct sim_record_of_name *r = *slot(h, pool); r; r = r->before)
        if (strcmp(r->mapping.name, name) == 0)
            return true;
    return false;
}

void sim_disk_restore(struct sim_host *h)
{
    size_t size = h->disk.names ? (size_t)1 << (32 - h->config.pool_bits) : 0;
    h->disk.busy_until = 0;
    for (size_t i = 0; i < size; i++)
        if (h->disk.names[i] && sc_stack_restore_mapping(h->stack, &h->disk.names[i]->mapping))
            sim_violation(h->sim, "%s: mapping %s not taken back", h->config.host_name,
                          h->disk.names[i]->mapping.name);
}

void sim_disk_free(struct sim_host *h)
{
    size_t size = h->disk.names ? (size_t)1 << (32 - h->config.pool_bits) : 0;
    for (size_t i = 0; i < size; i++)
        for (struct sim_record_of_name *r = h->disk.names[i], *before; r; r = before) {
            before = r->before;
            free(r);
        }
    free(h->disk.names);
}
