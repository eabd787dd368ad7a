#include "router/hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sc_hosts_init(struct sc_hosts *h, struct sc_channels *channels, uint32_t domain,
                   const uint64_t seed[2])
{
    *h = (struct sc_hosts){.channels = channels, .domain = domain, .next = 2}; /* 1: the router */
    SC_MAP_INIT(&h->by_address, struct sc_host, by_address, address, seed);
    SC_MAP_INIT(&h->by_name, struct sc_host, by_name, name, seed);
    sc_list_init(&h->down);
    sc_heap_init(&h->leases);
}

static void forget(struct sc_hosts *h, struct sc_host *host)
{
    sc_heap_set(&h->leases, &host->lease, SC_NEVER);
    sc_map_remove(&h->by_address, &host->by_address);
    sc_map_remove(&h->by_name, &host->by_name);
    sc_list_remove(&host->down);
    sc_channels_leave(h->channels, &host->link);
    free(host);
}

void sc_hosts_fini(struct sc_hosts *h)
{
    struct sc_map_node *n = sc_map_next(&h->by_address, NULL);
    while (n) {
        struct sc_host *host = sc_container(n, struct sc_host, by_address);
        n = sc_map_next(&h->by_address, n);
        forget(h, host);
    }
    sc_map_fini(&h->by_address);
    sc_map_fini(&h->by_name);
    sc_heap_fini(&h->leases);
}

struct sc_host *sc_hosts_find(const struct sc_hosts *h, uint64_t address)
{
    struct sc_map_node *n = sc_map_find(&h->by_address, &address);
    return n ? sc_container(n, struct sc_host, by_address) : NULL;
}

struct sc_host *sc_hosts_find_name(const struct sc_hosts *h, const char *name)
{
    char key[SC_HOST_NAME_MAX + 1] = {0};
    memccpy(key, name, 0, sizeof key - 1);
    struct sc_map_node *n = sc_map_find(&h->by_name, key);
    return n ? sc_container(n, struct sc_host, by_name) : NULL;
}

bool sc_hosts_is_at(const struct sc_hosts *h, uint64_t address, const struct sc_underlay *where)
{
    const struct sc_host *host = sc_hosts_find(h, address);
    return host && host->up && sc_underlay_equal(&host->underlay, where);
}

bool sc_host_is_in(const struct sc_host *host, const struct sc_channel *s)
{
    if (!s)
        return true;
    bool anothers = s->link && s->link != &host->link;
    return !anothers && memcmp(host->key, s->peer, sizeof host->key) == 0;
}

bool sc_hosts_is_free(const struct sc_hosts *h, uint64_t address)
{
    return address >> 32 == h->domain && (uint32_t)address > 1 && !sc_hosts_find(h, address);
}

static uint64_t free_address(struct sc_hosts *h, uint64_t wanted)
{
    if (sc_hosts_is_free(h, wanted))
        return wanted;
    while (!sc_hosts_is_free(h, sc_network_address(h->domain, h->next)))
        h->next++;
    return sc_network_address(h->domain, h->next++);
}

/* Names come and go, of containers for instance; the table must not fill up with those gone. */
static bool make_room(struct sc_hosts *h)
{
    if (h->by_address.count < SC_HOSTS_MAX)
        return true;
    struct sc_list *gone = sc_list_first(&h->down);
    if (gone)
        forget(h, sc_container(gone, struct sc_host, down));
    return gone != NULL;
}

struct sc_host *sc_hosts_join(struct sc_hosts *h, const char *name, uint64_t wanted)
{
    struct sc_host *host = sc_hosts_find_name(h, name);
    if (host)
        return host;
    host = make_room(h) ? calloc(1, sizeof *host) : NULL;
    if (!host)
        return NULL;
    host->address = free_address(h, wanted);
    snprintf(host->name, sizeof host->name, "%s", name);
    sc_list_init(&host->instances);
    sc_list_init(&host->down);
    sc_timer_init(&host->lease);
    if (sc_map_insert(&h->by_address, &host->by_address) < 0 ||
        sc_map_insert(&h->by_name, &host->by_name) < 0) {
        forget(h, host);
        return NULL;
    }
    sc_hosts_set_up(h, host, false);
    return host;
}

void sc_hosts_set_up(struct sc_hosts *h, struct sc_host *host, bool up)
{
    host->up = up;
    sc_list_remove(&host->down);
    if (!up)
        sc_list_append(&h->down, &host->down);
}
