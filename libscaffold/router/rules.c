#include "router/rules.h"

#include <assert.h>
#include <string.h>

#include "naming/service_name.h"

static struct sc_binding to_host(const struct sc_host *h, struct sc_instance *i)
{
    return (struct sc_binding){
        .to = SC_BINDING_HOST, .instance = i, .host = h, .way = &h->underlay, .link = &h->link};
}

/* An instance of the service. */
static bool by_instance(const struct sc_routing *r, const struct sc_hosts *hosts,
                        const struct sc_query *q, struct sc_binding *b)
{
    struct sc_instance *i = sc_routing_choose(r, q, false);
    if (!i)
        return false;
    if (i->host == 0) {
        *b = (struct sc_binding){.to = SC_BINDING_LOCAL, .instance = i};
        return true;
    }
    const struct sc_host *h = sc_hosts_find(hosts, i->host);
    assert(h); /* an instance lives no longer than its host */
    *b = to_host(h, i);
    return true;
}

static bool is_excluded(const struct sc_query *q, const struct sc_host *h)
{
    for (size_t i = 0; i < q->exclude_count; i++)
        if (q->exclude[i] == h->address)
            return true;
    return false;
}

/* The host, other than ourselves, that this is the id of, whatever the port. */
static bool by_name_of_host(const struct sc_routing *r, const struct sc_hosts *hosts,
                            const struct sc_query *q, struct sc_binding *b)
{
    char name[SC_HOST_NAME_MAX + 1] = {0};
    const struct sc_pool_entry *e = sc_pool_find_service(r->pool, &q->service);
    size_t len = e ? sc_service_name_host_len(e->name) : 0;
    if (len == 0 || len >= sizeof name)
        return false;
    memcpy(name, e->name, len);
    const struct sc_host *h = sc_hosts_find_name(hosts, name);
    if (!h || !h->up || is_excluded(q, h))
        return false;
    *b = to_host(h, NULL);
    return true;
}

static bool to_nobody(const struct sc_routing *r, const struct sc_hosts *hosts,
                      const struct sc_query *q, struct sc_binding *b)
{
    (void)r, (void)hosts, (void)q;
    *b = (struct sc_binding){.reason = SC_REASON_UNSERVED};
    return true;
}

static const struct {
    const char *name;
    /* False: this rule has nothing to say. */
    bool (*decides)(const struct sc_routing *r, const struct sc_hosts *hosts,
                    const struct sc_query *q, struct sc_binding *b);
} rules[] = {
    {"instance", by_instance},
    {"name of a host", by_name_of_host},
    {"nobody", to_nobody}, /* last: it always decides */
};

struct sc_binding sc_rules_choose(const struct sc_routing *r, const struct sc_hosts *hosts,
                                  const struct sc_query *q)
{
    struct sc_binding b;
    size_t i = 0;
    while (!rules[i].decides(r, hosts, q, &b))
        i++;
    b.rule = rules[i].name;
    return b;
}
