#include "daemon/status.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/endpoint.h"
#include "daemon/listener.h"
#include "daemon/session.h"
#include "naming/name.h"

static void add_hex(cJSON *o, const char *key, const uint8_t *bytes, size_t len)
{
    char text[2 * 32 + 1] = "";
    for (size_t i = 0; i < len && i < 32; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    cJSON_AddStringToObject(o, key, text);
}

static void address_text(uint64_t address, char *out, size_t size)
{
    snprintf(out, size, "%08" PRIx32 ":%08" PRIx32, (uint32_t)(address >> 32), (uint32_t)address);
}

/* `label.provider.scaffold:port[/udp]`, or the id where the name is not known here. */
static void service_text(struct sc_daemon *d, const struct sc_service_id *id, char *out,
                         size_t size)
{
    struct sc_mapping m;
    struct sc_service_id base = sc_service_id_at(*id, 0, 0);
    unsigned port = sc_service_id_port(id);
    const char *proto = port && sc_service_id_proto(id) == IPPROTO_UDP ? "/udp" : "";
    if (sc_service_id_equal(&base, &d->datagrams.loopback))
        snprintf(out, size, "loopback.%s.host.scaffold:%u%s", d->config.host_name, port, proto);
    else if (sc_stack_mapping_of_service(d->stack, id, &m))
        snprintf(out, size, port ? "%s:%u%s" : "%s", m.name, port, proto);
    else
        snprintf(out, size, "id:%02x%02x%02x%02x...:%u%s", id->bytes[0], id->bytes[1], id->bytes[2],
                 id->bytes[3], port, proto);
}

static cJSON *hosts(struct sc_daemon *d)
{
    cJSON *list = cJSON_CreateArray();
    struct sc_host_status h;
    char text[64];
    struct sc_stack_self self;
    sc_stack_get_self(d->stack, &self);
    for (size_t i = 0; sc_stack_host_at(d->stack, i, &h, d->loop.now); i++) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "name", h.name);
        address_text(h.address, text, sizeof text);
        cJSON_AddStringToObject(o, "address", text);
        bool own = h.address == self.address;
        if (own)
            snprintf(text, sizeof text, "port %u", d->udp.port);
        cJSON_AddStringToObject(o, "underlay",
                                own ? text : sc_underlay_format(&h.underlay, text, sizeof text));
        cJSON_AddStringToObject(o, "role", own && self.is_router ? "service router" : "host stack");
        cJSON_AddBoolToObject(o, "up", h.up);
        cJSON_AddItemToArray(list, o);
    }
    return list;
}

static void add_instance(struct sc_daemon *d, cJSON *service, const struct sc_service_status *s,
                         int32_t pid, const char *program)
{
    const char *host = sc_stack_host_name(d->stack, s->host);
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "host", host ? host : "?");
    cJSON_AddNumberToObject(o, "pid", pid);
    cJSON_AddStringToObject(o, "program", program);
    cJSON_AddNumberToObject(o, "lease_s", (double)(s->lease_left / SC_MS) / 1000.0);
    cJSON_AddItemToArray(cJSON_GetObjectItem(service, "instances"), o);
}

/* Every datagram socket of the group. */
static void add_group(struct sc_daemon *d, cJSON *service, const struct sc_service_status *s)
{
    const struct sc_endpoint_group *g = s->app;
    char program[32];
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &g->members)
    {
        const struct sc_endpoint *e = sc_container(it, struct sc_endpoint, member);
        if (e->watch.fd < 0)
            continue;
        sc_program_name(e->pid, program, sizeof program);
        add_instance(d, service, s, e->pid, program);
    }
}

/* The entry of this service in the list, made when it is not there yet. */
static cJSON *service_entry(struct sc_daemon *d, cJSON *list, const struct sc_service_id *id)
{
    char name[SC_NAME_MAX + 16], hex[65];
    service_text(d, id, name, sizeof name);
    for (size_t i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", id->bytes[i]);
    cJSON *o;
    cJSON_ArrayForEach(o, list)
    {
        if (strcmp(cJSON_GetObjectItem(o, "id")->valuestring, hex) == 0)
            return o;
    }
    o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "name", name);
    add_hex(o, "id", id->bytes, sizeof id->bytes);
    cJSON_AddBoolToObject(o, "verified", false);
    cJSON_AddArrayToObject(o, "instances");
    cJSON_AddItemToArray(list, o);
    return o;
}

