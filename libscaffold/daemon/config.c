#include "daemon/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/entropy.h"
#include "local/places.h"
#include "naming/scope.h"
#include "naming/service_name.h"
#include "transport/congestion/congestion.h"

/* A value in a message: longer ones are cut, the key says which it is. */
#define SHOWN 128

/* --- what a value must look like -------------------------------------------------------------- */

/* Each returns NULL, or what to do about the value, which *c has already; `text` when it is one. */

static const char *wrong_name(struct sc_config *c, const char *text)
{
    struct sc_service_name n;
    (void)c;
    return sc_service_name_of_host(text, &n) == 0
               ? NULL
               : "a host's name has letters, digits and inner hyphens, 63 at most";
}

static const char *wrong_router(struct sc_config *c, const char *text)
{
    const char *why;
    return sc_router_name_read(text, &c->router_name, &why) == 0 ? NULL : why;
}

static const char *wrong_listen(struct sc_config *c, const char *text)
{
    struct in6_addr in;
    (void)c;
    return inet_pton(AF_INET, text, &in) == 1 || inet_pton(AF_INET6, text, &in) == 1
               ? NULL
               : "give an IPv4 or IPv6 address of this machine, without a port";
}

static const char *wrong_path(struct sc_config *c, const char *text)
{
    (void)c;
    return *text ? NULL : "it is empty; give a path, or leave the setting out";
}

static const char *wrong_pool(struct sc_config *c, const char *text)
{
    return sc_pool4_parse(text, &c->pool) == 0 ? NULL
                                               : "give it as 198.18.0.0/15, with 8 to 30 bits";
}

static const char *wrong_congestion(struct sc_config *c, const char *text)
{
    (void)c;
    return sc_congestion_find(text) ? NULL : "there are cubic, reno and bbr";
}

static const char *wrong_plane(struct sc_config *c, const char *text)
{
    static const char *const names[] = {
        [SC_PLANE_AUTO] = "auto", [SC_PLANE_USER] = "user", [SC_PLANE_LOCAL] = "local"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i]) != 0)
            continue;
        c->plane = (enum sc_plane_wish)i;
        return NULL;
    }
    return "there are auto, user and local";
}

static const char *wrong_join(struct sc_config *c, const char *text)
{
    if (sc_join_token_find(text, &c->join))
        return NULL;
    if (*text == '@' && access(text + 1, R_OK) < 0)
        return "that file cannot be read; its first line is to be what `scaffold join-token` "
               "prints";
    return "a token is sc1- and 52 characters; `scaffold join-token` prints one at the router";
}

static const char *wrong_security(struct sc_config *c, const char *text)
{
    c->secure = strcmp(text, "on") == 0;
    return c->secure || strcmp(text, "off") == 0 ? NULL : "there are on and off";
}

static const char *wrong_log(struct sc_config *c, const char *text)
{
    return sc_log_parse_level(text, &c->log_level) == 0 ? NULL : "give error, warn, info or debug";
}

/* Whoever gave the number has opened it, or means another one. */
static const char *wrong_ready_fd(struct sc_config *c, const char *text)
{
    (void)text;
    int mode = fcntl(c->ready_fd, F_GETFL);
    if (mode < 0)
        return "no such descriptor was inherited; whoever starts scaffoldd opens it";
    return (mode & O_ACCMODE) == O_RDONLY ? "that descriptor is open for reading only" : NULL;
}

/* --- the settings ----------------------------------------------------------------------------- */

