#include "daemon/control/status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/control/status_rows.h"

/* What a slice may cost, in buckets that are looked into: a row costs as much as ROW of them, a
 * program's name that has to be read as NAME. */
#define ROW 32
#define NAME 256
#define SLICE (SC_STATUS_SLICE_ROWS * ROW)
/* Bytes that are prepared ahead of the reader: what a pipe holds. */
#define AHEAD 65536

/* What is told, in this order. */
enum part {
    HEAD,
    HOSTS,
    INSTANCES,
    BOUND,
    SESSIONS,
    LOCALS,
    ENDPOINTS,
    PINS,
    GRANTS,
    END,
    NOTHING
};

struct job {
    struct sc_list link;  /* of all */
    struct sc_list ready; /* of those that can go on; empty: waits for the reader */
    struct sc_daemon *daemon;
    struct sc_share share;
    struct sc_watch pipe;
    struct sc_alarm patience;
    enum part part;
    size_t cursor; /* inside the part */
    unsigned buckets;
    struct sc_rows rows;
    size_t written; /* of the rows' text */
};

/* --- life ------------------------------------------------------------------------------------- */

static void end_job(struct job *j)
{
    struct sc_daemon *d = j->daemon;
    int fd = j->pipe.fd;
    d->status.cut_off += j->part != NOTHING || j->written < j->rows.len;
    sc_loop_alarm(&d->loop, &j->patience, SC_NEVER);
    sc_loop_unwatch(&d->loop, &j->pipe);
    close(fd);
    sc_list_remove(&j->link);
    sc_list_remove(&j->ready);
    sc_rows_fini(&j->rows);
    sc_share_give(&d->shares, &j->share);
    sc_loop_dispose(&d->loop, j);
}

static void on_patience(struct sc_alarm *a)
{
    end_job(sc_container(a, struct job, patience));
}

static void make_ready(struct job *j)
{
    struct sc_daemon *d = j->daemon;
    sc_list_remove(&j->ready);
    sc_list_append(&d->status.ready, &j->ready);
    sc_loop_alarm(&d->loop, &d->status.slice, d->loop.now);
}

/* The reader took something, or is gone. */
static void on_pipe(struct sc_watch *w, uint32_t events)
{
    struct job *j = sc_container(w, struct job, pipe);
    if (events & EPOLLERR) {
        end_job(j);
        return;
    }
    sc_loop_rewatch(&j->daemon->loop, w, 0);
    make_ready(j);
}

/* --- a slice ---------------------------------------------------------------------------------- */

static unsigned cost(const struct job *j)
{
    return j->buckets + ROW * j->rows.rows + NAME * j->rows.looked;
}

static void add_host(void *arg, const struct sc_host_status *h)
{
    sc_rows_host(arg, h);
}

static void add_instance(void *arg, const struct sc_service_status *i)
{
    sc_rows_instance(arg, i);
}

static void add_session(void *arg, const struct sc_session_status *s)
{
    sc_rows_flow(arg, s);
}

static void add_head(struct job *j)
{
    struct sc_host_status own;
    sc_rows_head(&j->rows);
    sc_stack_own_status(j->daemon->stack, &own);
    sc_rows_host(&j->rows, &own);
}

static void add_pin(void *arg, const struct sc_pin *p)
{
    sc_rows_pin(arg, p);
}

/* There are few. */
static void add_grants(struct job *j)
{
    const struct sc_held *h = NULL;
    while ((h = sc_stack_next_grant(j->daemon->stack, h)) != NULL)
        sc_rows_grant(&j->rows, h);
}

static void scan_bound(struct job *j)
{
    struct sc_map_node *n = sc_map_scan(&j->daemon->bound.names, &j->cursor);
    for (; n; n = n->next)
        sc_rows_bound(&j->rows, sc_container(n, struct sc_bound, named));
}

static void scan_endpoints(struct job *j)
{
    struct sc_map_node *n = sc_map_scan(&j->daemon->endpoints.by_serial, &j->cursor);
    for (; n; n = n->next)
        sc_rows_endpoint(&j->rows, sc_container(n, struct sc_endpoint, by_serial));
}

