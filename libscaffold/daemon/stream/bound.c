#include "daemon/stream/bound.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"
#include "daemon/stream/client_port.h"
#include "daemon/stream/folder.h"
#include "daemon/stream/listener.h"
#include "daemon/stream/reach.h"
#include "local/ctl.h"

void sc_bound_init(struct sc_bound_table *t, const uint64_t seed[2])
{
    sc_list_init(&t->all);
    SC_MAP_INIT(&t->names, struct sc_bound, named, key, seed);
    SC_MAP_INIT(&t->services, struct sc_bound_service, node, id, seed);
}

void sc_bound_fini(struct sc_bound_table *t)
{
    while (!sc_list_empty(&t->all))
        sc_bound_drop(sc_container(sc_list_first(&t->all), struct sc_bound, link));
    sc_map_fini(&t->names);
    sc_map_fini(&t->services);
}

/* --- finding ---------------------------------------------------------------------------------- */

struct sc_bound *sc_bound_find(struct sc_daemon *d, const char *text)
{
    char key[SC_SOCKET_NAME_TEXT] = "";
    size_t len = strnlen(text, sizeof key);
    memcpy(key, text, len);
    struct sc_map_node *n = sc_map_find(&d->bound.names, key);
    return n ? sc_container(n, struct sc_bound, named) : NULL;
}

struct sc_bound_service *sc_bound_service_find(struct sc_daemon *d, const struct sc_service_id *id)
{
    struct sc_map_node *n = sc_map_find(&d->bound.services, id);
    return n ? sc_container(n, struct sc_bound_service, node) : NULL;
}

int sc_bound_set(struct sc_bound *b, uint32_t option, uint32_t value)
{
    if (option != SC_OPT_ABORT_ON_CLOSE)
        return ENOPROTOOPT;
    b->aborts = value != 0;
    return 0;
}

uint16_t sc_bound_any_port(struct sc_daemon *d, struct sc_service_id service)
{
    for (int i = SC_PORT_FIRST; i <= SC_PORT_LAST; i++) {
        uint16_t port = d->next_bound_port;
        d->next_bound_port = port == SC_PORT_LAST ? SC_PORT_FIRST : (uint16_t)(port + 1);
        struct sc_service_id id = sc_service_id_at(service, port, IPPROTO_TCP);
        if (!sc_bound_service_find(d, &id) && !sc_client_port_is_used(d, port))
            return port;
    }
    return 0;
}

/* --- who is in whose way ---------------------------------------------------------------------- */

/* As TCP's bind: the same address twice, or a loopback port where somebody listens. What else two
 * listeners may not share is decided when the second one listens. */
static bool in_the_way(const struct sc_bound *b, const struct sc_socket_name *name,
                       struct sc_bound_wish wish)
{
    if ((b->wish.shared && wish.shared) || (b->wish.patient && wish.patient && !b->listener))
        return false;
    if (b->listener && sc_address_is_loopback(&name->address))
        return sc_reach_overlap(&b->name, name);
    return b->name.family == name->family && b->name.wildcard == name->wildcard &&
           memcmp(&b->name.address, &name->address, sizeof name->address) == 0;
}

static bool is_taken(struct sc_daemon *d, const struct sc_socket_name *name,
                     const struct sc_service_id *service, struct sc_bound_wish wish)
{
    struct sc_bound_service *s = sc_bound_service_find(d, service);
    struct sc_list *it, *tmp;
    if (sc_client_port_holds(d, name, wish.patient))
        return true;
    if (!s)
        return false;
    sc_list_each(it, tmp, &s->members)
    {
        struct sc_bound *b = sc_container(it, struct sc_bound, member);
        if (!in_the_way(b, name, wish))
            continue;
        if (!sc_bound_drop_if_gone(b))
            return true;
        return is_taken(d, name, service, wish); /* the service may have gone with it */
    }
    return false;
}

/* --- names ------------------------------------------------------------------------------------ */

