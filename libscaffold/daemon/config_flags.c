/* The command line of config.h. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "daemon/config.h"

static const char usage[] =
    "usage: scaffoldd [options]\n"
    "\n"
    "The SCAFFOLD stack of one host: carries the flows of its programs, answers for their "
    "services,\n"
    "and, unless --router names another, is the service router.\n"
    "\n"
    "  --config FILE          settings in TOML; flags go over them. Keys: name, router, join, "
    "security,\n"
    "                         listen, port, runtime_dir, state_dir, pool, congestion, plane,\n"
    "                         log, log_file, idle_exit, insecure_network, require_verified, and "
    "[allow] users,\n"
    "                         groups, uids\n"
    "  --check                say what is wrong with all of it, and do not start\n"
    "  --name HOST            this host's name, HOST.host.scaffold (default: the machine's)\n"
    "  --router HOST[:PORT]   the service router to register with and resolve through\n"
    "  --join TOKEN           what the router's `scaffold join-token` printed: the key that it "
    "has\n"
    "                         to have, and leave to join; not needed again by this host. @FILE: "
    "the\n"
    "                         first line of a file; -: of standard input\n"
    "  --security NAME        on (default) or off, on every host of the network: off is for\n"
    "                         measuring, and anybody can join, serve and answer\n"
    "  --port N               UDP port (default 7213, any other when that is taken; 0: any)\n"
    "  --listen ADDRESS       UDP address (default: loopback)\n"
    "  --insecure-network     listen beyond loopback although flows are not encrypted\n"
    "  --runtime-dir DIR      where programs find it (default: $SCAFFOLD_RUNTIME_DIR,\n"
    "                         $XDG_RUNTIME_DIR/scaffold, /tmp/scaffold-UID, or for root\n"
    "                         /run/scaffold)\n"
    "  --state-dir DIR        what must survive a restart\n"
    "  --pool ADDRESS/BITS    addresses that stand for services (default 198.18.0.0/15)\n"
    "  --congestion NAME      of flows whose program has not chosen: cubic (default), reno or bbr\n"
    "  --plane NAME           how flows between programs of this host go: auto (default: from\n"
    "                         socket to socket; those of --all-local through scaffoldd), user\n"
    "                         (all through scaffoldd) or local (none)\n"
    "  --idle-exit SECONDS    end this long after the last socket (0: never)\n"
    "  --ready-fd FD          write one line there when everything is up\n"
    "  --log LEVEL            error, warn, info (default) or debug\n"
    "  --log-file FILE        append the log there, 10 MB and as much in FILE.1 (default: stderr)\n"
    "  --version, --help\n"
    "\n"
    "Exit code: 0 after an orderly end, 1 when it could not start or --check found something,\n"
    "2 when a flag or a setting is wrong.\n"
    "\n"
    "example: scaffoldd --name b --router 10.0.0.1 --join sc1-... --insecure-network\n";

/* Flags that are no settings, numbered behind those. */
enum other { CONFIG = SC_SETTINGS, CHECK, VERSION, HELP, FLAGS };

static void list_flags(struct option list[FLAGS + 1])
{
    size_t n = 0;
    for (int s = 0; s < SC_SETTINGS; s++) {
        bool has_value;
        const char *name = sc_config_flag((enum sc_setting)s, &has_value);
        if (name)
            list[n++] = (struct option){name, has_value, NULL, s};
    }
    list[n++] = (struct option){"config", required_argument, NULL, CONFIG};
    list[n++] = (struct option){"check", no_argument, NULL, CHECK};
    list[n++] = (struct option){"version", no_argument, NULL, VERSION};
    list[n++] = (struct option){"help", no_argument, NULL, HELP};
    list[n] = (struct option){0};
}

/* What the flags say: for each its value, and whether it was given. */
struct given {
    char *value[FLAGS];
    bool is_given[FLAGS];
};