/* `app` of a local one is its listener, or its group of datagram sockets. */
static void add_service(struct sc_daemon *d, cJSON *list, const struct sc_service_status *s)
{
    cJSON *o = service_entry(d, list, &s->service);
    const struct sc_listener *l = s->app;
    if (l && sc_service_id_proto(&s->service) == IPPROTO_UDP)
        add_group(d, o, s);
    else
        add_instance(d, o, s, l ? l->pid : 0, l ? l->program : "");
}

static cJSON *services(struct sc_daemon *d)
{
    cJSON *list = cJSON_CreateArray();
    struct sc_service_status s;
    for (size_t i = 0; sc_stack_service_at(d->stack, i, &s, d->loop.now); i++)
        add_service(d, list, &s);
    struct sc_stack_self self;
    sc_stack_get_self(d->stack, &self);
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &d->bound.all)
    {
        const struct sc_bound *b = sc_container(it, struct sc_bound, link);
        s = (struct sc_service_status){
            .service = b->service->id, .host = self.address, .app = b->listener};
        if (b->listener && b->listener->loopback)
            add_service(d, list, &s);
    }
    for (struct sc_map_node *n = NULL; (n = sc_map_next(&d->endpoints.groups, n)) != NULL;) {
        struct sc_endpoint_group *g = sc_container(n, struct sc_endpoint_group, node);
        struct sc_service_id base = sc_service_id_at(g->service, 0, 0);
        s = (struct sc_service_status){.service = g->service, .host = self.address, .app = g};
        if (sc_service_id_equal(&base, &d->datagrams.loopback))
            add_service(d, list, &s);
    }
    return list;
}

struct flow_list {
    struct sc_daemon *daemon;
    cJSON *list;
};

static void peer_text(const struct sc_address *a, char *out, size_t size)
{
    if (sc_address_is_v4(a)) {
        uint32_t v4 = sc_address_to_v4(a);
        snprintf(out, size, "%u.%u.%u.%u:%u", v4 >> 24, v4 >> 16 & 255, v4 >> 8 & 255, v4 & 255,
                 a->port);
        return;
    }
    size_t n = 0;
    n += (size_t)snprintf(out, size, "[");
    for (size_t i = 0; i < 16; i += 2)
        n += (size_t)snprintf(out + n, size - n, i ? ":%x" : "%x", a->ip[i] << 8 | a->ip[i + 1]);
    snprintf(out + n, size - n, "]:%u", a->port);
}

static void add_flow(void *arg, const struct sc_session_status *s)
{
    struct flow_list *f = arg;
    char text[SC_NAME_MAX + 64];
    cJSON *o = cJSON_CreateObject();
    snprintf(text, sizeof text, "%" PRIx64, s->id);
    cJSON_AddStringToObject(o, "id", text);
    service_text(f->daemon, &s->service, text, sizeof text);
    cJSON_AddStringToObject(o, "service", text);
    cJSON_AddNumberToObject(o, "pid", s->pid);
    sc_program_name(s->pid, text, 32);
    cJSON_AddStringToObject(o, "program", text);
    cJSON_AddStringToObject(o, "plane", "user");
    peer_text(&s->peer, text, sizeof text);
    cJSON_AddStringToObject(o, "peer", text);
    cJSON_AddStringToObject(o, "state", s->state);
    cJSON_AddNumberToObject(o, "tx_bytes", (double)s->tx);
    cJSON_AddNumberToObject(o, "rx_bytes", (double)s->rx);
    cJSON_AddNumberToObject(o, "rtt_us", (double)s->rtt_us);
    cJSON_AddNumberToObject(o, "lost", (double)s->lost);
    cJSON_AddBoolToObject(o, "relayed", s->relayed);
    cJSON_AddBoolToObject(o, "same_host", s->joined);
    cJSON_AddItemToArray(f->list, o);
}

