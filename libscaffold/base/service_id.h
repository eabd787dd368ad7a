/* A service in 32 bytes, as packets, control messages and the public API have it:
 * 16 provider | 8 label | 4 partition | 2 port | 1 IP protocol | 1 version.
 * Port and protocol 0 are the prefix of all its ports. */
#ifndef SC_BASE_SERVICE_ID_H
#define SC_BASE_SERVICE_ID_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define SC_SERVICE_ID_LEN 32
#define SC_SERVICE_ID_VERSION 1

/* --- its bytes, wherever they stand ----------------------------------------------------------- */

static inline uint16_t sc_service_port(const uint8_t id[SC_SERVICE_ID_LEN])
{
    return (uint16_t)(id[28] << 8 | id[29]);
}

static inline uint8_t sc_service_proto(const uint8_t id[SC_SERVICE_ID_LEN])
{
    return id[30];
}

static inline void sc_service_set_port(uint8_t id[SC_SERVICE_ID_LEN], uint16_t port, uint8_t proto)
{
    id[28] = (uint8_t)(port >> 8);
    id[29] = (uint8_t)port;
    id[30] = proto;
}

/* --- as a value ------------------------------------------------------------------------------- */

struct sc_service_id {
    uint8_t bytes[SC_SERVICE_ID_LEN];
};

static inline bool sc_service_id_equal(const struct sc_service_id *a, const struct sc_service_id *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static inline uint16_t sc_service_id_port(const struct sc_service_id *s)
{
    return sc_service_port(s->bytes);
}

static inline uint8_t sc_service_id_proto(const struct sc_service_id *s)
{
    return sc_service_proto(s->bytes);
}

/* The same service at another port. */
static inline struct sc_service_id sc_service_id_at(struct sc_service_id s, uint16_t port,
                                                    uint8_t proto)
{
    sc_service_set_port(s.bytes, port, proto);
    return s;
}

#endif