static void lacks_value(const char *word, struct sc_problems *p)
{
    sc_problem(p, "%s: it needs a value; scaffoldd --help lists the flags", word);
}

static void note(struct given *g, const char *word, int flag, struct sc_problems *p)
{
    if (optarg && strncmp(optarg, "--", 2) == 0 && !strchr(word, '=')) {
        lacks_value(word, p); /* the next flag was taken for it */
        optind--;
        return;
    }
    if (g->is_given[flag])
        sc_problem(p, "%s: given twice", word);
    g->is_given[flag] = true;
    g->value[flag] = optarg;
}

/* "+": the words keep their places, so that the one that is not understood can be named. */
static void read_words(struct given *g, int argc, char **argv, struct sc_problems *p)
{
    struct option list[FLAGS + 1];
    list_flags(list);
    optind = 1;
    opterr = 0;
    while (optind < argc) {
        const char *word = argv[optind];
        int flag = getopt_long(argc, argv, "+:", list, NULL);
        if (flag == -1) {
            sc_problem(p, "%s: not a flag; scaffoldd --help lists them", word);
            return;
        }
        if (flag == ':')
            lacks_value(word, p);
        else if (flag == '?')
            sc_problem(p, "%s: not understood; scaffoldd --help lists the flags", word);
        else
            note(g, word, flag, p);
        if (flag == '?' && word[1] != '-')
            return; /* the rest of its letters would be read one by one */
    }
}

static bool print(const char *text)
{
    fputs(text, stdout);
    return true;
}

static void take_file(struct sc_config *c, const char *path, struct sc_problems *p)
{
    if (strlen(path) >= sizeof c->file) {
        sc_problem(p, "--config %.64s...: longer than %zu bytes", path, sizeof c->file - 1);
        return;
    }
    strcpy(c->file, path);
    sc_config_load(c, p);
}

/* Whoever lists processes sees the words of each; a file's name is no secret. */
static void hide(char *secret)
{
    if (secret && *secret != '@')
        memset(secret, '*', strlen(secret));
}

/* Beyond loopback flows are open to whoever is there, so it must be asked for by name. */
static void check_exposure(const struct sc_config *c, struct sc_problems *p)
{
    char where[512];
    bool loopback = !*c->listen || strncmp(c->listen, "127.", 4) == 0 || !strcmp(c->listen, "::1");
    if (loopback || c->insecure_network)
        return;
    sc_config_where(c, SC_SET_LISTEN, where, sizeof where);
    sc_problem(p,
               "%s is not loopback and flows are not encrypted: anyone on the way could read and "
               "change them; add --insecure-network if you mean it",
               where);
}

bool sc_config_read(struct sc_config *c, int argc, char **argv, struct sc_problems *p)
{
    struct given g = {0};
    read_words(&g, argc, argv, p);
    if (g.is_given[HELP])
        return print(usage);
    if (g.is_given[VERSION])
        return print("scaffoldd " SCAFFOLD_VERSION "\n");
    c->check = g.is_given[CHECK];
    if (g.is_given[CONFIG])
        take_file(c, g.value[CONFIG], p);
    for (int s = 0; s < SC_SETTINGS; s++) {
        const char *text = g.value[s];
        struct sc_value v = {.type = SC_VALUE_TEXT, .text = text, .len = text ? strlen(text) : 0};
        if (!text)
            v = (struct sc_value){.type = SC_VALUE_SWITCH, .number = 1};
        if (g.is_given[s])
            sc_config_set(c, (enum sc_setting)s, &v, SC_LINE_FLAG, p);
    }
    hide(g.value[SC_SET_JOIN]);
    if (!*c->runtime_dir)
        sc_problem(p, "SCAFFOLD_RUNTIME_DIR is longer than %zu bytes; give a shorter --runtime-dir",
                   sizeof c->runtime_dir - 1);
    check_exposure(c, p);
    return false;
}
