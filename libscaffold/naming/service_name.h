/* Names and service ids: `label.provider.scaffold[:port[/proto]]`, see
 * docs/protocol.md. Pure; SHA-256 is libcrypto's. */
#ifndef SC_NAMING_SERVICE_NAME_H
#define SC_NAMING_SERVICE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "naming/provider.h"
#include "wire/ids.h"

struct sc_service_name {
    char label[SC_NAME_MAX + 1];    /* "web", "a.b" */
    char provider[SC_NAME_MAX + 1]; /* "acme" */
    uint16_t port;                  /* 0: none given */
    uint8_t proto;                  /* 6, 17; 0 when no port was given */
};

/* Parses; upper case is folded, a final dot allowed. Returns 0, or -EINVAL and *why a constant text
 * that says what is wrong ("label is empty", ...). why may be NULL. */
int sc_service_name_read(const char *text, struct sc_service_name *out, const char **why);

/* The name of a host itself, `HOST.host.scaffold`. HOST has no dot. Returns 0 or -EINVAL. */
int sc_service_name_of_host(const char *host, struct sc_service_name *out);

/* Length of HOST, in front of a name that is written like this; 0: the name is not a host's. */
size_t sc_service_name_host_len(const char *name);

/* True for what a name's provider may be called, unless it is the hash itself. */
bool sc_service_name_is_alias(const char *provider);

/* Writes `label.provider.scaffold` and, with port, `:port/proto` (the proto only when it is not
 * tcp). Returns the length, or -ENOSPC. */
int sc_service_name_write(const struct sc_service_name *n, char *buf, size_t size);

/* The id, whoever the provider is: its bytes, and the first 8 of SHA-256 of the label. */
void sc_service_name_to_id(const struct sc_service_name *n, const uint8_t provider[SC_PROVIDER_LEN],
                           struct sc_service_id *id);

/* 80 bits for the ULA address of a service or host: the first 10 bytes of SHA-256 of the id with
 * port and protocol 0. */
void sc_id_ula_hash(const struct sc_service_id *id, uint8_t out[10]);

#endif
