#include "daemon/meaning.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "daemon/daemon.h"
#include "naming/service_name.h"

bool sc_mapping_means(const struct sc_mapping *m, const uint8_t meaning[SC_MEANING_LEN])
{
    static const uint8_t nothing[SC_MEANING_LEN];
    uint8_t stands_for[SC_MEANING_LEN];
    if (memcmp(meaning, nothing, SC_MEANING_LEN) == 0)
        return !m->reused;
    sc_meaning_of_service(m->service.bytes, stands_for);
    return memcmp(meaning, stands_for, SC_MEANING_LEN) == 0;
}

struct sc_service_id sc_meaning_of_loopback(uint16_t port)
{
    static const uint8_t nobody[SC_PROVIDER_LEN]; /* whose service leaves no host */
    struct sc_service_name n = {.label = "loopback", .port = port, .proto = IPPROTO_TCP};
    struct sc_service_id id;
    sc_service_name_to_id(&n, nobody, &id);
    return id;
}

/* A socket that listened before us was registered, which is why its service kept the address. */
static bool still_means(const struct sc_mapping *m, const uint8_t *meaning)
{
    return meaning ? sc_mapping_means(m, meaning) : m->used || !m->reused;
}

int sc_meaning_service(struct sc_daemon *d, const struct sc_address *a, const uint8_t *meaning,
                       struct sc_service_id *out)
{
    struct sc_mapping m;
    if (sc_address_is_loopback(a)) {
        *out = sc_meaning_of_loopback(a->port);
        return 0;
    }
    if (!sc_address_is_v4(a))
        return EINVAL;
    if (!sc_stack_mapping_of_pool(d->stack, sc_address_to_v4(a), &m))
        return ENOENT;
    *out = sc_service_id_at(m.service, a->port, IPPROTO_TCP);
    return still_means(&m, meaning) ? 0 : ENETUNREACH;
}
