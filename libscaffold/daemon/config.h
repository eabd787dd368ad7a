/* What scaffoldd is told: defaults, then the TOML file, then flags. */
#ifndef SC_DAEMON_CONFIG_H
#define SC_DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/log.h"
#include "local/address.h"

#define SC_DEFAULT_PORT 7213
#define SC_ALLOW_MAX 64

struct sc_config {
    char runtime_dir[96]; /* short: its socket's path must fit into 108 bytes */
    char state_dir[256];
    char host_name[SC_HOST_NAME_MAX + 1];
    char router[256]; /* HOST[:PORT]; "": this scaffoldd is its own router */
    char listen[64];  /* address; "": loopback, or any with insecure_network */
    int port;         /* -1: SC_DEFAULT_PORT, else any if that is taken */
    bool insecure_network;
    bool require_verified;
    int idle_exit_s; /* 0: never */
    int ready_fd;    /* -1: none; gets one line when everything is up */
    enum sc_log_level log_level;
    struct sc_pool4 pool;
    char congestion[16];
    uint32_t allow[SC_ALLOW_MAX]; /* uids that may serve, besides our own and root */
    size_t allow_count;
    bool allow_all;
    uint64_t seed;
};

/* Defaults, from the environment: runtime and state directory, host name. */
void sc_config_init(struct sc_config *c);

/* Reads a TOML file over *c. Returns 0, or -1 with one line in `why` that names file, place and
 * remedy. Unknown keys are errors: a misspelt setting must not be silently ignored. */
int sc_config_load(struct sc_config *c, const char *path, char *why, size_t size);

/* Reads flags over *c; --config is loaded first, wherever it stands. Returns 0; 1 when the program
 * has done what was asked (--help, --version); -1 with one line in `why`. */
int sc_config_flags(struct sc_config *c, int argc, char **argv, char *why, size_t size);

#endif
