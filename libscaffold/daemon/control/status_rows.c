#include "base/base32.h"
#include "daemon/control/status_rows.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/control/trouble.h"
#include "daemon/show.h"
#include "daemon/trust/wall.h"
#include "naming/service_name.h"

/* --- lines ------------------------------------------------------------------------------------ */

void sc_rows_init(struct sc_rows *r, struct sc_daemon *d)
{
    *r = (struct sc_rows){.daemon = d};
}

void sc_rows_fini(struct sc_rows *r)
{
    free(r->data);
    r->data = NULL;
    r->len = r->room = 0;
}

static bool make_room(struct sc_rows *r, size_t more)
{
    if (r->room - r->len >= more)
        return true;
    size_t room = r->len + more > 2 * r->room ? r->len + more : 2 * r->room;
    char *grown = realloc(r->data, room);
    if (!grown)
        return false;
    r->data = grown;
    r->room = room;
    return true;
}

/* One line. Takes the object over; its memory may have been short, too. */
static void put(struct sc_rows *r, const char *kind, cJSON *o)
{
    char *text = o ? cJSON_PrintUnformatted(o) : NULL;
    size_t most = text ? strlen(text) + strlen(kind) + sizeof "[\"\",]\n" : 0;
    if (text && make_room(r, most))
        r->len += (size_t)snprintf(r->data + r->len, most, "[\"%s\",%s]\n", kind, text);
    else
        r->failed = true;
    r->rows++;
    free(text);
    cJSON_Delete(o);
}

/* --- texts ------------------------------------------------------------------------------------ */

static void id_text(const struct sc_service_id *id, char out[65])
{
    for (size_t i = 0; i < sizeof id->bytes; i++)
        snprintf(out + 2 * i, 3, "%02x", id->bytes[i]);
}

static void address_text(uint64_t address, char *out, size_t size)
{
    snprintf(out, size, "%08" PRIx32 ":%08" PRIx32, (uint32_t)(address >> 32), (uint32_t)address);
}

static const char *program_name(struct sc_rows *r, int32_t pid)
{
    size_t at = (uint32_t)pid % SC_PROGRAMS_KNOWN;
    if (pid <= 0)
        return "?";
    if (r->program[at].pid != pid) {
        sc_program_name(pid, r->program[at].name, sizeof r->program[at].name);
        r->program[at].pid = pid;
        r->looked++;
    }
    return r->program[at].name;
}

/* --- rows ------------------------------------------------------------------------------------- */

void sc_rows_host(struct sc_rows *r, const struct sc_host_status *h)
{
    struct sc_daemon *d = r->daemon;
    struct sc_stack_self self;
    char text[64];
    cJSON *o = cJSON_CreateObject();
    sc_stack_get_self(d->stack, &self);
    bool own = h->address == self.address;
    cJSON_AddStringToObject(o, "name", h->name);
    address_text(h->address, text, sizeof text);
    cJSON_AddStringToObject(o, "address", text);
    if (own)
        snprintf(text, sizeof text, "port %u", d->udp.port);
    cJSON_AddStringToObject(o, "underlay",
                            own ? text : sc_underlay_format(&h->underlay, text, sizeof text));
    cJSON_AddStringToObject(o, "role", own && self.is_router ? "service router" : "host stack");
    cJSON_AddBoolToObject(o, "up", h->up);
    if (h->has_key) {
        sc_base32_write(h->key, sizeof h->key, text);
        cJSON_AddStringToObject(o, "key", text);
    }
    put(r, "host", o);
}

/* Who says that the name's provider has its key. What stays on this host needs nobody. */
static void put_trust(struct sc_rows *r, const struct sc_service_id *service, cJSON *o)
{
    static const char *const words[] = {[SC_VOUCHED_OFF] = "off",
                                        [SC_VOUCHED_SELF] = "self",
                                        [SC_VOUCHED_PINNED] = "pinned",
                                        [SC_VOUCHED_LOCAL] = "local",
                                        [SC_VOUCHED_FIRST_USE] = "first-use"};
    struct sc_service_id base = sc_service_id_at(*service, 0, 0);
    enum sc_vouched by = SC_VOUCHED_OFF;
    struct sc_mapping m;
    if (sc_service_id_equal(&base, &r->daemon->datagrams.loopback))
        by = SC_VOUCHED_LOCAL;
    else if (sc_stack_mapping_of_service(r->daemon->stack, service, &m))
        by = m.vouched;
    cJSON_AddBoolToObject(o, "verified", by != SC_VOUCHED_OFF && by != SC_VOUCHED_FIRST_USE);
    cJSON_AddStringToObject(o, "trust", words[by]);
}

