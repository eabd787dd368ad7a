#include "client/explain/why.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* {ip} and {port} are those of the address that decided; {service} is its name. */
static const struct reason {
    const char *code;
    const char *text;
} reasons[] = {
    [SC_WHY_UNKNOWN] = {"unknown", "opened before anybody looked"},
    [SC_WHY_SERVICE_ADDRESS] = {"service-address", "{ip} is {service}"},
    [SC_WHY_SERVICE_NAMED] = {"service-named", "the program names {service} itself"},
    [SC_WHY_ALL_LOCAL] = {"all-local", "{ip} is loopback and --all-local is set"},
    [SC_WHY_OWN_ADDRESS] = {"own-address", "{ip} is this host's own and --all-local is set"},
    [SC_WHY_CAPTURED] = {"captured", "listens on port {port}, SCAFFOLD_SERVICE names it"},
    [SC_WHY_ACCEPTED] = {"accepted", "accepted by a listener of {service}"},
    [SC_WHY_LOOPBACK] = {"loopback", "{ip} is loopback; --all-local is not set"},
    [SC_WHY_BOUND_LOOPBACK] = {"bound-loopback",
                               "bound to loopback explicitly; --all-local is not set"},
    [SC_WHY_NOT_A_SERVICE] = {"not-a-service", "{ip} is not a service address"},
    [SC_WHY_NOT_CAPTURED] = {"not-captured", "SCAFFOLD_SERVICE does not name port {port}"},
    [SC_WHY_NO_SERVICE] = {"no-service", "SCAFFOLD_SERVICE is not set"},
    [SC_WHY_ACCEPTED_IP] = {"accepted-ip", "accepted by a listener on plain IP"},
    [SC_WHY_MULTICAST] = {"multicast", "{ip} is multicast"},
    [SC_WHY_BROADCAST] = {"broadcast", "{ip} is broadcast"},
    [SC_WHY_RAW] = {"raw", "raw socket"},
    [SC_WHY_PROTOCOL] = {"protocol", "its protocol is neither TCP nor UDP"},
    [SC_WHY_PLAIN_BEFORE] = {"plain-before",
                             "{ip} is a service address, but the socket was plain IP already"},
};

const char *sc_why_code(enum sc_why why)
{
    return reasons[why].code;
}

size_t sc_ip_text(const struct sc_address *a, char *out, size_t size)
{
    bool v4 = sc_address_is_v4(a);
    *out = 0;
    inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a->ip + 12 : a->ip, out, (socklen_t)size);
    return strlen(out);
}

size_t sc_address_text(const struct sc_address *a, char *out, size_t size)
{
    char ip[INET6_ADDRSTRLEN];
    sc_ip_text(a, ip, sizeof ip);
    int n = snprintf(out, size, sc_address_is_v4(a) ? "%s:%u" : "[%s]:%u", ip, a->port);
    return (size_t)n < size ? (size_t)n : size - 1;
}

/* Appends what `key`, the name between braces, stands for. */
static int value_of(const char *key, const struct sc_address *a, const char *service, char *out,
                    size_t size)
{
    char ip[INET6_ADDRSTRLEN];
    if (*key == 'p')
        return snprintf(out, size, "%u", a->port);
    if (*key == 's')
        return snprintf(out, size, "%s", service ? service : "a service");
    sc_ip_text(a, ip, sizeof ip);
    return snprintf(out, size, "%s", ip);
}

size_t sc_why_text(enum sc_why why, const struct sc_address *a, const char *service, char *out,
                   size_t size)
{
    const char *at = reasons[why].text;
    size_t n = 0;
    while (*at && n + 1 < size) {
        if (*at != '{') {
            out[n++] = *at++;
            continue;
        }
        int added = value_of(at + 1, a, service, out + n, size - n);
        n += (size_t)added < size - n ? (size_t)added : size - n - 1;
        at += strcspn(at, "}") + 1;
    }
    out[n] = 0;
    return n;
}
