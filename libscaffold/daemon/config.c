#include "daemon/config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
    "usage: scaffoldd [options]\n"
    "\n"
    "The SCAFFOLD stack of one host: carries the flows of its programs, answers for their "
    "services,\n"
    "and, unless --router names another, is the service router.\n"
    "\n"
    "  --config FILE          settings in TOML; flags go over them. Keys: name, router, listen, "
    "port,\n"
    "                         runtime_dir, state_dir, pool, congestion, log, idle_exit,\n"
    "                         insecure_network, require_verified, and [allow] uids\n"
    "  --name HOST            this host's name, HOST.host.scaffold (default: the machine's)\n"
    "  --router HOST[:PORT]   the service router to register with and resolve through\n"
    "  --port N               UDP port (default 7213, any other when that is taken; 0: any)\n"
    "  --listen ADDRESS       UDP address (default: loopback)\n"
    "  --insecure-network     listen beyond loopback although no keys protect the network\n"
    "  --runtime-dir DIR      where programs find it (default: $SCAFFOLD_RUNTIME_DIR,\n"
    "                         $XDG_RUNTIME_DIR/scaffold or /run/scaffold)\n"
    "  --state-dir DIR        what must survive a restart\n"
    "  --pool ADDRESS/BITS    addresses that stand for services (default 198.18.0.0/15)\n"
    "  --congestion NAME      cubic (default) or newreno\n"
    "  --idle-exit SECONDS    end this long after the last socket (0: never)\n"
    "  --ready-fd FD          write one line there when everything is up\n"
    "  --log LEVEL            error, warn, info (default) or debug\n"
    "  --version, --help\n"
    "\n"
    "example: scaffoldd --name b --router 10.0.0.1 --insecure-network\n";

enum flag {
    F_CONFIG = 1,
    F_NAME,
    F_ROUTER,
    F_PORT,
    F_LISTEN,
    F_INSECURE,
    F_RUNTIME,
    F_STATE,
    F_POOL,
    F_CONGESTION,
    F_IDLE,
    F_READY,
    F_LOG,
    F_VERSION,
    F_HELP,
};

static const struct option options[] = {
    {"config", required_argument, NULL, F_CONFIG},
    {"name", required_argument, NULL, F_NAME},
    {"router", required_argument, NULL, F_ROUTER},
    {"port", required_argument, NULL, F_PORT},
    {"listen", required_argument, NULL, F_LISTEN},
    {"insecure-network", no_argument, NULL, F_INSECURE},
    {"runtime-dir", required_argument, NULL, F_RUNTIME},
    {"state-dir", required_argument, NULL, F_STATE},
    {"pool", required_argument, NULL, F_POOL},
    {"congestion", required_argument, NULL, F_CONGESTION},
    {"idle-exit", required_argument, NULL, F_IDLE},
    {"ready-fd", required_argument, NULL, F_READY},
    {"log", required_argument, NULL, F_LOG},
    {"version", no_argument, NULL, F_VERSION},
    {"help", no_argument, NULL, F_HELP},
    {NULL, 0, NULL, 0},
};

/* A directory of this user: beside $name when that is set, else under `system` for root, else under
 * the home directory. */
static void user_dir(char *out, size_t size, const char *variable, const char *system,
                     const char *home_part)
{
    const char *xdg = getenv(variable);
    const char *home = getenv("HOME");
    if (xdg && *xdg)
        snprintf(out, size, "%s/scaffold", xdg);
    else if (geteuid() == 0 || !home)
        snprintf(out, size, "%s", system);
    else
        snprintf(out, size, "%s/%s/scaffold", home, home_part);
}

static void default_runtime_dir(struct sc_config *c)
{
    const char *given = getenv("SCAFFOLD_RUNTIME_DIR");
    const char *xdg = getenv("XDG_RUNTIME_DIR");
    if (given && *given)
        snprintf(c->runtime_dir, sizeof c->runtime_dir, "%s", given);
    else if (xdg && *xdg)
        snprintf(c->runtime_dir, sizeof c->runtime_dir, "%s/scaffold", xdg);
    else
        snprintf(c->runtime_dir, sizeof c->runtime_dir, "/run/scaffold");
}

