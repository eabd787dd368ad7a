/* The first three packets. The client sends OPEN by ServiceID and repeats it inside an attempt; an
 * attempt that stays silent is followed by the next, which may lead to another instance, until the
 * deadline. The instance answers directly; the client's third packet opens the server's flow. */
#include "transport/open.h"

#include <errno.h>
#include <string.h>

#include "transport/close.h"
#include "transport/flow_impl.h"
#include "transport/train.h"

/* The third packet waits for data to travel with, for this part of a round trip, and no longer than
 * that: most clients speak first, and the flow of one that does not is seen by its server a bit
 * later. */
#define CONFIRM_WAIT_PART 8
#define CONFIRM_WAIT_MAX (1 * SC_MS)

/* A server may change its cookie's secret, or we its address; more often than this is a loop. */
#define RETRIES_MAX 4

static void init(struct sc_flow *f, const struct sc_flow_env *env, uint32_t id, sc_time now)
{
    *f = (struct sc_flow){.env = env, .id = id, .last_heard = now};
    sc_send_init(&f->send, env->blocks);
    sc_recv_init(&f->recv, env->blocks, now);
    sc_ack_init(&f->ack);
    sc_recovery_init(&f->recovery);
    sc_path_init(&f->path, env->congestion, env->rng, env->datagram_limit, now);
    f->urgent_sent = true;
    f->aborting.again_at = SC_NEVER;
}

/* --- client ----------------------------------------------------------------------------------- */

static void begin_attempt(struct sc_flow *f, sc_time now)
{
    f->opening.attempt_at = now;
    f->opening.interval = SC_OPEN_RETRANSMIT;
    f->opening.retransmit_at = SC_NEVER;
    f->opening.retries = 0;
    f->opening.want_send = true;
}

static void next_attempt(struct sc_flow *f, sc_time now)
{
    if (f->opening.attempt < UINT8_MAX)
        f->opening.attempt++;
    begin_attempt(f, now);
}

void sc_flow_init_client(struct sc_flow *f, const struct sc_flow_env *env, uint32_t id,
                         const struct sc_service_id *service, uint16_t own_port, sc_time timeout,
                         sc_time now)
{
    init(f, env, id, now);
    f->state = SC_FLOW_OPENING;
    f->is_client = true;
    f->service = *service;
    f->own_port = own_port;
    f->open_id = sc_rng_next(env->rng);
    f->opening.started = now;
    f->opening.deadline = now + (timeout ? timeout : SC_OPEN_TIMEOUT);
    begin_attempt(f, now);
}

static void describe_open(const struct sc_flow *f, struct sc_open *p)
{
    *p = (struct sc_open){.src = f->env->address,
                          .src_flow = f->id,
                          .open_id = f->open_id,
                          .service = f->service,
                          .attempt = f->opening.attempt,
                          .src_pool = f->env->pool,
                          .src_port = f->own_port,
                          .exclude_count = f->opening.exclude_count,
                          .cookie = {f->opening.cookie, f->opening.cookie_len}};
    memcpy(p->exclude, f->opening.exclude, sizeof p->exclude);
}

static bool produce_open(struct sc_flow *f, struct sc_train *t, sc_time now)
{
    struct sc_header h = {
        .version = SC_WIRE_VERSION, .type = SC_PKT_OPEN, .hop_limit = SC_HOP_LIMIT};
    struct sc_open p;
    describe_open(f, &p);
    struct sc_writer w;
    sc_train_add(t, f, SC_PKT_OPEN, &w);
    sc_open_write(&w, &h, &p);
    if (sc_writer_len(&w) < SC_OPEN_LEN)
        sc_write_zeros(&w, SC_OPEN_LEN - sc_writer_len(&w));
    t->dst = 0;
    sc_train_written(t, &w);
    f->opening.want_send = false;
    f->opening.sent++;
    f->opening.sent_at = now;
    f->opening.retransmit_at = now + f->opening.interval;
    f->opening.interval = sc_time_min(2 * f->opening.interval, SC_OPEN_RETRANSMIT_MAX);
    return true;
}