void sc_rows_pin(struct sc_rows *r, const struct sc_pin *p)
{
    char key[65];
    cJSON *o = cJSON_CreateObject();
    for (size_t i = 0; i < sizeof p->key; i++)
        snprintf(key + 2 * i, 3, "%02x", p->key[i]);
    cJSON_AddStringToObject(o, "alias", p->alias);
    cJSON_AddStringToObject(o, "key", key);
    cJSON_AddStringToObject(o, "how", p->local ? "local" : "first-use");
    cJSON_AddNumberToObject(o, "since", (double)p->since);
    put(r, "provider", o);
}

void sc_rows_grant(struct sc_rows *r, const struct sc_held *h)
{
    static const char *const how[] = {
        [SC_HELD_GIVEN] = "router", [SC_HELD_OWN] = "own key", [SC_HELD_INSTALLED] = "installed"};
    static const char *const age[] = {
        [SC_GRANT_GOOD] = "good", [SC_GRANT_EARLY] = "early", [SC_GRANT_OVER] = "over"};
    const struct sc_grant *g = &h->grant;
    char provider[SC_PROVIDER_TEXT + 1];
    cJSON *o = cJSON_CreateObject();
    sc_provider_write(h->provider, provider);
    cJSON_AddStringToObject(o, "provider", provider);
    cJSON_AddStringToObject(o, "pattern", g->pattern);
    cJSON_AddStringToObject(o, "how", how[h->how]);
    cJSON_AddStringToObject(o, "state", age[sc_grant_age(g, sc_wall_now())]);
    cJSON_AddNumberToObject(o, "from", (double)g->from);
    cJSON_AddNumberToObject(o, "until", (double)g->until);
    cJSON_AddNumberToObject(o, "first_port", g->first_port);
    cJSON_AddNumberToObject(o, "last_port", g->last_port);
    cJSON_AddNumberToObject(o, "protocol", g->proto);
    put(r, "grant", o);
}

/* `lease_left` is 0 for what is served here, which needs none. */
static void put_instance(struct sc_rows *r, const struct sc_service_id *service, const char *host,
                         int32_t pid, const char *program, sc_time lease_left)
{
    char name[SC_NAME_MAX + 64], id[65];
    cJSON *o = cJSON_CreateObject();
    sc_show_service(r->daemon, service, name, sizeof name);
    id_text(service, id);
    cJSON_AddStringToObject(o, "name", name);
    cJSON_AddStringToObject(o, "id", id);
    put_trust(r, service, o);
    cJSON_AddStringToObject(o, "host", host);
    cJSON_AddNumberToObject(o, "pid", pid);
    cJSON_AddStringToObject(o, "program", program);
    if (lease_left)
        cJSON_AddNumberToObject(o, "lease_s", (double)(lease_left / SC_MS) / 1000.0);
    else
        cJSON_AddNullToObject(o, "lease_s");
    put(r, "instance", o);
}

void sc_rows_instance(struct sc_rows *r, const struct sc_service_status *s)
{
    const struct sc_listener *l = s->app;
    if (!l)
        put_instance(r, &s->service, s->host_name, 0, "", s->lease_left);
    else if (sc_service_id_proto(&s->service) !=
             IPPROTO_UDP) /* those are told of socket by socket */
        put_instance(r, &s->service, s->host_name, l->pid, l->program, 0);
}

void sc_rows_bound(struct sc_rows *r, const struct sc_bound *b)
{
    const struct sc_listener *l = b->listener;
    if (l && l->loopback)
        put_instance(r, &b->service->id, r->daemon->config.host_name, l->pid, l->program, 0);
}

/* Of a flow of the local plane only its program could say. */
static void put_counts(cJSON *o, const struct sc_session_status *s)
{
    const struct {
        const char *name;
        uint64_t value;
    } counts[] = {
        {"tx_bytes", s->tx}, {"rx_bytes", s->rx}, {"rtt_us", s->rtt_us}, {"lost", s->lost}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (s->uncounted)
            cJSON_AddNullToObject(o, counts[i].name);
        else
            cJSON_AddNumberToObject(o, counts[i].name, (double)counts[i].value);
    }
}