uint64_t sc_bound_serial(struct sc_daemon *d, bool shared)
{
    return sc_serial(&d->serials) << 1 | shared;
}

struct sc_bound_wish sc_bound_wish_of(const struct sc_socket_name *name)
{
    return (struct sc_bound_wish){.shared = name->serial & 1};
}

/* --- life ------------------------------------------------------------------------------------- */

static struct sc_bound_service *service_of(struct sc_daemon *d, const struct sc_service_id *id)
{
    struct sc_bound_service *s = sc_bound_service_find(d, id);
    if (s)
        return s;
    s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->id = *id;
    sc_list_init(&s->members);
    if (sc_map_insert(&d->bound.services, &s->node) < 0) {
        free(s);
        return NULL;
    }
    return s;
}

static void leave_service(struct sc_bound *b)
{
    struct sc_bound_service *s = b->service;
    b->service = NULL;
    sc_list_remove(&b->member);
    if (!s || !sc_list_empty(&s->members))
        return;
    sc_map_remove(&b->daemon->bound.services, &s->node);
    free(s);
}

/* Into the table's indexes. */
static int enter(struct sc_bound *b, const struct sc_service_id *service)
{
    struct sc_bound_table *t = &b->daemon->bound;
    b->service = service_of(b->daemon, service);
    if (!b->service)
        return ENOMEM;
    sc_list_append(&b->service->members, &b->member);
    if (sc_map_insert(&t->names, &b->named) < 0) {
        leave_service(b);
        return ENOMEM;
    }
    sc_list_append(&t->all, &b->link);
    t->count++;
    t->at_port[b->name.address.port]++;
    return 0;
}

int sc_bound_reserve(struct sc_daemon *d, const struct sc_socket_name *name,
                     const struct sc_service_id *service, uint32_t inode, struct sc_bound_wish wish,
                     struct sc_bound **out)
{
    if (is_taken(d, name, service, wish))
        return EADDRINUSE;
    struct sc_bound *b = calloc(1, sizeof *b);
    if (!b)
        return ENOMEM;
    *b = (struct sc_bound){.daemon = d, .name = *name, .inode = inode, .wish = wish};
    sc_socket_name_key(name, b->key);
    sc_list_init(&b->link);
    sc_list_init(&b->member);
    int err = sc_share_take(&d->shares, &b->share, name->owner, SC_SHARE_BOUND) ? 0 : ENOBUFS;
    if (err == 0)
        err = enter(b, service);
    if (err) {
        sc_share_give(&d->shares, &b->share);
        free(b);
        return err;
    }
    *out = b;
    sc_daemon_on_activity(d);
    return 0;
}

void sc_bound_drop(struct sc_bound *b)
{
    struct sc_daemon *d = b->daemon;
    if (sc_list_empty(&b->link))
        return; /* dropped already; its memory lives until the end of the turn */
    if (b->listener)
        sc_listener_close(b->listener);
    sc_list_remove(&b->link);
    sc_map_remove(&d->bound.names, &b->named);
    leave_service(b);
    d->bound.count--;
    d->bound.at_port[b->name.address.port]--;
    sc_share_give(&d->shares, &b->share);
    sc_loop_dispose(&d->loop, b);
    sc_daemon_on_activity(d);
}

bool sc_bound_drop_if_gone(struct sc_bound *b)
{
    if (sc_folder_has(&b->daemon->folder, b->key))
        return false;
    sc_folder_remove(&b->daemon->folder, b->key);
    sc_bound_drop(b);
    return true;
}

void sc_bound_sweep(struct sc_daemon *d, size_t count)
{
    struct sc_bound_table *t = &d->bound;
    for (; count > 0 && !sc_list_empty(&t->all); count--) {
        struct sc_bound *b = sc_container(sc_list_first(&t->all), struct sc_bound, link);
        if (sc_bound_drop_if_gone(b))
            continue;
        sc_list_remove(&b->link);
        sc_list_append(&t->all, &b->link);
        if (b->listener)
            sc_listener_update(b->listener);
    }
}
