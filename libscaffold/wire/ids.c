#include "wire/ids.h"

#include <arpa/inet.h>
#include <stdio.h>

void sc_underlay_read(struct sc_reader *r, struct sc_underlay *u)
{
    u->family = sc_read_u8(r);
    u->port = sc_read_u16(r);
    sc_read_copy(r, u->ip, sizeof u->ip);
    if (u->family != 0 && u->family != 4 && u->family != 6)
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