/* The next few rows, or none where a bucket is empty. */
static void tell_some(struct job *j)
{
    struct sc_daemon *d = j->daemon;
    switch (j->part) {
    case HEAD:
        add_head(j);
        break;
    case HOSTS:
        sc_stack_scan_hosts(d->stack, &j->cursor, add_host, &j->rows, d->loop.now);
        break;
    case INSTANCES:
        sc_stack_scan_services(d->stack, &j->cursor, add_instance, &j->rows, d->loop.now);
        break;
    case BOUND:
        scan_bound(j);
        break;
    case SESSIONS:
        sc_sessions_scan(d, &j->cursor, add_session, &j->rows);
        break;
    case LOCALS:
        sc_local_scan(d, &j->cursor, add_session, &j->rows);
        break;
    case ENDPOINTS:
        scan_endpoints(j);
        break;
    case PINS:
        sc_stack_scan_pins(d->stack, &j->cursor, add_pin, &j->rows);
        break;
    case GRANTS:
        add_grants(j);
        break;
    case END:
        sc_rows_end(&j->rows);
        break;
    case NOTHING:
        return;
    }
    j->buckets++;
    if (j->cursor == 0)
        j->part++;
}

/* Appends to what the reader has not taken yet. */
static void prepare(struct job *j)
{
    unsigned rows = j->rows.rows, end = cost(j) + SLICE;
    unsigned *most = &j->daemon->status.most_rows;
    if (j->written > 0)
        memmove(j->rows.data, j->rows.data + j->written, j->rows.len - j->written);
    j->rows.len -= j->written;
    j->written = 0;
    while (j->part != NOTHING && j->rows.len < AHEAD && cost(j) < end)
        tell_some(j);
    rows = j->rows.rows - rows;
    *most = rows > *most ? rows : *most;
}

/* Returns false when it is over, whichever way. */
static bool pass_on(struct job *j)
{
    struct sc_daemon *d = j->daemon;
    ssize_t n = write(j->pipe.fd, j->rows.data + j->written, j->rows.len - j->written);
    if (n < 0 && errno != EAGAIN)
        return false;
    if (n > 0) {
        j->written += (size_t)n;
        sc_loop_alarm(&d->loop, &j->patience, d->loop.now + SC_STATUS_PATIENCE);
    }
    return j->part != NOTHING || j->written < j->rows.len;
}

/* One that cannot go on waits for room in its pipe; one that can goes to the back. */
static void on_slice(struct sc_alarm *a)
{
    struct sc_daemon *d = sc_container(a, struct sc_daemon, status.slice);
    struct sc_list *first = sc_list_first(&d->status.ready);
    if (!first)
        return; /* its reader went away since */
    struct job *j = sc_container(first, struct job, ready);
    sc_list_remove(&j->ready);
    if (j->rows.len - j->written < AHEAD)
        prepare(j);
    if (j->rows.failed || !pass_on(j))
        end_job(j);
    else if (j->written < j->rows.len)
        sc_loop_rewatch(&d->loop, &j->pipe, EPOLLOUT);
    else
        make_ready(j);
    if (!sc_list_empty(&d->status.ready))
        sc_loop_alarm(&d->loop, a, d->loop.now);
}

/* --- asking ----------------------------------------------------------------------------------- */

static void free_job(struct job *j)
{
    sc_share_give(&j->daemon->shares, &j->share);
    free(j);
}

/* Writes to `fd`, which stays the caller's when this fails. */
static int new_job(struct sc_daemon *d, uint32_t uid, int fd)
{
    struct job *j = calloc(1, sizeof *j);
    if (!j)
        return -ENOMEM;
    *j = (struct job){.daemon = d, .pipe = {.fd = fd, .ready = on_pipe}};
    sc_list_init(&j->ready);
    sc_alarm_init(&j->patience, on_patience);
    sc_rows_init(&j->rows, d);
    int err = sc_share_take(&d->shares, &j->share, uid, SC_SHARE_STATUS) ? 0 : -EAGAIN;
    if (!err)
        err = sc_loop_watch(&d->loop, &j->pipe, 0); /* even so it hears that the reader is gone */
    if (err < 0) {
        free_job(j);
        return err;
    }
    sc_list_append(&d->status.jobs, &j->link);
    sc_loop_alarm(&d->loop, &j->patience, d->loop.now + SC_STATUS_PATIENCE);
    make_ready(j);
    return 0;
}

int sc_status_begin(struct sc_daemon *d, uint32_t uid)
{
    int fd[2];
    if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    int err = new_job(d, uid, fd[1]);
    if (err < 0) {
        close(fd[0]);
        close(fd[1]);
        return err;
    }
    return fd[0];
}

void sc_status_init(struct sc_daemon *d)
{
    sc_list_init(&d->status.jobs);
    sc_list_init(&d->status.ready);
    sc_alarm_init(&d->status.slice, on_slice);
}

void sc_status_fini(struct sc_daemon *d)
{
    while (!sc_list_empty(&d->status.jobs))
        end_job(sc_container(sc_list_first(&d->status.jobs), struct job, link));
    sc_loop_alarm(&d->loop, &d->status.slice, SC_NEVER);
}
