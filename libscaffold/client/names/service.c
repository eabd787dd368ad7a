/* The public API: what scaffold/scaffold.h has beyond libc's names (client/entries.h), and
 * sockets. */
#include "scaffold/scaffold.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "client/explain/log.h"
#include "client/names/names.h"
#include "client/options/protocol.h"
#include "client/options/shadow.h"
#include "client/process/control.h"
#include "client/process/descriptors.h"
#include "client/process/identity.h"
#include "client/process/real.h"

#define API __attribute__((visibility("default")))

static int refuse(int error, const char *line)
{
    sc_control_explain(error, line);
    errno = error;
    return -1;
}

/* --- sockets
 * ------------------------------------------------------------------------------------------ */

static int socket_unlogged(int domain, int type, int protocol)
{
    if (domain != AF_SCAFFOLD) {
        int plain = sc_next.socket(domain, type, protocol);
        sc_protocol_note(protocol);
        bool ip = domain == AF_INET || domain == AF_INET6;
        sc_marks_begin(plain, ip);
        if (ip)
            sc_touched_begin(plain);
        return plain;
    }
    int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (kind != SOCK_STREAM && kind != SOCK_DGRAM)
        return refuse(ESOCKTNOSUPPORT, "AF_SCAFFOLD has SOCK_STREAM and SOCK_DGRAM");
    int own_protocol = kind == SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP;
    if (protocol != 0 && protocol != own_protocol)
        return refuse(EPROTONOSUPPORT, "AF_SCAFFOLD has IPPROTO_TCP for SOCK_STREAM and "
                                       "IPPROTO_UDP for SOCK_DGRAM; 0 stands for either");
    int fd = sc_real.socket(AF_INET, type, own_protocol);
    if (fd < 0)
        return fd;
    sc_marks_forget(fd);
    sc_touched_begin(fd);
    sc_shadow_set(sc_cookie(fd), SC_SHADOW_FAMILY, SC_FAMILY_SCAFFOLD);
    sc_note_service_socket();
    return fd;
}

int sc_socket(int domain, int type, int protocol)
{
    sc_control_forget();
    int fd = socket_unlogged(domain, type, protocol);
    if (fd >= 0 && sc_log_on())
        sc_log_made(fd);
    return fd;
}

/* --- names
 * -------------------------------------------------------------------------------------------- */

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
    sc_control_explain(EINVAL, line);
    sc_control_explain_both(EINVAL, EAI_NONAME);
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
    sc_control_forget();
    const char *why = len < sizeof name ? read_suffix(text + len, &port, &proto)
                                        : "the name is longer than 253 characters";
    if (why)
        return bad_name(text, why);
    memcpy(name, text, len);
    int err = sc_resolve(name, &r);
    if (err)
        return err;
    *addr = (struct sockaddr_scaffold){.sc_family = AF_SCAFFOLD};
    uint8_t *id = addr->sc_service.bytes;
    memcpy(id, r.service, sizeof r.service);
    id[28] = (uint8_t)(port >> 8);
    id[29] = (uint8_t)port;
    id[30] = proto;
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
    unsigned port = (unsigned)id[28] << 8 | id[29];
    int kept = errno;
    sc_control_forget();
    if (addr->sc_family != AF_SCAFFOLD)
        return refuse(EINVAL, "the address's family is not AF_SCAFFOLD");
    int len;
    if (reverse_service(id, name)) {
        len = port == 0 ? snprintf(text, sizeof text, "%s", name)
                        : snprintf(text, sizeof text, "%s:%u/%s", name, port,
                                   id[30] == IPPROTO_UDP ? "udp" : "tcp");
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

/* --- the rest
 * ----------------------------------------------------------------------------------------- */

API const char *scaffold_strerror(int error)
{
    const char *text = sc_control_explanation(error);
    return text ? text : error < 0 ? gai_strerror(error) : strerror(error);
}

API const char *scaffold_version(void)
{
    return SCAFFOLD_VERSION;
}