static const struct setting {
    const char *flag; /* NULL: the file only */
    const char *key;  /* NULL: a flag only */
    int type;         /* of struct sc_value */
    size_t at, room;  /* in struct sc_config */
    int low, high;    /* NUMBER */
    const char *(*wrong)(struct sc_config *c, const char *text);
} settings[SC_SETTINGS] = {
#define TEXT(field)                                                                                \
    SC_VALUE_TEXT, offsetof(struct sc_config, field), sizeof((struct sc_config *)0)->field
#define NUMBER(field, low, high) SC_VALUE_NUMBER, offsetof(struct sc_config, field), 0, low, high
#define SWITCH(field) SC_VALUE_SWITCH, offsetof(struct sc_config, field), 0
    [SC_SET_NAME] = {"name", "name", TEXT(host_name), 0, 0, wrong_name},
    [SC_SET_ROUTER] = {"router", "router", TEXT(router), 0, 0, wrong_router},
    [SC_SET_JOIN] = {"join", "join", TEXT(join_text), 0, 0, wrong_join},
    [SC_SET_SECURITY] = {"security", "security", TEXT(security_name), 0, 0, wrong_security},
    [SC_SET_PORT] = {"port", "port", NUMBER(port, 0, 65535), NULL},
    [SC_SET_LISTEN] = {"listen", "listen", TEXT(listen), 0, 0, wrong_listen},
    [SC_SET_INSECURE_NETWORK] = {"insecure-network", "insecure_network", SWITCH(insecure_network),
                                 0, 0, NULL},
    [SC_SET_RUNTIME_DIR] = {"runtime-dir", "runtime_dir", TEXT(runtime_dir), 0, 0, wrong_path},
    [SC_SET_STATE_DIR] = {"state-dir", "state_dir", TEXT(state_dir), 0, 0, wrong_path},
    [SC_SET_POOL] = {"pool", "pool", TEXT(pool_text), 0, 0, wrong_pool},
    [SC_SET_CONGESTION] = {"congestion", "congestion", TEXT(congestion), 0, 0, wrong_congestion},
    [SC_SET_PLANE] = {"plane", "plane", TEXT(plane_name), 0, 0, wrong_plane},
    [SC_SET_IDLE_EXIT] = {"idle-exit", "idle_exit", NUMBER(idle_exit_s, 0, 86400), NULL},
    [SC_SET_READY_FD] = {"ready-fd", NULL, NUMBER(ready_fd, 0, 1 << 20), wrong_ready_fd},
    [SC_SET_LOG] = {"log", "log", TEXT(log_level_name), 0, 0, wrong_log},
    [SC_SET_LOG_FILE] = {"log-file", "log_file", TEXT(log_file), 0, 0, wrong_path},
    [SC_SET_REQUIRE_VERIFIED] = {NULL, "require_verified", SWITCH(require_verified), 0, 0, NULL},
};

enum sc_setting sc_config_find_key(const char *key)
{
    int s = 0;
    while (s < SC_SETTINGS && (!settings[s].key || strcmp(settings[s].key, key) != 0))
        s++;
    return (enum sc_setting)s;
}

const char *sc_config_flag(enum sc_setting s, bool *has_value)
{
    *has_value = settings[s].type != SC_VALUE_SWITCH;
    return settings[s].flag;
}

/* --- places ----------------------------------------------------------------------------------- */

/* "--port", "FILE:3: port", or the key alone. */
static void put_place(const struct sc_config *c, const char *flag, const char *key, unsigned line,
                      char *out, size_t size)
{
    if (line == SC_LINE_FLAG)
        snprintf(out, size, "--%s", flag);
    else if (line)
        snprintf(out, size, "%s:%u: %s", c->file, line, key);
    else
        snprintf(out, size, "%s", key);
}

static void put_value(const struct sc_value *v, char *out, size_t size)
{
    *out = 0;
    if (v->type == SC_VALUE_TEXT)
        snprintf(out, size, " %.*s", SHOWN, v->text);
    else if (v->type == SC_VALUE_NUMBER)
        snprintf(out, size, " %lld", (long long)v->number);
    else if (v->type == SC_VALUE_SWITCH)
        snprintf(out, size, " %s", v->number ? "true" : "false");
}

static void complain(const struct sc_config *c, const char *flag, const char *key,
                     const struct sc_value *v, unsigned line, const char *why,
                     struct sc_problems *p)
{
    char place[sizeof c->file + 64], value[SHOWN + 2];
    put_place(c, flag, key, line, place, sizeof place);
    put_value(v, value, sizeof value);
    sc_problem(p, "%s%s: %s", place, value, why);
}

void sc_config_where(const struct sc_config *c, enum sc_setting s, char *out, size_t size)
{
    const struct setting *t = &settings[s];
    const char *at = (const char *)c + t->at;
    struct sc_value v = {.type = t->type == SC_VALUE_TEXT ? SC_VALUE_TEXT : SC_VALUE_OTHER,
                         .text = at};
    if (t->type == SC_VALUE_NUMBER)
        v = (struct sc_value){.type = SC_VALUE_NUMBER, .number = *(const int *)(const void *)at};
    put_place(c, t->flag, t->key ? t->key : t->flag, c->line[s], out, size);
    size_t n = strlen(out);
    put_value(&v, out + n, size - n);
}

/* --- taking values ---------------------------------------------------------------------------- */

/* Each returns whether the value was taken, or what to do instead in `why`. */