void sc_rows_flow(struct sc_rows *r, const struct sc_session_status *s)
{
    char text[SC_NAME_MAX + 64];
    cJSON *o = cJSON_CreateObject();
    snprintf(text, sizeof text, "%" PRIx64, s->id);
    cJSON_AddStringToObject(o, "id", text);
    sc_show_service(r->daemon, &s->service, text, sizeof text);
    cJSON_AddStringToObject(o, "service", text);
    cJSON_AddNumberToObject(o, "pid", s->pid);
    cJSON_AddNumberToObject(o, "uid", s->uid);
    cJSON_AddStringToObject(o, "program", program_name(r, s->pid));
    cJSON_AddStringToObject(o, "plane", s->plane);
    sc_show_address(&s->peer, text, sizeof text);
    cJSON_AddStringToObject(o, "peer", text);
    cJSON_AddStringToObject(o, "state", s->state);
    put_counts(o, s);
    cJSON_AddBoolToObject(o, "relayed", s->relayed);
    cJSON_AddBoolToObject(o, "same_host", s->same_host);
    if (s->uncounted)
        cJSON_AddNumberToObject(o, "age_s", (double)(s->age / SC_MS) / 1000.0);
    put(r, "flow", o);
}

/* Datagram sockets have no round trips; `dropped` is what the program was too slow for. */
static void put_datagram_flow(struct sc_rows *r, const struct sc_endpoint *e)
{
    char text[SC_NAME_MAX + 64];
    cJSON *o = cJSON_CreateObject();
    snprintf(text, sizeof text, "%" PRIx64, e->serial);
    cJSON_AddStringToObject(o, "id", text);
    if (e->group)
        sc_show_service(r->daemon, &e->group->service, text, sizeof text);
    cJSON_AddStringToObject(o, "service", e->group ? text : "");
    cJSON_AddNumberToObject(o, "pid", e->pid);
    cJSON_AddStringToObject(o, "program", program_name(r, e->pid));
    cJSON_AddStringToObject(o, "plane", "user");
    sc_show_address(&e->peer, text, sizeof text);
    cJSON_AddStringToObject(o, "peer", e->connected ? text : "");
    sc_show_address(&e->own, text, sizeof text);
    cJSON_AddStringToObject(o, "own", text);
    cJSON_AddStringToObject(o, "state", "datagram");
    cJSON_AddNumberToObject(o, "tx_bytes", (double)e->rx);
    cJSON_AddNumberToObject(o, "rx_bytes", (double)e->tx);
    cJSON_AddNullToObject(o, "rtt_us");
    cJSON_AddNumberToObject(o, "lost", 0);
    cJSON_AddNumberToObject(o, "dropped", (double)e->dropped);
    put(r, "flow", o);
}

/* Of a service that the stack knows, or of a loopback port. */
static bool serves(const struct sc_daemon *d, const struct sc_endpoint *e)
{
    if (!e->group)
        return false;
    struct sc_service_id base = sc_service_id_at(e->group->service, 0, 0);
    return e->group->instance || sc_service_id_equal(&base, &d->datagrams.loopback);
}

void sc_rows_endpoint(struct sc_rows *r, const struct sc_endpoint *e)
{
    put_datagram_flow(r, e);
    if (serves(r->daemon, e))
        put_instance(r, &e->group->service, r->daemon->config.host_name, e->pid,
                     program_name(r, e->pid), 0);
}

void sc_rows_end(struct sc_rows *r)
{
    put(r, "end", cJSON_CreateObject());
}

/* --- the head --------------------------------------------------------------------------------- */

