#include "stack/internal.h"

#include <stdlib.h>

/* Pieces of one datagram that are apart: of 65,507 bytes in fragments of 1,000 or more at most half
 * as many as there are fragments. */
#define HOLES_MAX 33

static void on_due(struct sc_stack *s, struct sc_due *d, sc_time now);

void sc_assembly_init(struct sc_stack *s)
{
    sc_list_init(&s->datagrams.assemblies);
    sc_timer_init(&s->datagrams.due.timer);
    s->datagrams.due.fire = on_due;
}

static void forget(struct sc_stack *s, struct sc_assembly *a)
{
    sc_list_remove(&a->link);
    s->datagrams.assembly_count--;
    sc_ranges_fini(&a->has);
    free(a->notice);
    free(a);
}

static struct sc_assembly *oldest(struct sc_stack *s)
{
    struct sc_list *all = &s->datagrams.assemblies;
    return sc_list_empty(all) ? NULL : sc_container(sc_list_first(all), struct sc_assembly, link);
}

void sc_assembly_fini(struct sc_stack *s)
{
    while (!sc_list_empty(&s->datagrams.assemblies))
        forget(s, oldest(s));
}

static void drop(struct sc_stack *s, struct sc_assembly *a)
{
    s->counters.dropped_incomplete++;
    forget(s, a);
}

static void arm(struct sc_stack *s)
{
    const struct sc_assembly *a = oldest(s);
    sc_stack_arm(s, &s->datagrams.due, a ? a->until : SC_NEVER);
}

static void on_due(struct sc_stack *s, struct sc_due *d, sc_time now)
{
    (void)d;
    struct sc_assembly *a;
    while ((a = oldest(s)) != NULL && a->until <= now)
        drop(s, a);
    arm(s);
}

/* The one that the fragment belongs to. Counts those of its sender, and finds its oldest. */
static struct sc_assembly *find(struct sc_stack *s, const struct sc_datagram *g, size_t *of_host,
                                struct sc_assembly **oldest_of_host)
{
    struct sc_list *it, *tmp;
    *of_host = 0;
    *oldest_of_host = NULL;
    sc_list_each(it, tmp, &s->datagrams.assemblies)
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

static struct sc_assembly *start(struct sc_stack *s, const struct sc_datagram *g, size_t total,
                                 sc_time now)
{
    struct sc_event e = {.type = SC_EVENT_DATAGRAM, .datagram = *g};
    struct sc_assembly *a = calloc(1, sizeof *a);
    struct sc_notice *n = a ? sc_stack_notice_new(s, &e, total) : NULL;
    if (!n) {
        free(a);
        return NULL;
    }
    n->event.datagram.data = n->data;
    n->event.datagram.len = total;
    a->notice = n;
    a->src = g->from_host;
    a->id = g->id;
    a->until = now + SC_ASSEMBLY_TIMEOUT;
    sc_ranges_init(&a->has, HOLES_MAX);
    sc_list_append(&s->datagrams.assemblies, &a->link);
    s->datagrams.assembly_count++;
    arm(s);
    return a;
}

/* An old one makes room: its missing fragments are the least likely to come. */
static struct sc_assembly *find_or_start(struct sc_stack *s, const struct sc_datagram *g,
                                         size_t total, sc_time now)
{
    size_t of_host;
    struct sc_assembly *last;
    struct sc_assembly *a = find(s, g, &of_host, &last);
    if (a)
        return a;
    if (of_host >= SC_ASSEMBLIES_PER_HOST)
        drop(s, last);
    else if (s->datagrams.assembly_count >= SC_ASSEMBLIES_MAX)
        drop(s, oldest(s));
    return start(s, g, total, now);
}

void sc_assembly_add(struct sc_stack *s, const struct sc_datagram *g, const struct sc_fragment *p,
                     sc_time now)
{
    struct sc_assembly *a = find_or_start(s, g, p->total, now);
    if (!a)
        return;
    size_t end = p->offset + p->data.len;
    if (a->notice->len != p->total || sc_ranges_add(&a->has, p->offset, end) < 0) {
        drop(s, a); /* fragments that contradict each other */
        return;
    }
    memcpy(a->notice->data + p->offset, p->data.data, p->data.len);
    if (!sc_ranges_contain(&a->has, 0, p->total))
        return;
    sc_stack_post(s, a->notice);
    a->notice = NULL;
    forget(s, a);
    arm(s);
}
