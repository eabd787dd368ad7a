#include "daemon/stream/survivors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/meaning.h"
#include "daemon/stream/bound.h"
#include "daemon/stream/diag.h"
#include "daemon/stream/folder.h"
#include "daemon/stream/listener.h"
#include "daemon/stream/serving.h"

/* What the router did not answer is asked again, and who is gone forgotten, this often. */
#define AGAIN_EVERY (1 * SC_SECOND)
/* Served, or looked at, in one turn of the loop: about 1 ms, with a question to the kernel each. */
#define SLICE 32
#define LOOKED_AT 128
/* Until the program listens again its backlog is not known: listen(2)'s customary one. */
#define BACKLOG 128

struct survivor {
    struct sc_list link;
    struct sc_map_node by_inode;
    uint32_t inode;
    struct sc_socket_name name;
    char text[SC_SOCKET_NAME_TEXT];
};

static void forget(struct sc_daemon *d, struct survivor *v)
{
    sc_map_remove(&d->survivors.by_inode, &v->by_inode);
    sc_list_remove(&v->link);
    free(v);
}

/* What found() let in is IPv4, or loopback's and known. */
static uint32_t pool_of(const struct survivor *v)
{
    return sc_address_to_v4(&v->name.address);
}

static bool is_served(struct sc_daemon *d, const struct survivor *v)
{
    const struct sc_bound *b = sc_bound_find(d, v->text);
    return b && b->inode == v->inode;
}

/* --- serving ---------------------------------------------------------------------------------- */

static void give_up(struct sc_daemon *d, struct survivor *v, const char *why)
{
    sc_log(SC_LOG_WARN, "listener %s survived and is not served: %s", v->text, why);
    forget(d, v);
}

static void serve(struct sc_daemon *d, struct survivor *v, const struct sc_service_id *service)
{
    struct sc_bound *b;
    char why[SC_CTL_TEXT] = "";
    if (is_served(d, v) || !sc_folder_has(&d->folder, v->text)) {
        forget(d, v); /* the program has listened again, or is gone */
        return;
    }
    int err = sc_bound_reserve(d, &v->name, service, v->inode, sc_bound_wish_of(&v->name), &b);
    if (err == 0)
        err = sc_serving_open(b, BACKLOG, 0, v->name.owner, why);
    if (err) {
        give_up(d, v, *why ? why : strerror(err));
        return;
    }
    sc_log(SC_LOG_INFO, "listener %s survived and is registered again", v->text);
    forget(d, v);
}

/* A slice of those that are known; the others have to be asked for. */
static void serve_known(struct sc_daemon *d)
{
    struct sc_list *it, *tmp;
    struct sc_service_id service;
    size_t left = SLICE;
    sc_list_each(it, tmp, &d->survivors.waiting)
    {
        struct survivor *v = sc_container(it, struct survivor, link);
        int err = sc_meaning_service(d, &v->name.address, NULL, &service);
        if (err == ENOENT)
            continue;
        if (left-- == 0) {
            sc_loop_alarm(&d->loop, &d->survivors.more, d->loop.now);
            return;
        }
        if (err == 0)
            serve(d, v, &service);
        else if (pool_of(v) == 0)
            give_up(d, v, "its name holds no address of a service");
        else
            give_up(d, v, "its address was given to another name");
    }
}

static void on_more(struct sc_alarm *a)
{
    serve_known(sc_container(a, struct sc_daemon, survivors.more));
}

/* --- asking ----------------------------------------------------------------------------------- */

static uint32_t *place_of(struct sc_daemon *d, uint32_t pool)
{
    for (size_t i = 0; i < SC_SURVIVORS_ASKED; i++)
        if (d->survivors.asked[i] == pool)
            return &d->survivors.asked[i];
    return NULL;
}

static bool ask_for(struct sc_daemon *d, uint32_t pool)
{
    uint32_t *place = place_of(d, 0);
    if (!place ||
        sc_stack_lookup(d->stack, SC_LOOKUP_POOL, NULL, pool, NULL, place, d->loop.now) < 0)
        return false;
    *place = pool;
    return true;
}

/* One question for each address, as many as may be asked at a time. */
static void ask(struct sc_daemon *d)
{
    struct sc_list *it, *tmp;
    struct sc_stack_self self;
    struct sc_service_id service;
    sc_stack_get_self(d->stack, &self);
    if (!self.joined)
        return;
    sc_list_each(it, tmp, &d->survivors.waiting)
    {
        struct survivor *v = sc_container(it, struct survivor, link);
        if (sc_meaning_service(d, &v->name.address, NULL, &service) != ENOENT ||
            place_of(d, pool_of(v)))
            continue;
        if (!ask_for(d, pool_of(v)))
            return;
    }
}

/* Who is known by now is served: a program may have asked for the same address. */
static void go_on(struct sc_daemon *d)
{
    serve_known(d);
    ask(d);
}

static void give_up_address(struct sc_daemon *d, uint32_t pool)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &d->survivors.waiting)
    {
        struct survivor *v = sc_container(it, struct survivor, link);
        if (pool_of(v) == pool)
            give_up(d, v, "the service router does not know its address");
    }
}

