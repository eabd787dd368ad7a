/* The public API's names of services: as text and as addresses. */
#include "client/names/service.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/service_id.h"
#include "client/names/ask.h"
#include "client/process/control.h"
#include "client/process/explain.h"

#define API __attribute__((visibility("default")))

static int refuse(int error, const char *line)
{
    sc_explain(error, line);
    errno = error;
    return -1;
}

API void scaffold_freeaddrinfo(struct addrinfo *res)
{
    freeaddrinfo(res);
}

/* ":80", ":80/tcp" or nothing. Returns NULL, or what is wrong with it. */
static const char *read_suffix(const char *text, uint16_t *port, uint8_t *proto)
{
    unsigned value = 0;
    *port = 0;
    *proto = 0;
    if (!*text)
        return NULL;
    const char *at = ++text;
    while (*at >= '0' && *at <= '9' && at - text < 6)
        value = value * 10 + (unsigned)(*at++ - '0');
    if (at == text || value == 0 || value > 65535 || (*at && *at != '/'))
        return "the port is a number from 1 to 65535";
    *port = (uint16_t)value;
    *proto = strcasecmp(at, "/udp") == 0 ? IPPROTO_UDP : IPPROTO_TCP;
    return !*at || *proto == IPPROTO_UDP || strcasecmp(at, "/tcp") == 0
               ? NULL
               : "the protocol is tcp or udp";
}

static int bad_name(const char *text, const char *why)
{
    char line[SC_CTL_TEXT];
    snprintf(line, sizeof line,
             "%.120s: %s; a service is written label.provider.scaffold[:port[/proto]]", text, why);
    sc_explain(EINVAL, line);
    sc_explain_both(EINVAL, EAI_NONAME);
    errno = EINVAL;
    return EAI_NONAME;
}

int sc_service_parse(const char *text, struct sockaddr_scaffold *addr)
{
    struct sc_ctl_reply r;
    char name[SC_CTL_NAME] = "";
    size_t len = strcspn(text, ":");
    uint16_t port;
    uint8_t proto;
    sc_explain_forget();
    const char *why = len < sizeof name ? read_suffix(text + len, &port, &proto)
                                        : "the name is longer than 253 characters";
    if (why)
        return bad_name(text, why);
    memcpy(name, text, len);
    int err = sc_resolve(name, &r);
    if (err)
        return err;
    *addr = (struct sockaddr_scaffold){.sc_family = AF_SCAFFOLD};
    memcpy(addr->sc_service.bytes, r.service, sizeof r.service);
    sc_service_set_port(addr->sc_service.bytes, port, proto);
    return 0;
}

API int scaffold_service_parse(const char *text, struct sockaddr_scaffold *addr)
{
    return sc_service_parse(text, addr) == 0 ? 0 : -1;
}

/* The name that scaffoldd knows the service by. */
static bool reverse_service(const uint8_t id[32], char name[SC_CTL_NAME])
{
    struct sc_ctl_request q = sc_control_request(SC_CTL_REVERSE);
    struct sc_ctl_reply r;
    q.reverse.by_service = 1;
    memcpy(q.reverse.service, id, sizeof q.reverse.service);
    if (sc_control_call(&q, &r, true) < 0 || !*r.name)
        return false;
    r.name[strcspn(r.name, ":")] = 0;
    memcpy(name, r.name, SC_CTL_NAME);
    return true;
}

API int scaffold_service_format(const struct sockaddr_scaffold *addr, char *buf, size_t size)
{
    char name[SC_CTL_NAME];
    char text[SCAFFOLD_SERVICE_STRLEN];
    const uint8_t *id = addr->sc_service.bytes;
    unsigned port = sc_service_port(id);
    int kept = errno;
    sc_explain_forget();
    if (addr->sc_family != AF_SCAFFOLD)
        return refuse(EINVAL, "the address's family is not AF_SCAFFOLD");
    int len;
    if (reverse_service(id, name)) {
        len = port == 0 ? snprintf(text, sizeof text, "%s", name)
                        : snprintf(text, sizeof text, "%s:%u/%s", name, port,
                                   sc_service_proto(id) == IPPROTO_UDP ? "udp" : "tcp");
    } else {
        len = snprintf(text, sizeof text, "id:");
        for (size_t i = 0; i < sizeof addr->sc_service.bytes; i++)
            len += snprintf(text + len, 3, "%02x", id[i]);
    }
    if ((size_t)len >= size)
        return refuse(ENOSPC, "the name does not fit; SCAFFOLD_SERVICE_STRLEN bytes always do");
    memcpy(buf, text, (size_t)len + 1);
    errno = kept;
    return len;
}
