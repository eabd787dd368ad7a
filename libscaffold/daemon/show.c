#include "daemon/show.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

const char *sc_show_service(const struct sc_daemon *d, const struct sc_service_id *id, char *out,
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
    return out;
}

const char *sc_show_address(const struct sc_address *a, char *out, size_t size)
{
    char text[INET6_ADDRSTRLEN];
    bool v4 = sc_address_is_v4(a);
    inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a->ip + 12 : a->ip, text, sizeof text);
    snprintf(out, size, v4 ? "%s:%u" : "[%s]:%u", text, a->port);
    return out;
}
