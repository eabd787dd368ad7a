#include "daemon/underlay/router_name.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/config.h"
#include "wire/ids.h"

static const char *const form = "give it as HOST, HOST:PORT or [IPV6]:PORT";

/* The first `len` bytes, where they are a host's name or address. */
static bool take_host(struct sc_router_name *out, const char *text, size_t len, const char **why)
{
    *why = len ? "the host's name is too long" : "there is no host in it";
    if (len == 0 || len >= sizeof out->host)
        return false;
    memcpy(out->host, text, len);
    out->host[len] = 0;
    *why = "a host's name has no spaces, slashes, brackets or control characters";
    for (const char *p = out->host; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f || strchr("/[]\\\"'@,", *p))
            return false;
    return true;
}

/* What follows the host: nothing, or a colon and a number. */
static bool take_port(struct sc_router_name *out, const char *text, const char **why)
{
    snprintf(out->port, sizeof out->port, "%d", SC_DEFAULT_PORT);
    *why = form;
    if (!*text)
        return true;
    size_t digits = strspn(text + (*text == ':'), "0123456789");
    if (*text != ':' || text[1 + digits])
        return false;
    long port = digits && digits <= 5 ? strtol(text + 1, NULL, 10) : 0;
    *why = "the port is a number from 1 to 65535";
    snprintf(out->port, sizeof out->port, "%ld", port & 0xffff);
    return port >= 1 && port <= 65535;
}

static bool is_v6(const char *text)
{
    struct in6_addr in6;
    char plain[INET6_ADDRSTRLEN + 1];
    snprintf(plain, sizeof plain, "%.*s", (int)strcspn(text, "%"), text); /* without its zone */
    return inet_pton(AF_INET6, plain, &in6) == 1;
}

static bool read_bracketed(const char *text, struct sc_router_name *out, const char **why)
{
    const char *end = strchr(text, ']');
    *why = "the bracket is not closed; give it as [IPV6]:PORT";
    if (!end)
        return false;
    if (!take_host(out, text + 1, (size_t)(end - text - 1), why))
        return false;
    *why = "there is no IPv6 address in the brackets";
    return is_v6(out->host) && take_port(out, end + 1, why);
}

int sc_router_name_read(const char *text, struct sc_router_name *out, const char **why)
{
    const char *colon = strchr(text, ':');
    bool fine;
    if (*text == '[')
        fine = read_bracketed(text, out, why);
    else if (colon && strchr(colon + 1, ':')) /* two: an address without brackets */
        fine = (*why = form, is_v6(text)) && take_host(out, text, strlen(text), why) &&
               take_port(out, "", why);
    else
        fine = take_host(out, text, colon ? (size_t)(colon - text) : strlen(text), why) &&
               take_port(out, colon ? colon : "", why);
    return fine ? 0 : -1;
}

int sc_router_name_resolve(const struct sc_router_name *n, struct sc_underlay *out,
                           const char **why)
{
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV}, *res;
    int err = getaddrinfo(n->host, n->port, &hints, &res);
    if (err) {
        *why = gai_strerror(err);
        return -1;
    }
    *out = (struct sc_underlay){.family = res->ai_family == AF_INET ? 4 : 6};
    if (out->family == 4) {
        const struct sockaddr_in *sin = (const void *)res->ai_addr;
        out->port = ntohs(sin->sin_port);
        memcpy(out->ip, &sin->sin_addr, 4);
    } else {
        const struct sockaddr_in6 *sin6 = (const void *)res->ai_addr;
        out->port = ntohs(sin6->sin6_port);
        memcpy(out->ip, &sin6->sin6_addr, 16);
    }
    freeaddrinfo(res);
    return 0;
}
