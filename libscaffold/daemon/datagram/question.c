#include "daemon/datagram/question.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"

/* Addresses that are looked up at a time; as many as the stack asks at once. */
#define QUESTIONS_MAX SC_REQUESTS_MAX
/* Datagrams that wait for one answer: what a kernel keeps for one unresolved neighbour. */
#define WAITING_MAX 64

static void drop_waiting(struct sc_question *q, struct sc_waiting *w)
{
    sc_list_remove(&w->link);
    q->count--;
    free(w);
}

void sc_question_end(struct sc_datagrams *g, struct sc_question *q)
{
    while (!sc_list_empty(&q->waiting))
        drop_waiting(q, sc_container(sc_list_first(&q->waiting), struct sc_waiting, link));
    sc_list_remove(&q->link);
    g->question_count--;
    free(q);
}

static struct sc_question *find_question(struct sc_datagrams *g, const struct sc_question *like)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &g->questions)
    {
        struct sc_question *q = sc_container(it, struct sc_question, link);
        if (q->by == like->by && q->pool == like->pool &&
            sc_service_id_equal(&q->service, &like->service))
            return q;
    }
    return NULL;
}

static struct sc_question *ask(struct sc_daemon *d, const struct sc_question *like)
{
    struct sc_datagrams *g = &d->datagrams;
    struct sc_question *q = find_question(g, like);
    if (q || g->question_count == QUESTIONS_MAX)
        return q;
    q = calloc(1, sizeof *q);
    if (!q)
        return NULL;
    *q = *like;
    sc_list_init(&q->waiting);
    sc_list_append(&g->questions, &q->link);
    g->question_count++;
    if (sc_stack_lookup(d->stack, q->by, "", q->pool, &q->service, q, d->loop.now) < 0) {
        sc_question_end(g, q);
        return NULL;
    }
    return q;
}

struct sc_question *sc_question_find(struct sc_datagrams *g, const void *ticket)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &g->questions)
    {
        if (sc_container(it, struct sc_question, link) == ticket)
            return sc_container(it, struct sc_question, link);
    }
    return NULL;
}

void sc_question_wait(struct sc_daemon *d, const struct sc_question *like,
                      const struct sc_waiting *what, const uint8_t *data)
{
    struct sc_question *q = ask(d, like);
    struct sc_waiting *w = q && q->count < WAITING_MAX ? malloc(sizeof *w + what->len) : NULL;
    if (!w) {
        d->datagrams.counters.dropped_unresolved++;
        return;
    }
    *w = *what;
    if (what->len)
        memcpy(w->data, data, what->len);
    sc_list_append(&q->waiting, &w->link);
    q->count++;
}

void sc_questions_forget(struct sc_datagrams *g, const struct sc_endpoint *e)
{
    struct sc_list *it, *tmp, *one, *next;
    sc_list_each(it, tmp, &g->questions)
    {
        struct sc_question *q = sc_container(it, struct sc_question, link);
        sc_list_each(one, next, &q->waiting)
        {
            struct sc_waiting *w = sc_container(one, struct sc_waiting, link);
            if (w->from == e)
                drop_waiting(q, w);
        }
    }
}

void sc_questions_fini(struct sc_datagrams *g)
{
    while (!sc_list_empty(&g->questions))
        sc_question_end(g, sc_container(sc_list_first(&g->questions), struct sc_question, link));
}