/* Datagram sockets have no round trips; `dropped` is what the program was too slow for. */
static void add_endpoint(struct sc_daemon *d, cJSON *list, const struct sc_endpoint *e)
{
    char text[SC_NAME_MAX + 64];
    cJSON *o = cJSON_CreateObject();
    snprintf(text, sizeof text, "%" PRIx64, e->serial);
    cJSON_AddStringToObject(o, "id", text);
    if (e->group)
        service_text(d, &e->group->service, text, sizeof text);
    cJSON_AddStringToObject(o, "service", e->group ? text : "");
    cJSON_AddNumberToObject(o, "pid", e->pid);
    sc_program_name(e->pid, text, 32);
    cJSON_AddStringToObject(o, "program", text);
    cJSON_AddStringToObject(o, "plane", "user");
    peer_text(&e->peer, text, sizeof text);
    cJSON_AddStringToObject(o, "peer", e->connected ? text : "");
    peer_text(&e->own, text, sizeof text);
    cJSON_AddStringToObject(o, "own", text);
    cJSON_AddStringToObject(o, "state", "datagram");
    cJSON_AddNumberToObject(o, "tx_bytes", (double)e->rx);
    cJSON_AddNumberToObject(o, "rx_bytes", (double)e->tx);
    cJSON_AddNullToObject(o, "rtt_us");
    cJSON_AddNumberToObject(o, "lost", 0);
    cJSON_AddNumberToObject(o, "dropped", (double)e->dropped);
    cJSON_AddItemToArray(list, o);
}

static void add_endpoints(struct sc_daemon *d, cJSON *list)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &d->endpoints.endpoints)
        add_endpoint(d, list, sc_container(it, struct sc_endpoint, link));
}

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
        {"dropped_datagrams", c->dropped_datagrams},
        {"dropped_incomplete", c->dropped_incomplete},
        {"refused", c->refused},
        {"retries", c->retries},
        {"resets_sent", c->resets_sent},
        {"resets_received", c->resets_received},
        {"peers_lost", c->peers_lost},
        {"leases_expired", c->leases_expired},
        {"refused_control_connections", d->refused_peers},
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
        {"wakeups", d->loop.wakeups},
        {"stream_buffer_bytes", sc_stack_memory(d->stack)},
    };
    cJSON *o = cJSON_CreateObject();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cJSON_AddNumberToObject(o, rows[i].name, (double)rows[i].value);
    return o;
}

static int write_text(const char *text)
{
    int fd = memfd_create("scaffold-status", MFD_CLOEXEC);
    size_t len = strlen(text);
    if (fd < 0)
        return -errno;
    if (write(fd, text, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) < 0) {
        close(fd);
        return -EIO;
    }
    return fd;
}

int sc_status_write(struct sc_daemon *d)
{
    cJSON *root = cJSON_CreateObject();
    struct flow_list flows = {d, cJSON_CreateArray()};
    struct sc_stack_self self;
    sc_stack_get_self(d->stack, &self);
    sc_sessions_each(d, add_flow, &flows);
    add_endpoints(d, flows.list);
    cJSON_AddNumberToObject(root, "schema", 1);
    cJSON_AddStringToObject(root, "version", SCAFFOLD_VERSION);
    cJSON_AddNumberToObject(root, "pid", getpid());
    cJSON_AddStringToObject(root, "host", d->config.host_name);
    cJSON_AddNumberToObject(root, "udp_port", d->udp.port);
    cJSON_AddStringToObject(root, "runtime_dir", d->config.runtime_dir);
    cJSON_AddStringToObject(root, "router", d->config.router);
    cJSON_AddBoolToObject(root, "router_answers", self.joined);
    cJSON_AddBoolToObject(root, "name_taken", self.name_taken);
    cJSON_AddItemToObject(root, "hosts", hosts(d));
    cJSON_AddItemToObject(root, "services", services(d));
    cJSON_AddItemToObject(root, "flows", flows.list);
    cJSON_AddItemToObject(root, "counters", counters(d));
    char *text = cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    int fd = text ? write_text(text) : -ENOMEM;
    free(text);
    return fd;
}
