#include "node/rates.h"

#include <string.h>

#include "base/limits.h"
#include "base/map.h"

/* In a second; every bucket holds as much as it gets in one. */
struct limit {
    uint32_t known, all_known;     /* one that we know, and all of them */
    uint32_t strange, all_strange; /* one stranger, and all of them */
};

static const struct limit limits[SC_RATES] = {
    [SC_RATE_OPEN] = {SC_OPENS_OF_HOST, SC_OPENS_OF_ALL, SC_OPENS_OF_STRANGER,
                      SC_OPENS_OF_STRANGERS},
    [SC_RATE_CROWD] = {SC_CROWD_OF_HOST, SC_CROWD_OF_ALL, SC_CROWD_OF_STRANGER,
                       SC_CROWD_OF_STRANGERS},
    [SC_RATE_REQUEST] = {SC_REQUESTS_OF_HOST, SC_REQUESTS_OF_ALL, SC_REQUESTS_OF_STRANGER,
                         SC_REQUESTS_OF_STRANGERS},
    [SC_RATE_NAME] = {SC_NAMES_OF_HOST, SC_NAMES_OF_ALL, SC_NAMES_OF_STRANGER,
                      SC_NAMES_OF_STRANGERS},
    [SC_RATE_GREET] = {SC_GREETS_OF_HOST, SC_GREETS_OF_ALL, SC_GREETS_OF_STRANGER,
                       SC_GREETS_OF_STRANGERS},
    [SC_RATE_GREET_PROVEN] = {SC_GREETS_PROVEN_OF_HOST, SC_GREETS_PROVEN_OF_ALL,
                              SC_GREETS_PROVEN_OF_STRANGER, SC_GREETS_PROVEN_OF_STRANGERS},
    [SC_RATE_COOKIE] = {SC_COOKIES_OF_ONE, SC_COOKIES_OF_ALL, SC_COOKIES_OF_ONE, SC_COOKIES_OF_ALL},
    [SC_RATE_GRANT] = {SC_GRANTS_OF_ONE, SC_GRANTS_OF_ALL, SC_GRANTS_OF_ONE, SC_GRANTS_OF_ALL},
    [SC_RATE_DENIAL] = {SC_DENIALS_OF_ONE, SC_DENIALS_OF_ALL, SC_DENIALS_OF_ONE, SC_DENIALS_OF_ALL},
    [SC_RATE_PROBE] = {SC_PROBES_OF_HOST, SC_PROBES_OF_ALL, SC_PROBES_OF_STRANGER,
                       SC_PROBES_OF_STRANGERS},
    [SC_RATE_RESET] = {SC_RESETS_OF_ONE, SC_RESETS_OF_ALL, SC_RESETS_OF_ONE, SC_RESETS_OF_ALL},
};

void sc_rates_init(struct sc_rates *r, const uint64_t seed[2])
{
    memcpy(r->seed, seed, sizeof r->seed);
}

static bool is_empty(sc_time full_at, sc_time now)
{
    return full_at > now + SC_SECOND;
}

static void take(sc_time *full_at, uint32_t per_second, sc_time now)
{
    *full_at = sc_time_max(*full_at, now) + SC_SECOND / per_second;
}

/* What makes one of them: for a stranger no port, which costs nothing to change, and of an IPv6
 * address what one network is given. */
static uint64_t hash(const struct sc_rates *r, const struct sc_underlay *from, bool known)
{
    uint8_t key[SC_UNDERLAY_LEN];
    struct sc_underlay who = *from;
    struct sc_writer w = sc_writer(key, sizeof key);
    if (!known) {
        who.port = 0;
        memset(who.ip + 8, 0, 8);
    }
    sc_underlay_write(&w, &who);
    return sc_hash(r->seed, key, sizeof key);
}

bool sc_rates_allow(struct sc_rates *r, enum sc_rate kind, const struct sc_underlay *from,
                    bool known, sc_time now)
{
    const struct limit *l = &limits[kind];
    uint64_t slot = hash(r, from, known);
    sc_time *own =
        known ? &r->known[kind][slot % SC_RATES_KNOWN] : &r->strange[kind][slot % SC_RATES_STRANGE];
    sc_time *all = known ? &r->all_known[kind] : &r->all_strange[kind];
    if (is_empty(*own, now) || is_empty(*all, now))
        return false;
    take(own, known ? l->known : l->strange, now);
    take(all, known ? l->all_known : l->all_strange, now);
    return true;
}