static cJSON *counters(struct sc_daemon *d)
{
    const struct sc_stack_counters *c = sc_stack_counters(d->stack);
    const struct sc_datagram_counters *g = &d->datagrams.counters;
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"received", c->received},
        {"sent", c->sent},
        {"forwarded", c->forwarded},
        {"dropped_malformed", c->dropped_malformed},
        {"dropped_version", c->dropped_version},
        {"dropped_unknown_flow", c->dropped_unknown_flow},
        {"dropped_unknown_address", c->dropped_unknown_address},
        {"dropped_hops", c->dropped_hops},
        {"dropped_half_open", c->dropped_half_open},
        {"dropped_memory", c->dropped_memory},
        {"dropped_send", c->dropped_send},
        {"dropped_table_full", c->dropped_table_full},
        {"dropped_queue", c->dropped_queue},
        {"dropped_datagrams", c->dropped_datagrams},
        {"dropped_incomplete", c->dropped_incomplete},
        {"dropped_unsealed", c->dropped_unsealed},
        {"dropped_unopened", c->dropped_unopened},
        {"dropped_unjoined", c->dropped_unjoined},
        {"dropped_share", c->dropped_share},
        {"dropped_waiting", c->dropped_waiting},
        {"dropped_grants", c->dropped_grants},
        {"addresses_reused", c->addresses_reused},
        {"names_stored", d->keeper.stored},
        {"names_not_stored", d->keeper.failed},
        {"refused", c->refused},
        {"retries", c->retries},
        {"resets_sent", c->resets_sent},
        {"resets_received", c->resets_received},
        {"peers_lost", c->peers_lost},
        {"leases_expired", c->leases_expired},
        {"limited_opens", c->limited[SC_RATE_OPEN]},
        {"limited_half_open", c->limited[SC_RATE_CROWD]},
        {"limited_requests", c->limited[SC_RATE_REQUEST]},
        {"limited_names", c->limited[SC_RATE_NAME]},
        {"limited_greets", c->limited[SC_RATE_GREET]},
        {"limited_greets_proven", c->limited[SC_RATE_GREET_PROVEN]},
        {"limited_cookies", c->limited[SC_RATE_COOKIE]},
        {"limited_grants", c->limited[SC_RATE_GRANT]},
        {"limited_denials", c->limited[SC_RATE_DENIAL]},
        {"limited_probes", c->limited[SC_RATE_PROBE]},
        {"limited_resets", c->limited[SC_RATE_RESET]},
        {"refused_control_connections", d->refused_peers},
        {"unwanted_descriptors", d->unwanted_descriptors},
        {"closed_apart", d->closer.taken},
        {"closed_apart_delays", d->closer.delays},
        {"refused_shares", sc_shares_refused(&d->shares)},
        {"datagrams_from_programs", g->from_programs},
        {"datagrams_to_programs", g->to_programs},
        {"datagrams_refused", g->refused},
        {"dropped_datagram_queue", g->dropped_queue},
        {"dropped_datagram_malformed", g->dropped_malformed},
        {"dropped_datagram_rights", g->dropped_rights},
        {"dropped_datagram_unresolved", g->dropped_unresolved},
        {"dropped_datagram_send", g->dropped_send},
        {"trains_sent", d->udp.trains_sent},
        {"udp_too_large", d->udp.too_large},
        {"udp_send_errors", d->udp.send_errors},
        {"udp_expended", d->udp.expended},
        {"wakeups", d->loop.wakeups},
        {"longest_turn_us", sc_loop_take_longest_turn(&d->loop)},
        {"turns_over_5_ms", d->loop.long_turns},
        {"status_cut_off", d->status.cut_off},
        {"stream_buffer_bytes", sc_stack_memory(d->stack)},
    };
    cJSON *o = cJSON_CreateObject();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cJSON_AddNumberToObject(o, rows[i].name, (double)rows[i].value);
    return o;
}

void sc_rows_head(struct sc_rows *r)
{
    struct sc_daemon *d = r->daemon;
    struct sc_stack_self self;
    char why[SC_CTL_TEXT];
    cJSON *o = cJSON_CreateObject();
    sc_stack_get_self(d->stack, &self);
    cJSON_AddNumberToObject(o, "schema", 1);
    cJSON_AddStringToObject(o, "version", SCAFFOLD_VERSION);
    cJSON_AddNumberToObject(o, "pid", getpid());
    cJSON_AddStringToObject(o, "host", d->config.host_name);
    cJSON_AddNumberToObject(o, "udp_port", d->udp.port);
    cJSON_AddStringToObject(o, "runtime_dir", d->config.runtime_dir);
    cJSON_AddStringToObject(o, "plane", d->config.plane_name);
    cJSON_AddStringToObject(o, "security", d->config.security_name);
    cJSON_AddBoolToObject(o, "exposed", d->config.insecure_network);
    cJSON_AddStringToObject(o, "router", d->config.router);
    cJSON_AddBoolToObject(o, "router_answers", self.joined);
    cJSON_AddBoolToObject(o, "name_taken", self.name_taken);
    sc_names_trouble(d, self.refused, why, sizeof why);
    cJSON_AddStringToObject(o, "not_joined", self.refused ? why : "");
    cJSON_AddItemToObject(o, "counters", counters(d));
    put(r, "scaffoldd", o);
}