bool sc_flow_answer_is_stray(const struct sc_flow *f, const struct sc_answer *a)
{
    if (!f->is_client || a->open_id != f->open_id || f->state == SC_FLOW_OPENING)
        return false;
    return a->src != f->peer_address || a->src_flow != f->peer_id;
}

/* A first transmission that was answered measures the round trip (Karn: no other does). */
static void sample_rtt(struct sc_flow *f, sc_time now)
{
    if (f->opening.sent == 1)
        sc_path_on_answer(&f->path, now - f->opening.sent_at, now);
}

static void learn_peer(struct sc_flow *f, const struct sc_answer *a)
{
    f->peer_address = a->src;
    f->peer_id = a->src_flow;
    f->peer_pool = a->src_pool;
    f->peer_epoch = a->epoch;
    memcpy(f->peer_token, a->token, SC_TOKEN_LEN);
    sc_send_on_window(&f->send, a->window);
}

/* Repeated, it is at once: ours was lost. */
static void want_confirm(struct sc_flow *f, bool again, sc_time now)
{
    const struct sc_rtt *rtt = &f->path.rtt;
    sc_time wait = again || !rtt->sampled ? 0 : rtt->smoothed / CONFIRM_WAIT_PART;
    f->opening.want_confirm = true;
    f->opening.confirm_at = now + sc_time_min(wait, CONFIRM_WAIT_MAX);
}

void sc_flow_on_answer(struct sc_flow *f, const struct sc_answer *a, sc_time now)
{
    if (!f->is_client || a->open_id != f->open_id)
        return;
    if (f->state == SC_FLOW_OPENING && sc_service_id_equal(&a->service, &f->service)) {
        learn_peer(f, a);
        sample_rtt(f, now);
        f->last_heard = now;
        f->opening.confirming = true;
        want_confirm(f, false, now);
        sc_flow_change_state(f, SC_FLOW_OPEN, now);
    } else if (f->state == SC_FLOW_OPEN && f->opening.confirming && a->src == f->peer_address &&
               a->src_flow == f->peer_id) {
        want_confirm(f, true, now);
    }
}

static bool is_excluded(const struct sc_flow *f, uint64_t host)
{
    for (size_t i = 0; i < f->opening.exclude_count; i++)
        if (f->opening.exclude[i] == host)
            return true;
    return false;
}

/* One instance does not take it: look for another at once. */
static void exclude(struct sc_flow *f, uint64_t host, sc_time now)
{
    f->opening.refused_any = true;
    if (is_excluded(f, host))
        return; /* a duplicate, or a router that did not listen: the timer goes on */
    if (f->opening.exclude_count == SC_OPEN_EXCLUDE) {
        sc_close_silently(f, ECONNREFUSED, now);
        return;
    }
    f->opening.exclude[f->opening.exclude_count++] = host;
    f->opening.cookie_len = 0; /* it was that instance's */
    next_attempt(f, now);
}

static int errno_of(uint8_t refusal)
{
    switch (refusal) {
    case SC_REFUSE_NOT_ALLOWED:
        return EACCES;
    case SC_REFUSE_NO_ROUTE:
        return ENETUNREACH;
    default:
        return ECONNREFUSED;
    }
}

void sc_flow_on_refuse(struct sc_flow *f, const struct sc_refuse *p, sc_time now)
{
    if (f->state != SC_FLOW_OPENING || p->open_id != f->open_id)
        return;
    bool elsewhere = p->refusal == SC_REFUSE_INSTANCE || p->refusal == SC_REFUSE_NO_INSTANCE;
    if (p->src != 0 && elsewhere)
        exclude(f, p->src, now);
    else
        sc_close_silently(f, errno_of(p->refusal), now);
}

void sc_flow_on_retry(struct sc_flow *f, const struct sc_retry *p, sc_time now)
{
    (void)now;
    if (f->state != SC_FLOW_OPENING || p->open_id != f->open_id ||
        p->cookie.len > sizeof f->opening.cookie || f->opening.retries >= RETRIES_MAX)
        return;
    f->opening.retries++;
    if (p->cookie.len > 0)
        memcpy(f->opening.cookie, p->cookie.data, p->cookie.len);
    f->opening.cookie_len = p->cookie.len;
    f->opening.want_send = true;
}

