#include "stack/assembly.h"

#include <stdlib.h>
#include <string.h>

/* Pieces of one datagram that are apart: of 65,507 bytes in fragments of 1,000 or more at most half
 * as many as there are fragments. */
#define HOLES_MAX 33

static void on_due(void *part, struct sc_due *d, sc_time now);

void sc_assembly_init(struct sc_assemblies *all, struct sc_node *node)
{
    all->node = node;
    sc_list_init(&all->waiting);
    sc_due_init(&all->due, on_due, all);
}

static void forget(struct sc_assemblies *all, struct sc_assembly *a)
{
    sc_list_remove(&a->link);
    all->count--;
    sc_ranges_fini(&a->has);
    free(a->notice);
    free(a);
}

static struct sc_assembly *oldest(struct sc_assemblies *all)
{
    struct sc_list *first = sc_list_first(&all->waiting);
    return first ? sc_container(first, struct sc_assembly, link) : NULL;
}

void sc_assembly_fini(struct sc_assemblies *all)
{
    while (!sc_list_empty(&all->waiting))
        forget(all, oldest(all));
}

static void drop(struct sc_assemblies *all, struct sc_assembly *a)
{
    all->node->counters.dropped_incomplete++;
    forget(all, a);
}

static void arm(struct sc_assemblies *all)
{
    const struct sc_assembly *a = oldest(all);
    sc_dues_arm(&all->node->dues, &all->due, a ? a->until : SC_NEVER);
}

static void on_due(void *part, struct sc_due *d, sc_time now)
{
    struct sc_assemblies *all = part;
    (void)d;
    struct sc_assembly *a;
    while ((a = oldest(all)) != NULL && a->until <= now)
        drop(all, a);
    arm(all);
}

/* The one that the fragment belongs to. Counts those of its sender, and finds its oldest. */
static struct sc_assembly *find(struct sc_assemblies *all, const struct sc_datagram *g,
                                size_t *of_host, struct sc_assembly **oldest_of_host)
{
    struct sc_list *it, *tmp;
    *of_host = 0;
    *oldest_of_host = NULL;
    sc_list_each(it, tmp, &all->waiting)
    {
        struct sc_assembly *a = sc_container(it, struct sc_assembly, link);
        if (a->src != g->from_host)
            continue;
        if (a->id == g->id)
            return a;
        if ((*of_host)++ == 0)
            *oldest_of_host = a;
    }
    return NULL;
}

static struct sc_assembly *start(struct sc_assemblies *all, const struct sc_datagram *g,
                                 size_t total, sc_time now)
{
    struct sc_assembly *a = calloc(1, sizeof *a);
    struct sc_notice *n = a ? sc_notices_new(&all->node->notices, SC_EVENT_DATAGRAM, total) : NULL;
    if (!n) {
        free(a);
        return NULL;
    }
    n->event.datagram = *g;
    n->event.datagram.data = n->data;
    n->event.datagram.len = total;
    a->notice = n;
    a->src = g->from_host;
    a->id = g->id;
    a->until = now + SC_ASSEMBLY_TIMEOUT;
    sc_ranges_init(&a->has, HOLES_MAX);
    sc_list_append(&all->waiting, &a->link);
    all->count++;
    arm(all);
    return a;
}

/* An old one makes room: its missing fragments are the least likely to come. */
static struct sc_assembly *find_or_start(struct sc_assemblies *all, const struct sc_datagram *g,
                                         size_t total, sc_time now)
{
    size_t of_host;
    struct sc_assembly *last;
    struct sc_assembly *a = find(all, g, &of_host, &last);
    if (a)
        return a;
    if (of_host >= SC_ASSEMBLIES_PER_HOST)
        drop(all, last);
    else if (all->count >= SC_ASSEMBLIES_MAX)
        drop(all, oldest(all));
    return start(all, g, total, now);
}

void sc_assembly_add(struct sc_assemblies *all, const struct sc_datagram *g,
                     const struct sc_fragment *p, sc_time now)
{
    struct sc_assembly *a = find_or_start(all, g, p->total, now);
    if (!a)
        return;
    size_t end = p->offset + p->data.len;
    if (a->notice->len != p->total || sc_ranges_add(&a->has, p->offset, end) < 0) {
        drop(all, a); /* fragments that contradict each other */
        return;
    }
    memcpy(a->notice->data + p->offset, p->data.data, p->data.len);
    if (!sc_ranges_contain(&a->has, 0, p->total))
        return;
    sc_notices_post(&all->node->notices, a->notice);
    a->notice = NULL;
    forget(all, a);
    arm(all);
}