static bool take_text(char *out, const struct setting *t, const struct sc_value *v, char *why,
                      size_t size)
{
    if (v->type != SC_VALUE_TEXT)
        snprintf(why, size, "give a text in quotes");
    else if (strlen(v->text) != v->len)
        snprintf(why, size, "there is a NUL character in it");
    else if (v->len >= t->room)
        snprintf(why, size, "longer than %zu bytes", t->room - 1);
    else
        memcpy(out, v->text, v->len + 1);
    return *why == 0;
}

static bool read_number(const struct sc_value *v, int64_t *out)
{
    char *end;
    *out = v->number;
    if (v->type != SC_VALUE_TEXT)
        return v->type == SC_VALUE_NUMBER;
    errno = 0;
    *out = strtoll(v->text, &end, 10);
    return errno == 0 && *end == 0 && v->text[strspn(v->text, "0123456789")] == 0 && *v->text;
}

static bool take_number(int *out, const struct setting *t, const struct sc_value *v, bool as_text,
                        char *why, size_t size)
{
    int64_t n;
    bool read = (as_text || v->type != SC_VALUE_TEXT) && read_number(v, &n);
    if (read && n >= t->low && n <= t->high)
        *out = (int)n;
    else
        snprintf(why, size, "give a number from %d to %d", t->low, t->high);
    return *why == 0;
}

static bool take_switch(bool *out, const struct sc_value *v, char *why, size_t size)
{
    if (v->type != SC_VALUE_SWITCH)
        snprintf(why, size, "write true or false");
    *out = v->number != 0;
    return *why == 0;
}

/* A token is not repeated where others may read it; where it is to be found is. */
static bool is_secret(const struct setting *t, const struct sc_value *v)
{
    return t->wrong == wrong_join && v->type == SC_VALUE_TEXT && *v->text != '@';
}

/* A value that is wrong changes nothing. */
void sc_config_set(struct sc_config *c, enum sc_setting s, const struct sc_value *v, unsigned line,
                   struct sc_problems *p)
{
    const struct setting *t = &settings[s];
    struct sc_config before = *c;
    void *at = (char *)c + t->at;
    char why[128] = "";
    c->line[s] = line;
    bool taken = t->type == SC_VALUE_TEXT ? take_text(at, t, v, why, sizeof why)
                 : t->type == SC_VALUE_NUMBER
                     ? take_number(at, t, v, line == SC_LINE_FLAG, why, sizeof why)
                     : take_switch(at, v, why, sizeof why);
    const char *wrong = !taken ? why : t->wrong ? t->wrong(c, at) : NULL;
    if (!wrong)
        return;
    *c = before;
    const struct sc_value hidden = {.type = SC_VALUE_OTHER};
    complain(c, t->flag, t->key, is_secret(t, v) ? &hidden : v, line, wrong, p);
}

/* --- [allow] ---------------------------------------------------------------------------------- */

static int allow_one(struct sc_config *c, enum sc_allow_kind kind, bool by_name,
                     const struct sc_value *v)
{
    bool whole = v->type == SC_VALUE_TEXT && strlen(v->text) == v->len;
    if (whole && strcmp(v->text, "*") == 0 && kind == SC_ALLOW_USERS) {
        c->allow.all = true;
        return 0;
    }
    if (v->type == SC_VALUE_NUMBER && v->number >= 0 && v->number < UINT32_MAX) /* -1 is nobody's */
        return sc_allow_add(&c->allow, kind, (uint32_t)v->number);
    return whole && by_name ? sc_allow_add_name(&c->allow, kind, v->text) : -EINVAL;
}

static void allow_trouble(int error, enum sc_allow_kind kind, bool by_name, char *why, size_t size)
{
    const char *what = kind == SC_ALLOW_USERS ? "user" : "group";
    if (error == -ENOENT)
        snprintf(why, size, "this machine has no %s of that name", what);
    else if (error == -ENOSPC)
        snprintf(why, size, "more than %d entries; let them share a group", SC_ALLOW_MAX);
    else if (error != -EINVAL)
        snprintf(why, size, "this %s cannot be looked up: %s", what, strerror(-error));
    else if (!by_name)
        snprintf(why, size, "give numbers, or \"*\" for all; names go into users");
    else
        snprintf(why, size, "give names in quotes, or numbers");
}

