#include "naming/hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sc_hosts_init(struct sc_hosts *h, uint32_t domain, const uint64_t seed[2])
{
    *h = (struct sc_hosts){.domain = domain, .next = 2}; /* 1 is the router */
    SC_MAP_INIT(&h->by_address, struct sc_host, by_address, address, seed);
    sc_heap_init(&h->leases);
}

void sc_hosts_fini(struct sc_hosts *h)
{
    struct sc_host *host;
    while ((host = sc_hosts_at(h, 0)) != NULL) {
        sc_map_remove(&h->by_address, &host->by_address);
        free(host);
    }
    sc_map_fini(&h->by_address);
    sc_heap_fini(&h->leases);
}

struct sc_host *sc_hosts_find(const struct sc_hosts *h, uint64_t address)
{
    struct sc_map_node *n = sc_map_find(&h->by_address, &address);
    return n ? sc_container(n, struct sc_host, by_address) : NULL;
}

struct sc_host *sc_hosts_find_name(const struct sc_hosts *h, const char *name)
{
    for (struct sc_map_node *n = NULL; (n = sc_map_next(&h->by_address, n)) != NULL;) {
        struct sc_host *host = sc_container(n, struct sc_host, by_address);
        if (strcmp(host->name, name) == 0)
            return host;
    }
    return NULL;
}

static uint64_t free_address(struct sc_hosts *h, uint64_t wanted)
{
    if (wanted >> 32 == h->domain && (uint32_t)wanted > 1 && !sc_hosts_find(h, wanted))
        return wanted;
    while (h->next < 2 || sc_hosts_find(h, sc_network_address(h->domain, h->next)))
        h->next++;
    return sc_network_address(h->domain, h->next++);
}

struct sc_host *sc_hosts_join(struct sc_hosts *h, const char *name, uint64_t wanted)
{
    struct sc_host *host = sc_hosts_find_name(h, name);
    if (host)
        return host;
    if (h->by_address.count >= SC_HOSTS_MAX)
        return NULL;
    host = calloc(1, sizeof *host);
    if (!host)
        return NULL;
    host->address = free_address(h, wanted);
    snprintf(host->name, sizeof host->name, "%s", name);
    sc_list_init(&host->instances);
    sc_timer_init(&host->lease);
    if (sc_map_insert(&h->by_address, &host->by_address) < 0) {
        free(host);
        return NULL;
    }
    return host;
}

struct sc_host *sc_hosts_at(const struct sc_hosts *h, size_t index)
{
    struct sc_map_node *n = sc_map_next(&h->by_address, NULL);
    while (n && index-- > 0)
        n = sc_map_next(&h->by_address, n);
    return n ? sc_container(n, struct sc_host, by_address) : NULL;
}
