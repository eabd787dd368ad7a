#include "daemon/config_check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "local/socket_name.h"
#include "wire/ids.h"

/* Of a place and a value. */
#define WHERE 640

static void complain(const struct sc_config *c, enum sc_setting s, const char *why,
                     const char *what, struct sc_problems *p)
{
    char where[WHERE];
    sc_config_where(c, s, where, sizeof where);
    sc_problem(p, "%s: %s; %s", where, why, what);
}

/* --- folders and files ------------------------------------------------------------------------ */

static int may(const char *path, int mode)
{
    return faccessat(AT_FDCWD, path, mode, AT_EACCESS) < 0 ? -errno : 0;
}

/* Cuts the last part off; of "a", "." is left. */
static void to_parent(char *path)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        path[--n] = 0;
    char *slash = strrchr(path, '/');
    if (slash)
        slash[slash == path] = 0;
    else
        strcpy(path, ".");
}

/* Whether a folder can be written to, or be made: in its parent, or with all of its parents.
 * Returns 0 or a negative errno. */
static int folder_error(const char *folder, bool with_parents)
{
    char path[256];
    struct stat st;
    snprintf(path, sizeof path, "%s", folder);
    for (int depth = 0;; depth++) {
        if (stat(path, &st) == 0)
            return S_ISDIR(st.st_mode) ? may(path, W_OK | X_OK) : -ENOTDIR;
        if (errno != ENOENT || (depth > 0 && !with_parents))
            return -errno;
        to_parent(path);
    }
}

static void check_folder(const struct sc_config *c, enum sc_setting s, const char *path,
                         bool with_parents, const char *what, struct sc_problems *p)
{
    int err = folder_error(path, with_parents);
    if (err < 0)
        complain(c, s, strerror(-err), what, p);
}

bool sc_config_trusts(const char *runtime_dir, char *why, size_t size)
{
    struct stat st;
    if (stat(runtime_dir, &st) < 0 || st.st_uid == 0 || st.st_uid == geteuid())
        return true;
    snprintf(why, size, "%s belongs to uid %u; choose another --runtime-dir", runtime_dir,
             st.st_uid);
    return false;
}

/* Anybody can make a folder in /tmp. */
static void check_runtime_dir(const struct sc_config *c, struct sc_problems *p)
{
    char why[WHERE];
    if (sc_config_trusts(c->runtime_dir, why, sizeof why))
        check_folder(c, SC_SET_RUNTIME_DIR, c->runtime_dir, false,
                     "give a --runtime-dir that you can write to", p);
    else
        sc_problem(p, "%s", why);
}

/* It is renamed when it is full: the folder counts, too. */
static void check_log_file(const struct sc_config *c, struct sc_problems *p)
{
    char folder[sizeof c->log_file];
    struct stat st;
    if (!*c->log_file)
        return;
    snprintf(folder, sizeof folder, "%s", c->log_file);
    to_parent(folder);
    bool exists = stat(c->log_file, &st) == 0;
    int err = exists && !S_ISREG(st.st_mode) ? -EINVAL
              : exists                       ? may(c->log_file, W_OK)
                                             : folder_error(folder, false);
    const char *why = err == -EINVAL ? "this is no regular file" : strerror(-err);
    /* The runtime directory is made at start. */
    if (err < 0 && !(err == -ENOENT && strcmp(folder, c->runtime_dir) == 0))
        complain(c, SC_SET_LOG_FILE, why, "give a file that you can write to", p);
}

/* --- users ------------------------------------------------------------------------------------ */

/* What the kernel calls whoever has no number in a user namespace (/proc/sys/kernel/overflowuid).
 */
#define UNMAPPED 65534

static bool has_number(uid_t uid)
{
    unsigned first, count;
    bool found = false;
    FILE *f = uid == UNMAPPED ? fopen("/proc/self/uid_map", "re") : NULL;
    while (f && !found && fscanf(f, "%u %*u %u", &first, &count) == 2)
        found = uid - first < count; /* also where it is less than the first: that wraps */
    if (f)
        fclose(f);
    return found || uid != UNMAPPED;
}

/* Everybody else without one would pass for scaffoldd's own user. */
static void check_user(struct sc_problems *p)
{
    if (!has_number(geteuid()))
        sc_problem(p,
                   "this user has no number in this user namespace, so scaffoldd cannot tell users "
                   "apart; map it, as unshare --map-current-user does");
}

/* --- the network ------------------------------------------------------------------------------ */

void sc_config_addresses(const struct sc_config *c, const char **v4, const char **v6)
{
    *v4 = c->insecure_network ? "0.0.0.0" : "127.0.0.1";
    *v6 = c->insecure_network ? "::" : "::1";
    if (!*c->listen)
        return;
    *v4 = strchr(c->listen, ':') ? "" : c->listen;
    *v6 = **v4 ? "" : c->listen;
}

