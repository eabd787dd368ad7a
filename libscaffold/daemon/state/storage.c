#include "daemon/state/storage.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* A disk that does not answer for so long when scaffoldd is to end is not waited for. */
#define STOP_SECONDS 5

/* --- the thread ------------------------------------------------------------------------------- */

static bool is_empty(const struct sc_storage_batch *b)
{
    return b->count + b->pin_count + b->grant_count + b->invitation_count == 0;
}

/* What has gathered; NULL when it is time to end and nothing is left. */
static struct sc_storage_batch *next_batch(struct sc_storage *s)
{
    pthread_mutex_lock(&s->lock);
    while (is_empty(s->gathering) && !s->stopping)
        pthread_cond_wait(&s->work, &s->lock);
    struct sc_storage_batch *b = s->gathering;
    s->gathering = s->writing;
    s->writing = b;
    pthread_mutex_unlock(&s->lock);
    return is_empty(b) ? NULL : b;
}

static void answer(struct sc_storage *s, uint64_t token, int error, const char *why)
{
    pthread_mutex_lock(&s->lock);
    s->result[s->result_count++] = (struct sc_storage_result){token, error};
    if (error)
        memcpy(s->why, why, sizeof s->why);
    pthread_mutex_unlock(&s->lock);
}

static int keep(struct sc_storage *s, const struct sc_mapping *m, size_t count, char why[512])
{
    int err = sc_state_keep(s->state, m, count);
    if (err < 0)
        sc_state_explain(s->state, err, why, 512);
    return -err;
}

/* All at once; where one of them contradicts what is kept, each by itself, so that the others do
 * not suffer for it. */
static void write_batch(struct sc_storage *s, struct sc_storage_batch *b)
{
    char why[512] = "";
    for (size_t i = 0; i < b->invitation_count; i++)
        if (sc_state_invite(s->state, &b->invitation[i]) < 0) /* it is good until the next start */
            break;
    b->invitation_count = 0;
    int error = b->count ? keep(s, b->mapping, b->count, why) : 0;
    for (size_t i = 0; i < b->count; i++) {
        if (error == EEXIST)
            answer(s, b->token[i], keep(s, &b->mapping[i], 1, why), why);
        else
            answer(s, b->token[i], error, why);
    }
    b->count = 0;
}

/* What is learnt anew after the next start where the disk does not take it. */
static void write_learnt(struct sc_storage *s, struct sc_storage_batch *b)
{
    for (size_t i = 0; i < b->pin_count; i++)
        if (sc_state_pin(s->state, &b->pin[i]) < 0)
            break;
    for (size_t i = 0; i < b->grant_count; i++)
        if (sc_state_grant(s->state, &b->grant[i]) < 0)
            break;
    b->pin_count = b->grant_count = 0;
}

static void tell(struct sc_storage *s)
{
    uint64_t one = 1;
    while (write(s->ready, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

static void *run(void *arg)
{
    struct sc_storage *s = arg;
    struct sc_storage_batch *b;
    while ((b = next_batch(s)) != NULL) {
        write_batch(s, b);
        write_learnt(s, b);
        tell(s);
    }
    return NULL;
}

/* --- the loop's side -------------------------------------------------------------------------- */

static int start_thread(struct sc_storage *s)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = pthread_create(&s->thread, NULL, run, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -err;
}

int sc_storage_start(struct sc_storage *s, struct sc_state *state)
{
    s->state = state;
    s->gathering = &s->batch[0];
    s->writing = &s->batch[1];
    s->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->ready < 0)
        return -errno;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->work, NULL);
    int err = start_thread(s);
    s->running = err == 0;
    return err;
}

static bool join_thread(struct sc_storage *s)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STOP_SECONDS;
    return pthread_timedjoin_np(s->thread, NULL, &until) == 0;
}

bool sc_storage_stop(struct sc_storage *s)
{
    if (!s->running)
        return true;
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_signal(&s->work);
    pthread_mutex_unlock(&s->lock);
    if (!join_thread(s))
        return false;
    s->running = false;
    close(s->ready);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->work);
    return true;
}

void sc_storage_put(struct sc_storage *s, uint64_t token, const struct sc_mapping *m)
{
    pthread_mutex_lock(&s->lock);
    struct sc_storage_batch *b = s->gathering;
    assert(b->count < SC_CHANGES_MAX);
    b->token[b->count] = token;
    b->mapping[b->count++] = *m;
    pthread_cond_signal(&s->work);
    pthread_mutex_unlock(&s->lock);
}

void sc_storage_pin(struct sc_storage *s, const struct sc_pin *pin)
{
    pthread_mutex_lock(&s->lock);
    struct sc_storage_batch *b = s->gathering;
    if (b->pin_count < SC_PINS_WAITING)
        b->pin[b->pin_count++] = *pin;
    pthread_cond_signal(&s->work);
    pthread_mutex_unlock(&s->lock);
}

void sc_storage_grant(struct sc_storage *s, const struct sc_kept_grant *grant)
{
    pthread_mutex_lock(&s->lock);
    struct sc_storage_batch *b = s->gathering;
    if (b->grant_count < SC_GRANTS_WAITING)
        b->grant[b->grant_count++] = *grant;
    pthread_cond_signal(&s->work);
    pthread_mutex_unlock(&s->lock);
}

void sc_storage_invite(struct sc_storage *s, const struct sc_invitation *one)
{
    pthread_mutex_lock(&s->lock);
    struct sc_storage_batch *b = s->gathering;
    if (b->invitation_count < SC_INVITATIONS_MAX)
        b->invitation[b->invitation_count++] = *one;
    pthread_cond_signal(&s->work);
    pthread_mutex_unlock(&s->lock);
}

size_t sc_storage_take(struct sc_storage *s, struct sc_storage_result out[SC_CHANGES_MAX],
                       char why[512])
{
    uint64_t count;
    while (read(s->ready, &count, sizeof count) < 0 && errno == EINTR)
        ;
    pthread_mutex_lock(&s->lock);
    size_t n = s->result_count;
    memcpy(out, s->result, n * sizeof *out);
    memcpy(why, s->why, sizeof s->why);
    s->result_count = 0;
    pthread_mutex_unlock(&s->lock);
    return n;
}