/* The machine's name up to its first dot, with what a label cannot hold replaced. */
static void default_host_name(struct sc_config *c)
{
    char name[256] = "";
    gethostname(name, sizeof name - 1);
    size_t n = 0;
    for (const char *p = name; *p && *p != '.' && n < SC_HOST_NAME_MAX; p++) {
        char ch = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
        bool fine = (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || (ch == '-' && n > 0);
        if (fine)
            c->host_name[n++] = ch;
    }
    while (n > 0 && c->host_name[n - 1] == '-')
        n--;
    c->host_name[n] = 0;
    if (n == 0)
        strcpy(c->host_name, "host");
}

void sc_config_init(struct sc_config *c)
{
    *c = (struct sc_config){.port = -1, .ready_fd = -1, .log_level = SC_LOG_INFO};
    default_runtime_dir(c);
    user_dir(c->state_dir, sizeof c->state_dir, "XDG_STATE_HOME", "/var/lib/scaffold",
             ".local/state");
    default_host_name(c);
    sc_pool4_parse(getenv("SCAFFOLD_POOL"), &c->pool);
    strcpy(c->congestion, "cubic");
    if (getrandom(&c->seed, sizeof c->seed, 0) != sizeof c->seed)
        abort();
}

static int too_long(const char *flag, size_t room, char *why, size_t size)
{
    snprintf(why, size, "--%s is longer than %zu bytes", flag, room - 1);
    return -1;
}

static int set_text(char *out, size_t room, const char *flag, const char *value, char *why,
                    size_t size)
{
    if (strlen(value) >= room)
        return too_long(flag, room, why, size);
    strcpy(out, value);
    return 0;
}

static int set_number(int *out, long low, long high, const char *flag, const char *value, char *why,
                      size_t size)
{
    char *end;
    errno = 0;
    long n = strtol(value, &end, 10);
    if (errno || end == value || *end || n < low || n > high) {
        snprintf(why, size, "--%s %s: give a number from %ld to %ld", flag, value, low, high);
        return -1;
    }
    *out = (int)n;
    return 0;
}

static int apply(struct sc_config *c, int flag, const char *value, char *why, size_t size)
{
    switch (flag) {
    case F_NAME:
        return set_text(c->host_name, sizeof c->host_name, "name", value, why, size);
    case F_ROUTER:
        return set_text(c->router, sizeof c->router, "router", value, why, size);
    case F_LISTEN:
        return set_text(c->listen, sizeof c->listen, "listen", value, why, size);
    case F_RUNTIME:
        return set_text(c->runtime_dir, sizeof c->runtime_dir, "runtime-dir", value, why, size);
    case F_STATE:
        return set_text(c->state_dir, sizeof c->state_dir, "state-dir", value, why, size);
    case F_CONGESTION:
        return set_text(c->congestion, sizeof c->congestion, "congestion", value, why, size);
    case F_PORT:
        return set_number(&c->port, 0, 65535, "port", value, why, size);
    case F_IDLE:
        return set_number(&c->idle_exit_s, 0, 86400, "idle-exit", value, why, size);
    case F_READY:
        return set_number(&c->ready_fd, 0, 1 << 20, "ready-fd", value, why, size);
    case F_INSECURE:
        c->insecure_network = true;
        return 0;
    case F_POOL:
        if (sc_pool4_parse(value, &c->pool) == 0)
            return 0;
        snprintf(why, size, "--pool %s: give it as 198.18.0.0/15, with 8 to 30 bits", value);
        return -1;
    case F_LOG:
        if (sc_log_parse_level(value, &c->log_level) == 0)
            return 0;
        snprintf(why, size, "--log %s: give error, warn, info or debug", value);
        return -1;
    default:
        return 0;
    }
}

/* One pass over the flags; `file` chooses between --config alone and all others. */
static int pass(struct sc_config *c, int argc, char **argv, bool file, char *why, size_t size)
{
    int flag, err = 0;
    optind = 0;
    opterr = 0;
    while (err == 0 && (flag = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (flag == '?') {
            snprintf(why, size, "%s: not understood; scaffoldd --help lists the flags",
                     argv[optind - 1]);
            return -1;
        }
        if (file && flag == F_CONFIG)
            err = sc_config_load(c, optarg, why, size);
        else if (file && (flag == F_HELP || flag == F_VERSION)) {
            fputs(flag == F_HELP ? usage : "scaffoldd " SCAFFOLD_VERSION "\n", stdout);
            return 1;
        } else if (!file)
            err = apply(c, flag, optarg, why, size);
    }
    if (err == 0 && optind < argc) {
        snprintf(why, size, "%s: not a flag; scaffoldd --help lists them", argv[optind]);
        return -1;
    }
    return err;
}

int sc_config_flags(struct sc_config *c, int argc, char **argv, char *why, size_t size)
{
    int err = pass(c, argc, argv, true, why, size);
    return err ? err : pass(c, argc, argv, false, why, size);
}