/* Another scaffoldd of this runtime directory has the port, rightly. */
static bool is_running(const struct sc_config *c)
{
    struct sc_daemon_id id = {.uid = geteuid(), .instance = sc_instance_of(c->runtime_dir)};
    struct sockaddr_un sun;
    socklen_t len = sc_socket_name_control(id, &sun);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool answered = fd >= 0 && (connect(fd, (struct sockaddr *)&sun, len) == 0 || errno == EAGAIN);
    if (fd >= 0)
        close(fd);
    return answered;
}

static int bind_error(int family, const char *address, uint16_t port)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    int on = 1, fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    inet_pton(family, address, family == AF_INET ? (void *)&sin.sin_addr : &sin6.sin6_addr);
    int bound = family == AF_INET ? bind(fd, (struct sockaddr *)&sin, sizeof sin)
                                  : bind(fd, (struct sockaddr *)&sin6, sizeof sin6);
    int err = bound < 0 ? -errno : 0;
    close(fd);
    return err;
}

/* A host without IPv6 is no problem where IPv6 was not asked for. */
static void check_address(const struct sc_config *c, int family, const char *address,
                          struct sc_problems *p)
{
    char why[128];
    uint16_t port = c->port > 0 && !is_running(c) ? (uint16_t)c->port : 0;
    int err = *address ? bind_error(family, address, port) : 0;
    bool no_v6 = family == AF_INET6 && (err == -EAFNOSUPPORT || err == -EADDRNOTAVAIL);
    if (err == 0 || (no_v6 && !*c->listen))
        return;
    bool by_port = err == -EADDRINUSE || err == -EACCES;
    snprintf(why, sizeof why, "UDP on %s: %s", address,
             err == -EADDRINUSE ? "in use" : strerror(-err));
    complain(c, by_port ? SC_SET_PORT : SC_SET_LISTEN, why,
             by_port ? "give another --port (0: any)" : "give an address of this machine", p);
}

static void check_router(const struct sc_config *c, struct sc_underlay *router,
                         struct sc_problems *p)
{
    const char *why;
    *router = (struct sc_underlay){0};
    if (*c->router && sc_router_name_resolve(&c->router_name, router, &why) < 0)
        complain(c, SC_SET_ROUTER, why, "give it as HOST or HOST:PORT", p);
}

/* --- routes ----------------------------------------------------------------------------------- */

#define ROUTE_REJECT 0x200u /* RTF_REJECT: it leads nowhere, on purpose */

static bool overlap(const struct sc_pool4 *pool, uint32_t base, uint32_t mask)
{
    uint32_t pool_mask = UINT32_MAX << (32 - pool->bits);
    return ((pool->base ^ base) & pool_mask & mask) == 0;
}

/* The first route into the pool, other than to everywhere (VPNs split that in two halves). */
static bool find_route(const struct sc_pool4 *pool, FILE *f, char *out, size_t size)
{
    char line[512], name[32], text[INET_ADDRSTRLEN];
    unsigned base, flags, mask;
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "%31s %x %*x %x %*d %*d %*d %x", name, &base, &flags, &mask) != 4)
            continue;
        int bits = __builtin_popcount(mask);
        if (bits <= 1 || (flags & ROUTE_REJECT) || !overlap(pool, ntohl(base), ntohl(mask)))
            continue;
        inet_ntop(AF_INET, &(struct in_addr){base}, text, sizeof text);
        snprintf(out, size, "%s/%d by %s", text, bits, name);
        return true;
    }
    return false;
}

/* Programs without the shim reach something else at the addresses of services. */
static void check_pool(const struct sc_config *c, struct sc_problems *p)
{
    char route[80], where[WHERE];
    FILE *f = fopen("/proc/net/route", "re");
    sc_config_where(c, SC_SET_POOL, where, sizeof where);
    if (f && find_route(&c->pool, f, route, sizeof route))
        sc_problem_warn(p,
                        "%s: this machine has a route to %s, whose addresses programs cannot reach "
                        "beside services; choose another pool, on every host of the network",
                        where, route);
    if (f)
        fclose(f);
}

void sc_config_check(struct sc_config *c, struct sc_underlay *router, struct sc_problems *p)
{
    const char *v4, *v6;
    char why[WHERE];
    if (sc_config_make_absolute(c, why, sizeof why) < 0)
        sc_problem(p, "%s", why);
    check_user(p);
    check_runtime_dir(c, p);
    check_folder(c, SC_SET_STATE_DIR, c->state_dir, true,
                 "give a --state-dir that you can write to", p);
    check_log_file(c, p);
    sc_config_addresses(c, &v4, &v6);
    check_address(c, AF_INET, v4, p);
    check_address(c, AF_INET6, v6, p);
    check_router(c, router, p);
    check_pool(c, p);
}
