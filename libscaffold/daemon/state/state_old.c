/* The state of scaffoldd before there was a database: text, a line appended for every mapping.
 *
 *   domain 5c0f11ad
 *   198.18.0.3 web.demo.scaffold
 *
 * A full disk could tear a line, and what was appended next then stood behind it on the same one.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/state/state_parts.h"
#include "naming/service_name.h"

/* The first line. One that is torn, with nothing behind it, says no more than no file. */
static int read_domain(struct sc_state *st, FILE *f)
{
    char line[64];
    if (!fgets(line, sizeof line, f))
        return -ENOENT;
    bool whole = strchr(line, '\n') != NULL;
    if (whole && sscanf(line, "domain %8x", &st->domain) == 1 && st->domain)
        return 0;
    st->domain = 0;
    return !whole && fgetc(f) == EOF ? -ENOENT : -EUCLEAN;
}

/* The address before `end`: what a torn line left in front of it is skipped. */
static bool read_address(const char *line, const char *end, uint32_t *out)
{
    struct in_addr in;
    char text[INET_ADDRSTRLEN];
    size_t len = (size_t)(end - line);
    for (size_t n = len < sizeof text ? len : sizeof text - 1; n > 0; n--) {
        snprintf(text, sizeof text, "%.*s", (int)n, end - n);
        if (inet_pton(AF_INET, text, &in) == 1) {
            *out = ntohl(in.s_addr);
            return true;
        }
    }
    return false;
}

static bool read_line(char *line, struct sc_mapping *m)
{
    struct sc_service_name name;
    char *end = strchr(line, '\n'), *space = strrchr(line, ' ');
    if (!end || !space)
        return false; /* the last one, torn */
    *end = 0;
    if (snprintf(m->name, sizeof m->name, "%s", space + 1) >= (int)sizeof m->name ||
        sc_service_name_read(m->name, &name, NULL) < 0)
        return false;
    return read_address(line, space, &m->pool);
}

/* Of two lines that contradict each other the first one holds, as it always did. */
static int put(struct sc_state *st, sqlite3_stmt *q, const struct sc_mapping *m)
{
    sqlite3_bind_int64(q, 1, m->pool);
    sqlite3_bind_text(q, 2, m->name, -1, SQLITE_STATIC);
    int err = sc_state_error(st, sqlite3_step(q));
    sqlite3_reset(q);
    return err < 0 ? err : !sqlite3_changes(st->db);
}

static int take_lines(struct sc_state *st, sqlite3_stmt *q, FILE *f)
{
    char line[512];
    int left_out = 0, err = 0;
    while (err >= 0 && fgets(line, sizeof line, f)) {
        struct sc_mapping m = {0};
        err = read_line(line, &m) ? put(st, q, &m) : 1;
        left_out += err > 0;
    }
    return err < 0 ? err : ferror(f) ? -EIO : left_out;
}

static int take_mappings(struct sc_state *st, FILE *f)
{
    static const char sql[] = "INSERT OR IGNORE INTO mappings VALUES (?1, ?2, 0, 0, 0)";
    sqlite3_stmt *q = NULL;
    int err = sc_state_error(st, sqlite3_prepare_v2(st->db, sql, -1, &q, NULL));
    if (err == 0)
        err = take_lines(st, q, f);
    sqlite3_finalize(q);
    return err;
}

int sc_state_take_old(struct sc_state *st, const char *path)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return -errno;
    int err = read_domain(st, f);
    if (err == 0)
        err = take_mappings(st, f);
    fclose(f);
    return err;
}