/* --- server ----------------------------------------------------------------------------------- */

void sc_flow_init_server(struct sc_flow *f, const struct sc_flow_env *env, uint32_t id,
                         const struct sc_open *open, const uint8_t token[SC_TOKEN_LEN], sc_time now)
{
    init(f, env, id, now);
    f->state = SC_FLOW_ANSWERED;
    f->peer_address = open->src;
    f->peer_id = open->src_flow;
    f->peer_pool = open->src_pool;
    f->peer_port = open->src_port;
    f->open_id = open->open_id;
    f->service = open->service;
    memcpy(f->own_token, token, SC_TOKEN_LEN);
    f->answered_at = now;
    f->want_answer = true;
}

void sc_flow_on_open(struct sc_flow *f, const struct sc_open *p, sc_time now)
{
    if (f->state != SC_FLOW_ANSWERED || p->open_id != f->open_id)
        return;
    f->answered_at = now;
    f->want_answer = true;
}

static bool produce_answer(struct sc_flow *f, struct sc_train *t, sc_time now)
{
    struct sc_header h = {.version = SC_WIRE_VERSION,
                          .type = SC_PKT_ANSWER,
                          .hop_limit = SC_HOP_LIMIT,
                          .dst = f->peer_address,
                          .flow = f->peer_id};
    struct sc_answer a = {.src = f->env->address,
                          .src_flow = f->id,
                          .open_id = f->open_id,
                          .service = f->service,
                          .src_pool = f->env->pool,
                          .window = f->recv.limit,
                          .epoch = f->env->epoch};
    memcpy(a.token, f->own_token, SC_TOKEN_LEN);
    struct sc_writer w;
    sc_train_add(t, f, SC_PKT_ANSWER, &w);
    sc_answer_write(&w, &h, &a);
    sc_train_written(t, &w);
    f->want_answer = false;
    f->opening.sent++;
    f->opening.sent_at = now;
    return true;
}

static void open_server(struct sc_flow *f, const struct sc_confirm *c, sc_time now)
{
    f->peer_epoch = c->epoch;
    memcpy(f->peer_token, c->token, SC_TOKEN_LEN);
    sample_rtt(f, now);
    sc_flow_change_state(f, SC_FLOW_OPEN, now);
}

bool sc_open_on_confirm(struct sc_flow *f, const struct sc_confirm *c, sc_time now)
{
    if (f->is_client || c->open_id != f->open_id || c->src != f->peer_address)
        return false;
    if (f->state == SC_FLOW_ANSWERED)
        open_server(f, c, now);
    if (f->state == SC_FLOW_OPEN)
        sc_send_on_window(&f->send, c->window);
    return true;
}

/* --- both ------------------------------------------------------------------------------------- */

bool sc_open_wants_send(const struct sc_flow *f)
{
    return f->state == SC_FLOW_OPENING ? f->opening.want_send : f->want_answer;
}

bool sc_open_produce(struct sc_flow *f, struct sc_train *t, sc_time now)
{
    if (!sc_open_wants_send(f))
        return false;
    return f->state == SC_FLOW_OPENING ? produce_open(f, t, now) : produce_answer(f, t, now);
}

sc_time sc_open_deadline(const struct sc_flow *f)
{
    if (f->state == SC_FLOW_ANSWERED)
        return f->answered_at + SC_HALF_OPEN_TIMEOUT;
    sc_time at = sc_time_min(f->opening.attempt_at + SC_OPEN_ATTEMPT, f->opening.deadline);
    return sc_time_min(at, f->opening.retransmit_at);
}

void sc_open_on_timer(struct sc_flow *f, sc_time now)
{
    if (now < sc_open_deadline(f))
        return;
    if (f->state == SC_FLOW_ANSWERED)
        sc_flow_change_state(f, SC_FLOW_DEAD, now);
    else if (now >= f->opening.deadline)
        sc_close_silently(f, f->opening.refused_any ? ECONNREFUSED : ETIMEDOUT, now);
    else if (now >= f->opening.attempt_at + SC_OPEN_ATTEMPT)
        next_attempt(f, now);
    else {
        f->opening.retransmit_at = SC_NEVER;
        f->opening.want_send = true;
    }
}