void sc_config_allow(struct sc_config *c, const char *key, const struct sc_value *v, unsigned line,
                     struct sc_problems *p)
{
    enum sc_allow_kind kind = strcmp(key, "groups") == 0 ? SC_ALLOW_GROUPS : SC_ALLOW_USERS;
    bool by_name = strcmp(key, "uids") != 0;
    char why[128], name[32];
    int err = allow_one(c, kind, by_name, v);
    if (err == 0)
        return;
    allow_trouble(err, kind, by_name, why, sizeof why);
    snprintf(name, sizeof name, "allow.%s", key);
    complain(c, name, name, v, line, why, p);
}

static const char *grant_trouble(struct sc_config *c, const char *host, const struct sc_value *v,
                                 struct sc_right *out)
{
    char pattern[SC_GRANT_PATTERN_MAX + 1], alias[SC_SCOPE_PROVIDER + 1];
    if (wrong_name(c, host) || strlen(host) > SC_HOST_NAME_MAX)
        return "the key is a host's name";
    if (v->type != SC_VALUE_TEXT || !sc_scope_read(v->text, pattern, alias) ||
        !sc_service_name_is_alias(alias))
        return "give LABEL.ALIAS, *.ALIAS or *.SUFFIX.ALIAS, as in \"web.demo\"";
    if (c->right_count == SC_RIGHTS_MAX)
        return "there are as many entries as scaffoldd takes; use patterns";
    strcpy(out->host, host);
    strcpy(out->alias, alias);
    strcpy(out->pattern, pattern);
    return NULL;
}

void sc_config_grant(struct sc_config *c, const char *host, const struct sc_value *v, unsigned line,
                     struct sc_problems *p)
{
    char name[80];
    const char *why = grant_trouble(c, host, v, &c->right[c->right_count % SC_RIGHTS_MAX]);
    if (!why) {
        c->right_count++;
        return;
    }
    snprintf(name, sizeof name, "grants.%.63s", host);
    complain(c, name, name, v, line, why, p);
}

/* --- defaults --------------------------------------------------------------------------------- */

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

static bool owner_of(const char *dir, uint32_t *uid)
{
    struct stat st;
    if (stat(dir, &st) < 0 || !S_ISDIR(st.st_mode))
        return false;
    *uid = st.st_uid;
    return true;
}

/* The first place where programs look; none when SCAFFOLD_RUNTIME_DIR is too long. */
static void default_runtime_dir(struct sc_config *c)
{
    struct sc_places places;
    struct sc_places_wish wish = {.runtime_dir = getenv("SCAFFOLD_RUNTIME_DIR"),
                                  .xdg = getenv("XDG_RUNTIME_DIR"),
                                  .uid = geteuid(),
                                  .owner_of = owner_of};
    if (sc_places_read(&places, &wish))
        snprintf(c->runtime_dir, sizeof c->runtime_dir, "%s", places.at[0].dir);
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
    struct in_addr base = {htonl(c->pool.base)};
    snprintf(c->pool_text, sizeof c->pool_text, "%s/%u", inet_ntoa(base), c->pool.bits);
    strcpy(c->congestion, "cubic");
    strcpy(c->plane_name, "auto");
    strcpy(c->security_name, "on");
    c->secure = true;
    sc_random(&c->seed, sizeof c->seed);
}

int sc_config_make_absolute(struct sc_config *c, char *why, size_t size)
{
    for (size_t n = strlen(c->runtime_dir); n > 1 && c->runtime_dir[n - 1] == '/'; n--)
        c->runtime_dir[n - 1] = 0; /* as programs do it (local/places.c) */
    const struct {
        enum sc_setting setting;
        char *path;
        size_t room;
    } all[] = {{SC_SET_RUNTIME_DIR, c->runtime_dir, sizeof c->runtime_dir},
               {SC_SET_STATE_DIR, c->state_dir, sizeof c->state_dir},
               {SC_SET_LOG_FILE, c->log_file, sizeof c->log_file}};
    char here[PATH_MAX], absolute[PATH_MAX + 260], where[352];
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (!*all[i].path || *all[i].path == '/')
            continue;
        bool known = getcwd(here, sizeof here) != NULL;
        snprintf(absolute, sizeof absolute, "%s/%s", here, all[i].path);
        if (known && strlen(absolute) < all[i].room) {
            strcpy(all[i].path, absolute);
            continue;
        }
        sc_config_where(c, all[i].setting, where, sizeof where);
        snprintf(why, size, "%s: %s; give a shorter one that starts with /", where,
                 known ? "this path is too long" : strerror(errno));
        return -1;
    }
    return 0;
}
