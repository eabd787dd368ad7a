/* What scaffoldd is told: defaults, then the TOML file, then flags.
 *
 *   config.c        the settings, their defaults, and what each value must look like
 *   config_flags.c  the command line
 *   config_toml.cc  the file
 *   config_check.h  what depends on the machine: folders, addresses, the resolver */
#ifndef SC_DAEMON_CONFIG_H
#define SC_DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/log.h"
#include "daemon/allow.h"
#include "daemon/join_token.h"
#include "daemon/problems.h"
#include "daemon/underlay/router_name.h"
#include "local/address.h"
#include "router/right.h"

#define SC_DEFAULT_PORT 7213
/* Entries of [grants]: more are better a pattern. */
#define SC_RIGHTS_MAX 512

enum sc_setting {
    SC_SET_NAME,
    SC_SET_ROUTER,
    SC_SET_JOIN,
    SC_SET_SECURITY,
    SC_SET_PORT,
    SC_SET_LISTEN,
    SC_SET_INSECURE_NETWORK,
    SC_SET_RUNTIME_DIR,
    SC_SET_STATE_DIR,
    SC_SET_POOL,
    SC_SET_CONGESTION,
    SC_SET_PLANE,
    SC_SET_IDLE_EXIT,
    SC_SET_READY_FD,
    SC_SET_LOG,
    SC_SET_LOG_FILE,
    SC_SET_REQUIRE_VERIFIED,
    SC_SETTINGS
};

/* By which plane the flows of programs of this host go that could go by the local one. */
enum sc_plane_wish {
    SC_PLANE_AUTO,  /* the local one, but for those of --all-local */
    SC_PLANE_USER,  /* the user plane: what is carried can be counted, and cut */
    SC_PLANE_LOCAL, /* the local one, those of --all-local as well */
};

struct sc_config {
    char runtime_dir[96]; /* short: its socket's path must fit into 108 bytes */
    char state_dir[256];
    char host_name[SC_HOST_NAME_MAX + 1];
    char router[256]; /* HOST[:PORT]; "": this scaffoldd is its own router */
    struct sc_router_name router_name;
    char join_text[256]; /* --join; "": none */
    struct sc_join_token join;
    char security_name[8];
    bool secure;     /* what hosts and routers say to each other is sealed */
    char listen[64]; /* address; "": loopback, or any with insecure_network */
    int port;        /* -1: SC_DEFAULT_PORT, else any if that is taken */
    bool insecure_network;
    bool require_verified;
    int idle_exit_s; /* 0: never */
    int ready_fd;    /* -1: none; gets one line when everything is up */
    char log_level_name[32];
    enum sc_log_level log_level;
    char log_file[250]; /* "": standard error; room for its ".1" */
    char pool_text[32];
    struct sc_pool4 pool;
    char congestion[16];
    char plane_name[16];
    enum sc_plane_wish plane;
    struct sc_allow allow;
    bool rights_listed; /* [grants] is there */
    size_t right_count;
    struct sc_right right[SC_RIGHTS_MAX];
    uint64_t seed;

    char file[256]; /* the TOML file; "": none */
    bool check;     /* --check: say what is wrong, and do not start */
    /* Where each value came from: a line of the file, SC_LINE_FLAG, or 0 for the default. */
    unsigned line[SC_SETTINGS];
};

#define SC_LINE_FLAG UINT32_MAX

/* A value as a file or a flag has it. */
struct sc_value {
    enum { SC_VALUE_TEXT, SC_VALUE_NUMBER, SC_VALUE_SWITCH, SC_VALUE_OTHER } type;
    const char *text; /* `len` bytes and a final zero */
    size_t len;
    int64_t number; /* SWITCH: 0 or 1 */
};

/* Defaults, from the environment: runtime and state directory, host name. */
void sc_config_init(struct sc_config *c);

/* Reads flags, and the TOML file that they name, over *c; flags win wherever they stand. What is
 * wrong is added to `p`. Returns true when the program has done what was asked (--help, --version).
 */
bool sc_config_read(struct sc_config *c, int argc, char **argv, struct sc_problems *p);

/* Paths that are relative to where scaffoldd was started hold wherever it works from then on.
 * Returns 0, or -1 with a line in `why`. */
int sc_config_make_absolute(struct sc_config *c, char *why, size_t size);

/* Reads c->file over *c. Unknown keys are problems: a misspelt setting must not be silently
 * ignored. */
void sc_config_load(struct sc_config *c, struct sc_problems *p);

/* The setting of a key, or SC_SETTINGS. */
enum sc_setting sc_config_find_key(const char *key);

/* The flag of a setting, and whether it takes a value; NULL when there is none. */
const char *sc_config_flag(enum sc_setting s, bool *has_value);

/* Takes one value; `line` says where it stood. What is wrong with it is added to `p`. */
void sc_config_set(struct sc_config *c, enum sc_setting s, const struct sc_value *v, unsigned line,
                   struct sc_problems *p);

/* Takes one entry of [allow]: `key` is uids, users or groups. */
void sc_config_allow(struct sc_config *c, const char *key, const struct sc_value *v, unsigned line,
                     struct sc_problems *p);

/* Takes one entry of [grants]: what a host may serve of this router's aliases. */
void sc_config_grant(struct sc_config *c, const char *host, const struct sc_value *v, unsigned line,
                     struct sc_problems *p);

/* How people find the setting: "--port 70000", "FILE:3: port 70000", or the key and its default. */
void sc_config_where(const struct sc_config *c, enum sc_setting s, char *out, size_t size);

#endif
