#include "client/process/fork_gate.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

#include "client/process/kernel.h"
#include "client/process/owner.h"

/* Inside is over in microseconds. Whoever is there for so long was stopped, or has ended there with
 * a process that shares this memory, and nobody else can wait for that. */
#define PATIENCE_SECONDS 10

/* Raised by what a thread does itself: one that is blocked ends the process. */
#define BIT(number) (1ull << ((number)-1))
#define OWN_DOING                                                                                  \
    (BIT(SIGSEGV) | BIT(SIGBUS) | BIT(SIGILL) | BIT(SIGFPE) | BIT(SIGTRAP) | BIT(SIGSYS))

static uint32_t inside;  /* threads that are */
static uint32_t waiting; /* threads that want to be; forks let them in first, or might never */
static uint32_t forking; /* forks under way */

static __thread unsigned depth __attribute__((tls_model("initial-exec")));
static __thread unsigned forks __attribute__((tls_model("initial-exec")));

static uint32_t value(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static void add(uint32_t *word, int n)
{
    __atomic_fetch_add(word, (uint32_t)n, __ATOMIC_SEQ_CST);
}

static void wake(uint32_t *word)
{
    sc_kernel(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/* Until the word is no more than `most`. False: that took too long. */
static bool await(uint32_t *word, uint32_t most)
{
    const struct timespec patience = {.tv_sec = PATIENCE_SECONDS};
    uint32_t now;
    while ((now = value(word)) > most)
        if (sc_kernel(SYS_futex, word, FUTEX_WAIT_PRIVATE, now, &patience, NULL, 0) < 0 &&
            errno == ETIMEDOUT)
            return false;
    return true;
}

/* --- inside -----------------------------------------------------------------------------------*/

/* No handler can fork, jump away or take its time inside. */
static void block_signals(struct sc_fork_gate *g)
{
    uint64_t all = ~OWN_DOING;
    g->blocked =
        sc_kernel(SYS_rt_sigprocmask, SIG_BLOCK, &all, &g->signals, sizeof g->signals) == 0;
}

static void restore_signals(const struct sc_fork_gate *g)
{
    if (g->blocked)
        sc_kernel(SYS_rt_sigprocmask, SIG_SETMASK, &g->signals, NULL, sizeof g->signals);
}

static void go_out(void)
{
    add(&inside, -1);
    if (value(&forking) > 0)
        wake(&inside);
}

static bool go_in(void)
{
    add(&inside, 1);
    if (value(&forking) == 0)
        return true;
    go_out();
    return false;
}

static void wait_for_turn(void)
{
    bool in = false;
    add(&waiting, 1);
    while (!in && await(&forking, 0))
        in = go_in();
    if (!in)
        add(&inside, 1);
    add(&waiting, -1);
    wake(&waiting);
}

void sc_fork_gate_enter(struct sc_fork_gate *g)
{
    int kept = errno;
    block_signals(g);
    g->counted = !sc_is_vfork_child();
    if (g->counted && depth++ == 0 && !go_in())
        wait_for_turn();
    errno = kept;
}

void sc_fork_gate_leave(const struct sc_fork_gate *g)
{
    int kept = errno;
    if (g->counted && --depth == 0)
        go_out();
    restore_signals(g);
    errno = kept;
}

/* --- forks ------------------------------------------------------------------------------------*/

/* No system call as long as nobody is at the gate: programs that touch no service fork as ever. A
 * fork from a handler of the few signals that come inside does not wait for its own thread. */
void sc_fork_begin(void)
{
    int kept = errno;
    if (depth == 0 && forks == 0)
        await(&waiting, 0);
    forks++;
    add(&forking, 1);
    await(&inside, depth > 0);
    errno = kept;
}

void sc_fork_end(void)
{
    int kept = errno;
    forks--;
    add(&forking, -1);
    if (value(&waiting) > 0)
        wake(&forking);
    errno = kept;
}

/* Here is one thread, this one. */
void sc_fork_end_in_child(void)
{
    sc_owner_take_over();
    forks--;
    __atomic_store_n(&waiting, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&forking, forks, __ATOMIC_SEQ_CST);
    __atomic_store_n(&inside, depth > 0, __ATOMIC_SEQ_CST);
}

__attribute__((constructor(104))) static void watch_forks(void)
{
    pthread_atfork(sc_fork_begin, sc_fork_end, sc_fork_end_in_child);
}
