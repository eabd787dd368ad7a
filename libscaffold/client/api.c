/* The public API: what scaffold/scaffold.h has beyond libc's names (client/entries.h), and
 * sockets. */
#include "scaffold/scaffold.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "client/control.h"
#include "client/descriptors.h"
#include "client/identity.h"
#include "client/log.h"
#include "client/names.h"
#include "client/real.h"
#include "client/shadow.h"

#define API __attribute__((visibility("default")))

static int fail(int error)
{
    errno = error;
    return -1;
}

/* --- sockets
 * ------------------------------------------------------------------------------------------ */

static int socket_unlogged(int domain, int type, int protocol)
{
    if (domain != AF_SCAFFOLD) {
        int plain = sc_real.socket(domain, type, protocol);
        bool ip = domain == AF_INET || domain == AF_INET6;
        sc_marks_replace(plain, ip ? SC_MARK_PLAIN : 0u);
        if (ip)
            sc_touched_begin(plain);
        return plain;
    }
    int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (kind != SOCK_STREAM && kind != SOCK_DGRAM)
        return fail(ESOCKTNOSUPPORT);
    int own_protocol = kind == SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP;
    if (protocol != 0 && protocol != own_protocol)
        return fail(EPROTONOSUPPORT);
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

/* ":80", ":80/tcp" or nothing. */
static bool read_suffix(const char *text, uint16_t *port, uint8_t *proto)
{
    unsigned value = 0;
    *port = 0;
    *proto = 0;
    if (!*text)
        return true;
    const char *at = ++text;
    while (*at >= '0' && *at <= '9' && at - text < 5)
        value = value * 10 + (unsigned)(*at++ - '0');
    if (at == text || value == 0 || value > 65535)
        return false;
    *port = (uint16_t)value;
    *proto = strcasecmp(at, "/udp") == 0 ? IPPROTO_UDP : IPPROTO_TCP;
    return !*at || *proto == IPPROTO_UDP || strcasecmp(at, "/tcp") == 0;
}

API int scaffold_service_parse(const char *text, struct sockaddr_scaffold *addr)
{
    struct sc_ctl_reply r;
    char name[SC_CTL_NAME] = "";
    size_t len = strcspn(text, ":");
    uint16_t port;
    uint8_t proto;
    if (len >= sizeof name || !read_suffix(text + len, &port, &proto)) {
        sc_control_explain(EINVAL, "a service is written label.provider.scaffold[:port[/proto]]");
        return fail(EINVAL);
    }
    memcpy(name, text, len);
    int err = sc_resolve(name, &r);
    if (err)
        return fail(err == EAI_NONAME ? EINVAL : ENETDOWN);
    *addr = (struct sockaddr_scaffold){.sc_family = AF_SCAFFOLD};
    uint8_t *id = addr->sc_service.bytes;
    memcpy(id, r.service, sizeof r.service);
    id[28] = (uint8_t)(port >> 8);
    id[29] = (uint8_t)port;
    id[30] = proto;
    return 0;
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
    if (addr->sc_family != AF_SCAFFOLD)
        return fail(EINVAL);
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
        return fail(ENOSPC);
    memcpy(buf, text, (size_t)len + 1);
    errno = kept;
    return len;
}

/* --- the rest
 * ----------------------------------------------------------------------------------------- */

API const char *scaffold_strerror(int error)
{
    const char *text = sc_control_explanation(error);
    return text && *text ? text : strerror(error);
}

API const char *scaffold_version(void)
{
    return SCAFFOLD_VERSION;
}
