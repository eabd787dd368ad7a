#include "daemon/stream/serving.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/journal.h"
#include "daemon/stream/binder.h"
#include "daemon/stream/reach.h"

/* 0.0.0.0:P and [::]:P of one process (whose pid is not known for what survived a crash). */
static bool may_be_twins(const struct sc_listener *l, const struct sc_socket_name *name, pid_t pid)
{
    return l->bound->name.family != name->family &&
           (l->loopback || l->pid == pid || l->pid == 0 || pid == 0);
}

static struct sc_listener *find_twin(const struct sc_bound *b, pid_t pid)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &b->service->members)
    {
        struct sc_listener *l = sc_container(it, struct sc_bound, member)->listener;
        if (l && may_be_twins(l, &b->name, pid) && !l->twin.other)
            return l;
    }
    return NULL;
}

/* Of a loopback port, sockets that no client could reach both of get along. */
static bool get_along(const struct sc_listener *l, const struct sc_socket_name *name, pid_t pid)
{
    if (l->loopback)
        return !sc_reach_overlap(&l->bound->name, name);
    return may_be_twins(l, name, pid);
}

/* Two listeners of one service on one host, that are no twins: allowed only when both asked for
 * SO_REUSEPORT. */
static bool is_served(struct sc_bound *b, pid_t pid)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &b->service->members)
    {
        struct sc_bound *other = sc_container(it, struct sc_bound, member);
        if (!other->listener || (b->wish.shared && other->wish.shared) ||
            get_along(other->listener, &b->name, pid))
            continue;
        return !sc_bound_drop_if_gone(other) || is_served(b, pid);
    }
    return false;
}

static struct sc_listener *new_listener(struct sc_bound *b, uint32_t backlog, pid_t pid, uid_t uid)
{
    struct sc_listener *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    *l = (struct sc_listener){.daemon = b->daemon,
                              .bound = b,
                              .loopback = sc_address_is_loopback(&b->name.address),
                              .backlog = backlog,
                              .pid = pid,
                              .uid = uid};
    sc_list_init(&l->arrivals);
    sc_list_init(&l->queue);
    sc_alarm_init(&l->retry, NULL);
    sc_program_name(pid, l->program, sizeof l->program);
    return l;
}

int sc_serving_open(struct sc_bound *b, uint32_t backlog, pid_t pid, uid_t uid,
                    char why[SC_CTL_TEXT])
{
    struct sc_listener *l = b->listener;
    if (l) {
        l->backlog = backlog;
        l->uid = uid; /* the kernel, too, remembers who listened last */
        sc_listener_update(l);
        return 0;
    }
    if (is_served(b, pid)) {
        snprintf(why, SC_CTL_TEXT, "the service is already served on this host");
        return EADDRINUSE;
    }
    l = new_listener(b, backlog, pid, uid);
    if (!l)
        return ENOMEM;
    struct sc_listener *twin = find_twin(b, pid);
    if (!twin && sc_listener_serve(l) < 0) {
        free(l);
        snprintf(why, SC_CTL_TEXT, "too many instances on this host");
        return ENOBUFS;
    }
    if (twin)
        sc_tie(&l->twin, &twin->twin);
    b->listener = l;
    sc_binder_watch(l);
    sc_journal_listener(l, true);
    sc_daemon_on_activity(b->daemon);
    return 0;
}

/* In turn: the chosen one goes to the back. Of a loopback port, one that `target` reaches. */
static struct sc_listener *choose(struct sc_bound_service *s, const struct sc_address *target)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &s->members)
    {
        struct sc_bound *b = sc_container(it, struct sc_bound, member);
        struct sc_listener *l = b->listener;
        if (!l || (target && l->loopback && !sc_reach(&b->name, target)))
            continue;
        sc_list_remove(&b->member);
        sc_list_append(&s->members, &b->member);
        return l;
    }
    return NULL;
}

/* A host's own name with a port stands for whichever of its services has the port. */
static struct sc_listener *choose_port(struct sc_daemon *d, uint16_t port)
{
    struct sc_list *it, *tmp;
    if (d->bound.at_port[port] == 0)
        return NULL;
    sc_list_each(it, tmp, &d->bound.all)
    {
        struct sc_bound *b = sc_container(it, struct sc_bound, link);
        if (b->listener && !b->listener->loopback && b->name.address.port == port)
            return b->listener;
    }
    return NULL;
}

struct sc_listener *sc_serving_choose(struct sc_daemon *d, const struct sc_service_id *service,
                                      const struct sc_address *target)
{
    struct sc_service_id base = sc_service_id_at(*service, 0, 0);
    struct sc_bound_service *s = sc_bound_service_find(d, service);
    struct sc_listener *l = s ? choose(s, target) : NULL;
    if (!l && sc_service_id_equal(&base, sc_stack_own_id(d->stack)))
        l = choose_port(d, sc_service_id_port(service));
    return l;
}

void sc_serving_put_back(struct sc_listener *l)
{
    struct sc_list *members = &l->bound->service->members;
    sc_list_remove(&l->bound->member);
    sc_list_append(members->next, &l->bound->member); /* in front of the first */
}
