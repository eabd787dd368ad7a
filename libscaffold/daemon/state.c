#include "daemon/state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "naming/name.h"

/* mkdir -p. Returns 0 or -1 with errno. */
static int make_dirs(char *path)
{
    for (char *p = path + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = 0;
        int err = mkdir(path, 0755);
        *p = '/';
        if (err < 0 && errno != EEXIST)
            return -1;
    }
    return mkdir(path, 0755) < 0 && errno != EEXIST ? -1 : 0;
}

/* The first line of the file: this router's domain. */
static int read_or_make_domain(struct sc_state *st)
{
    char line[64] = "";
    ssize_t n = pread(st->fd, line, sizeof line - 1, 0);
    if (n > 0)
        return sscanf(line, "domain %8x", &st->domain) == 1 && st->domain ? 0 : -1;
    while (st->domain == 0)
        if (getrandom(&st->domain, sizeof st->domain, 0) < 0)
            return -1;
    int len = snprintf(line, sizeof line, "domain %08x\n", st->domain);
    return write(st->fd, line, (size_t)len) == len ? 0 : -1;
}

int sc_state_open(struct sc_state *st, const char *dir, uint32_t instance, char *why, size_t size)
{
    char path[320];
    snprintf(path, sizeof path, "%s/%08x", dir, instance);
    if (make_dirs(path) < 0) {
        snprintf(why, size, "%s: %s; give a --state-dir that you can write to", path,
                 strerror(errno));
        return -1;
    }
    strncat(path, "/mappings", sizeof path - strlen(path) - 1);
    st->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (st->fd < 0) {
        snprintf(why, size, "%s: %s; give a --state-dir that you can write to", path,
                 strerror(errno));
        return -1;
    }
    if (read_or_make_domain(st) < 0) {
        snprintf(why, size, "%s: damaged (its first line is `domain` and 8 hex digits); remove it",
                 path);
        return -1;
    }
    return 0;
}

void sc_state_close(struct sc_state *st)
{
    if (st->fd >= 0)
        close(st->fd);
}

/* "198.18.0.3 web.demo.scaffold" */
static bool restore_line(struct sc_stack *stack, const char *line)
{
    char address[32];
    struct sc_mapping m = {0};
    struct in_addr in;
    struct sc_service_name name;
    if (sscanf(line, "%31s %253s", address, m.name) != 2 || inet_pton(AF_INET, address, &in) != 1 ||
        sc_name_read(m.name, &name, NULL) < 0)
        return false;
    m.pool = ntohl(in.s_addr);
    sc_name_to_id(&name, &m.service);
    return sc_stack_restore_mapping(stack, &m) == 0;
}

size_t sc_state_restore(struct sc_state *st, struct sc_stack *stack)
{
    size_t bad = 0;
    char line[512];
    int fd = dup(st->fd);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
    if (!f)
        return 0;
    rewind(f);
    while (fgets(line, sizeof line, f))
        if (strncmp(line, "domain ", 7) != 0 && !restore_line(stack, line))
            bad++;
    fclose(f);
    return bad;
}

int sc_state_keep(struct sc_state *st, const struct sc_mapping *m)
{
    char line[SC_NAME_MAX + 32], address[INET_ADDRSTRLEN];
    struct in_addr in = {htonl(m->pool)};
    inet_ntop(AF_INET, &in, address, sizeof address);
    int len = snprintf(line, sizeof line, "%s %s\n", address, m->name);
    if (write(st->fd, line, (size_t)len) != len)
        return -errno;
    return 0;
}