bool sc_survivors_on_mapped(struct sc_daemon *d, const struct sc_event *e)
{
    uintptr_t at = (uintptr_t)e->ticket - (uintptr_t)d->survivors.asked;
    if (at >= sizeof d->survivors.asked)
        return false;
    uint32_t *place = e->ticket;
    uint32_t pool = *place;
    *place = 0;
    if (e->mapping.error == ENOENT)
        give_up_address(d, pool);
    if (e->mapping.error == 0 || e->mapping.error == ENOENT)
        go_on(d); /* otherwise in a second, or when the router is back */
    sc_daemon_on_activity(d);
    return true;
}

void sc_survivors_on_joined(struct sc_daemon *d)
{
    go_on(d);
}

bool sc_survivors_wait(const struct sc_daemon *d)
{
    return !sc_list_empty(&d->survivors.waiting);
}

static void arm(struct sc_daemon *d)
{
    if (sc_survivors_wait(d))
        sc_loop_alarm(&d->loop, &d->survivors.again, d->loop.now + AGAIN_EVERY);
}

/* The next few in turn: they go to the back. */
static void forget_gone(struct sc_daemon *d)
{
    struct sc_list *waiting = &d->survivors.waiting;
    for (size_t left = LOOKED_AT; left > 0 && !sc_list_empty(waiting); left--) {
        struct survivor *v = sc_container(sc_list_first(waiting), struct survivor, link);
        sc_list_remove(&v->link);
        sc_list_append(waiting, &v->link);
        if (!sc_folder_has(&d->folder, v->text))
            forget(d, v);
    }
}

static void on_again(struct sc_alarm *a)
{
    struct sc_daemon *d = sc_container(a, struct sc_daemon, survivors.again);
    forget_gone(d);
    go_on(d);
    arm(d);
    sc_daemon_on_activity(d);
}

/* --- finding ---------------------------------------------------------------------------------- */

/* A relative path is a claim: others may have one like it, in folders of their own. */
static bool is_ours(const struct sc_daemon *d, const struct sc_diag_socket *s,
                    struct sc_socket_name *name)
{
    return s->uid == d->id.uid && sc_socket_name_read_key(s->path, name) &&
           name->kind == SC_SOCKET_BOUND && sc_folder_has(&d->folder, s->path);
}

static void found(void *arg, const struct sc_diag_socket *s)
{
    struct sc_daemon *d = arg;
    struct sc_socket_name name;
    if (!is_ours(d, s, &name) || sc_map_find(&d->survivors.by_inode, &s->inode))
        return;
    if (!sc_address_is_v4(&name.address) && !sc_address_is_loopback(&name.address)) {
        sc_log(SC_LOG_WARN, "listener %s is ignored: its name holds no address of a service",
               s->path);
        return;
    }
    if (!sc_allow_serve(&d->config.allow, d->id.uid, name.owner, -1)) { /* not any more */
        sc_journal(d, SC_JOURNAL_STRANGERS, SC_LOG_WARN, "listener %s of uid %u is ignored",
                   s->path, name.owner);
        return;
    }
    struct survivor *v =
        d->survivors.by_inode.count < SC_INSTANCES_MAX ? calloc(1, sizeof *v) : NULL;
    if (v) {
        *v = (struct survivor){.inode = s->inode, .name = name};
        sc_socket_name_key(&name, v->text);
    }
    if (!v || sc_map_insert(&d->survivors.by_inode, &v->by_inode) < 0) {
        sc_log(SC_LOG_WARN, "listener %s survived and is not served: out of memory", s->path);
        free(v);
        return;
    }
    sc_list_append(&d->survivors.waiting, &v->link);
}

void sc_survivors_find(struct sc_daemon *d)
{
    struct sc_survivors *s = &d->survivors;
    uint64_t seed[2] = {d->config.seed, ~d->config.seed};
    sc_list_init(&s->waiting);
    sc_alarm_init(&s->more, on_more);
    sc_alarm_init(&s->again, on_again);
    SC_MAP_INIT(&s->by_inode, struct survivor, by_inode, inode, seed);
    sc_folder_tidy(&d->folder);
    int err = sc_diag_listeners("scaffold.", found, d);
    if (err < 0)
        sc_log(SC_LOG_WARN, "listeners that survived cannot be looked for: %s", strerror(-err));
    serve_known(d);
    if (sc_survivors_wait(d))
        sc_log(SC_LOG_INFO, "%zu more listeners survived; the service router knows what they serve",
               s->by_inode.count);
    ask(d);
    arm(d);
}

void sc_survivors_fini(struct sc_daemon *d)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &d->survivors.waiting) forget(d, sc_container(it, struct survivor, link));
    sc_loop_alarm(&d->loop, &d->survivors.more, SC_NEVER);
    sc_loop_alarm(&d->loop, &d->survivors.again, SC_NEVER);
    sc_map_fini(&d->survivors.by_inode);
}
