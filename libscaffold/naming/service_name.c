#include "naming/service_name.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUFFIX ".scaffold"
#define HOST_SUFFIX ".host" SUFFIX
/* RFC 1035 2.3.4 */
#define PART_MAX 63

static int wrong(const char **why, const char *text)
{
    if (why)
        *why = text;
    return -EINVAL;
}

/* One part between dots: letters, digits and inner hyphens. */
static int check_part(const char *part, size_t len, const char **why)
{
    if (len == 0)
        return wrong(why, "a part of the name is empty");
    if (len > PART_MAX)
        return wrong(why, "a part of the name is longer than 63 characters");
    if (part[0] == '-' || part[len - 1] == '-')
        return wrong(why, "a part of the name starts or ends with a hyphen");
    for (size_t i = 0; i < len; i++)
        if (!islower((unsigned char)part[i]) && !isdigit((unsigned char)part[i]) && part[i] != '-')
            return wrong(why, "a name has letters, digits, hyphens and dots only");
    return 0;
}

static int check_parts(const char *name, const char **why)
{
    for (;;) {
        size_t len = strcspn(name, ".");
        int err = check_part(name, len, why);
        if (err < 0 || name[len] == 0)
            return err;
        name += len + 1;
    }
}

static int read_proto(const char *text, uint8_t *proto, const char **why)
{
    char *end;
    if (strcmp(text, "tcp") == 0)
        *proto = IPPROTO_TCP;
    else if (strcmp(text, "udp") == 0)
        *proto = IPPROTO_UDP;
    else {
        unsigned long n = strtoul(text, &end, 10);
        if (!isdigit((unsigned char)*text) || *end || n == 0 || n > 255)
            return wrong(why, "the protocol is tcp, udp or a number from 1 to 255");
        *proto = (uint8_t)n;
    }
    return 0;
}

/* ":port[/proto]"; cuts it off. */
static int read_port(char *name, struct sc_service_name *out, const char **why)
{
    char *colon = strchr(name, ':');
    if (!colon)
        return 0;
    *colon++ = 0;
    char *slash = strchr(colon, '/');
    if (slash)
        *slash++ = 0;
    char *end;
    unsigned long port = strtoul(colon, &end, 10);
    if (!isdigit((unsigned char)*colon) || *end || port == 0 || port > 65535)
        return wrong(why, "the port is a number from 1 to 65535");
    out->port = (uint16_t)port;
    out->proto = IPPROTO_TCP;
    return slash ? read_proto(slash, &out->proto, why) : 0;
}

int sc_service_name_read(const char *text, struct sc_service_name *out, const char **why)
{
    char name[SC_NAME_MAX + 32];
    size_t len = strlen(text);
    *out = (struct sc_service_name){0};
    if (len >= sizeof name)
        return wrong(why, "the name is longer than 253 characters");
    for (size_t i = 0; i <= len; i++)
        name[i] = (char)tolower((unsigned char)text[i]);
    if (read_port(name, out, why) < 0)
        return -EINVAL;
    len = strlen(name);
    if (len && name[len - 1] == '.') /* fully qualified */
        name[--len] = 0;
    if (len > SC_NAME_MAX)
        return wrong(why, "the name is longer than 253 characters");
    if (len <= strlen(SUFFIX) || strcmp(name + len - strlen(SUFFIX), SUFFIX) != 0)
        return wrong(why, "a service's name ends in .scaffold");
    name[len - strlen(SUFFIX)] = 0;
    if (check_parts(name, why) < 0)
        return -EINVAL;
    char *dot = strrchr(name, '.');
    if (!dot)
        return wrong(why, "the provider is missing before .scaffold");
    *dot = 0;
    strcpy(out->label, name);
    strcpy(out->provider, dot + 1);
    return 0;
}

int sc_service_name_of_host(const char *host, struct sc_service_name *out)
{
    char text[SC_HOST_NAME_MAX + 32];
    if (strlen(host) > SC_HOST_NAME_MAX || strpbrk(host, ".:"))
        return -EINVAL;
    snprintf(text, sizeof text, "%s" HOST_SUFFIX, host);
    return sc_service_name_read(text, out, NULL);
}

size_t sc_service_name_host_len(const char *name)
{
    size_t len = strcspn(name, ".");
    return strcmp(name + len, HOST_SUFFIX) == 0 ? len : 0;
}

bool sc_service_name_is_alias(const char *provider)
{
    uint8_t hash[SC_PROVIDER_LEN];
    return check_part(provider, strlen(provider), NULL) == 0 && !sc_provider_read(provider, hash);
}

int sc_service_name_write(const struct sc_service_name *n, char *buf, size_t size)
{
    int len = snprintf(buf, size, "%s.%s" SUFFIX, n->label, n->provider);
    if (n->port && len >= 0 && (size_t)len < size) {
        const char *format = n->proto == IPPROTO_TCP   ? ":%u"
                             : n->proto == IPPROTO_UDP ? ":%u/udp"
                                                       : ":%u/%u";
        len += snprintf(buf + len, size - (size_t)len, format, n->port, n->proto);
    }
    return len < 0 || (size_t)len >= size ? -ENOSPC : len;
}

static void sha256(const void *data, size_t len, uint8_t out[32])
{
    if (EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) != 1)
        abort(); /* libcrypto without SHA-256: nothing here could be right */
}

void sc_service_name_to_id(const struct sc_service_name *n, const uint8_t provider[SC_PROVIDER_LEN],
                           struct sc_service_id *id)
{
    uint8_t digest[32];
    memset(id, 0, sizeof *id);
    memcpy(id->bytes, provider, SC_PROVIDER_LEN);
    sha256(n->label, strlen(n->label), digest);
    memcpy(id->bytes + 16, digest, 8);
    sc_service_set_port(id->bytes, n->port, n->proto);
    id->bytes[31] = SC_SERVICE_ID_VERSION;
}

void sc_id_ula_hash(const struct sc_service_id *id, uint8_t out[10])
{
    uint8_t digest[32];
    struct sc_service_id base = sc_service_id_at(*id, 0, 0);
    sha256(base.bytes, sizeof base.bytes, digest);
    memcpy(out, digest, 10);
}
