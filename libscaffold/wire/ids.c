#include "wire/ids.h"

#include <arpa/inet.h>
#include <stdio.h>

/* One endpoint, one form: what is compared byte by byte must not have two. */
static bool is_canonical(const struct sc_underlay *u)
{
    static const uint8_t zeros[16];
    switch (u->family) {
    case 0:
        return u->port == 0 && memcmp(u->ip, zeros, 16) == 0;
    case 4:
        return memcmp(u->ip + 4, zeros, 12) == 0;
    default:
        return u->family == 6;
    }
}

void sc_underlay_read(struct sc_reader *r, struct sc_underlay *u)
{
    u->family = sc_read_u8(r);
    u->port = sc_read_u16(r);
    sc_read_copy(r, u->ip, sizeof u->ip);
    if (!is_canonical(u))
        r->bad = true;
}

void sc_underlay_write(struct sc_writer *w, const struct sc_underlay *u)
{
    sc_write_u8(w, u->family);
    sc_write_u16(w, u->port);
    sc_write_copy(w, u->ip, sizeof u->ip);
}

char *sc_underlay_format(const struct sc_underlay *u, char *buf, size_t size)
{
    char ip[INET6_ADDRSTRLEN] = "";
    if (u->family == 0) {
        snprintf(buf, size, "none");
        return buf;
    }
    inet_ntop(u->family == 4 ? AF_INET : AF_INET6, u->ip, ip, sizeof ip);
    snprintf(buf, size, u->family == 4 ? "%s:%u" : "[%s]:%u", ip, u->port);
    return buf;
}
