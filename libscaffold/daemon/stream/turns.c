#include "daemon/stream/turns.h"

#include "base/limits.h"
#include "daemon/stream/session_parts.h"

/* What a session may take before the next one does: two trains. */
#define SHARE (2 * SC_TRAIN_BYTES)
/* Whoever takes no more than this, a quarter of a train, is quick. */
#define LITTLE 16384
/* To run a session costs about as much as taking so many bytes. */
#define VISIT 1024

void sc_turns_init(struct sc_turns *t)
{
    *t = (struct sc_turns){0};
    sc_list_init(&t->quick);
    sc_list_init(&t->bulk);
}

void sc_turns_wait(struct sc_session *s)
{
    struct sc_turns *t = &s->daemon->turns;
    bool again = s == t->now; /* its next turn; others are to have theirs before */
    if (!s->over && sc_list_empty(&s->turn))
        sc_list_append(again || s->takes_much ? &t->bulk : &t->quick, &s->turn);
}

bool sc_turns_pending(const struct sc_turns *t)
{
    return !sc_list_empty(&t->quick) || !sc_list_empty(&t->bulk);
}

static void take(size_t *from, size_t len)
{
    *from -= len < *from ? len : *from;
}

void sc_turns_begin(struct sc_turns *t)
{
    t->left = SC_SEND_AHEAD;
}

static void end_turn(struct sc_turns *t)
{
    size_t took = SHARE - t->share;
    if (t->now)
        t->now->takes_much = took > LITTLE;
    if (t->now && t->in_bulk)
        take(&t->left, VISIT + took);
    t->now = NULL;
    t->share = 0;
}

struct sc_session *sc_turns_next(struct sc_turns *t)
{
    struct sc_list *first = sc_list_first(&t->quick);
    end_turn(t);
    t->in_bulk = !first;
    if (!first && t->left >= SHARE)
        first = sc_list_first(&t->bulk);
    if (!first)
        return NULL;
    sc_list_remove(first);
    t->now = sc_container(first, struct sc_session, turn);
    t->share = SHARE;
    return t->now;
}

void sc_turns_took(struct sc_turns *t, size_t len)
{
    take(&t->share, len);
}
