#include "daemon/state/state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/state/state_parts.h"
#include "naming/service_name.h"

/* --- what SQLite answers ---------------------------------------------------------------------- */

/* The kernel's own reason where SQLite kept it. */
static int system_error(const struct sc_state *st, int otherwise)
{
    int error = sqlite3_system_errno(st->db);
    return error ? -error : -otherwise;
}

int sc_state_error(const struct sc_state *st, int rc)
{
    switch (rc & 0xff) { /* the rest is the place in SQLite's source where it was noticed */
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_READONLY:
        return rc == SQLITE_READONLY_DBMOVED ? -ESTALE : -EROFS;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return -EUCLEAN;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_CONSTRAINT:
        return -EEXIST;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
        return system_error(st, EACCES);
    default:
        return system_error(st, EIO);
    }
}

int sc_state_run(struct sc_state *st, const char *sql)
{
    return sc_state_error(st, sqlite3_exec(st->db, sql, NULL, NULL, NULL));
}

int sc_state_number(struct sc_state *st, const char *sql, int64_t *out)
{
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(st->db, sql, -1, &q, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(q);
    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int64(q, 0);
    int err = rc == SQLITE_DONE ? -ENOENT : sc_state_error(st, rc);
    sqlite3_finalize(q);
    return err;
}

/* Of an invitation: nobody is let in by it any more. */
#define OVER "uses = 0 OR until <= CAST(strftime('%s', 'now') AS INTEGER)"

/* --- keeping ---------------------------------------------------------------------------------- */

static int prepare(struct sc_state *st, sqlite3_stmt **q, const char *sql)
{
    if (*q)
        return 0;
    return sc_state_error(st,
                          sqlite3_prepare_v3(st->db, sql, -1, SQLITE_PREPARE_PERSISTENT, q, NULL));
}

static int finish(struct sc_state *st, sqlite3_stmt *q)
{
    int err = sc_state_error(st, sqlite3_step(q));
    sqlite3_reset(q);
    sqlite3_clear_bindings(q);
    return err;
}

/* The alias of a name that is used has this key for good. */
static int bind_alias(struct sc_state *st, const struct sc_mapping *m)
{
    static const char sql[] = "INSERT OR IGNORE INTO aliases VALUES (?1, ?2, 0)";
    struct sc_service_name name;
    if (!m->used || !sc_provider_has_key(m->key) || sc_service_name_read(m->name, &name, NULL) < 0)
        return 0;
    int err = prepare(st, &st->bind, sql);
    if (err < 0)
        return err;
    sqlite3_bind_text(st->bind, 1, name.provider, -1, SQLITE_STATIC);
    sqlite3_bind_blob(st->bind, 2, m->key, sizeof m->key, SQLITE_STATIC);
    return finish(st, st->bind);
}

/* Both columns are unique, so that the file itself refuses an address with two names. */
static const char put_sql[] = "INSERT INTO mappings (address, name, used, reused, kept)"
                              " VALUES (?1, ?2, ?3, ?4, CAST(strftime('%s', 'now') AS INTEGER))"
                              " ON CONFLICT (address) DO UPDATE SET"
                              " name = ?2, used = ?3, reused = ?4, kept = excluded.kept";

static int put(struct sc_state *st, const struct sc_mapping *m)
{
    int err = prepare(st, &st->put, put_sql);
    if (err < 0)
        return err;
    sqlite3_bind_int64(st->put, 1, m->pool);
    sqlite3_bind_text(st->put, 2, m->name, -1, SQLITE_STATIC);
    sqlite3_bind_int(st->put, 3, m->used);
    sqlite3_bind_int(st->put, 4, m->reused);
    err = finish(st, st->put);
    return err < 0 ? err : bind_alias(st, m);
}

/* A host's name is the one's who has this key, or nobody's. */
static const char own_sql[] = "INSERT INTO hosts (name, key) VALUES (?1, ?2)"
                              " ON CONFLICT (name) DO UPDATE SET key = excluded.key";

static int own(struct sc_state *st, const struct sc_mapping *m)
{
    int err = sc_service_name_host_len(m->name) ? prepare(st, &st->own, own_sql) : 0;
    if (err < 0 || sc_service_name_host_len(m->name) == 0)
        return err;
    sqlite3_bind_text(st->own, 1, m->name, -1, SQLITE_STATIC);
    if (m->owned) /* else NULL */
        sqlite3_bind_blob(st->own, 2, m->owner, sizeof m->owner, SQLITE_STATIC);
    return finish(st, st->own);
}

/* Whoever has a name now was let in by it. */
static int use_up(struct sc_state *st, const struct sc_mapping *m)
{
    static const char sql[] = "UPDATE invitations SET uses = uses - 1 WHERE hash = ?1 AND uses > 0";
    static const uint8_t none[sizeof m->invitation];
    sqlite3_stmt *q = NULL;
    if (memcmp(m->invitation, none, sizeof none) == 0)
        return 0;
    int rc = sqlite3_prepare_v2(st->db, sql, -1, &q, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_bind_blob(q, 1, m->invitation, sizeof m->invitation, SQLITE_STATIC);
        rc = sqlite3_step(q);
    }
    int err = sc_state_error(st, rc);
    sqlite3_finalize(q);
    return err;
}

/* Somebody removed the file, or put another one there: what is written now would be gone at the
 * next start. */
static bool has_moved(const struct sc_state *st)
{
    int moved = 0;
    return sqlite3_file_control(st->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK &&
           moved;
}

int sc_state_keep(struct sc_state *st, const struct sc_mapping *m, size_t count)
{
    if (has_moved(st))
        return -ESTALE;
    int err = sc_state_run(st, "BEGIN IMMEDIATE");
    for (size_t i = 0; err == 0 && i < count; i++) {
        err = put(st, &m[i]);
        if (err == 0)
            err = own(st, &m[i]);
        if (err == 0)
            err = use_up(st, &m[i]);
    }
    if (err == 0)
        err = sc_state_run(st, "COMMIT");
    if (err < 0 && !sqlite3_get_autocommit(st->db))
        sc_state_run(st, "ROLLBACK");
    return err;
}

int sc_state_pin_router(struct sc_state *st, const uint8_t hash[SC_KEY_HASH_LEN])
{
    static const char sql[] = "INSERT OR REPLACE INTO meta VALUES ('router', ?1)";
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(st->db, sql, -1, &q, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_bind_blob(q, 1, hash, SC_KEY_HASH_LEN, SQLITE_STATIC);
        rc = sqlite3_step(q);
    }
    int err = sc_state_error(st, rc);
    sqlite3_finalize(q);
    if (err == 0) {
        memcpy(st->router, hash, sizeof st->router);
        st->knows_router = true;
    }
    return err;
}

int sc_state_pin(struct sc_state *st, const struct sc_pin *pin)
{
    static const char sql[] = "INSERT OR REPLACE INTO known_providers VALUES (?1, ?2, ?3, ?4)";
    sqlite3_stmt *q = NULL;
    if (has_moved(st))
        return -ESTALE;
    int rc = sqlite3_prepare_v2(st->db, sql, -1, &q, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_bind_text(q, 1, pin->alias, -1, SQLITE_STATIC);
        sqlite3_bind_blob(q, 2, pin->key, sizeof pin->key, SQLITE_STATIC);
        sqlite3_bind_text(q, 3, pin->local ? "local" : "first-use", -1, SQLITE_STATIC);
        sqlite3_bind_int64(q, 4, (int64_t)pin->since);
        rc = sqlite3_step(q);
    }
    int err = sc_state_error(st, rc);
    sqlite3_finalize(q);
    return err;
}

/* All of it but the times, the serial and the signature: whom it is about, and what. */
static size_t subject(const struct sc_kept_grant *g, uint8_t out[SC_GRANT_MAX])
{
    const size_t times = SC_GRANT_TIMES_AT, behind = times + SC_GRANT_TIMES_LEN;
    memcpy(out, g->bytes, times);
    memcpy(out + times, g->bytes + behind, g->len - SC_SIGNATURE_LEN - behind);
    return g->len - SC_SIGNATURE_LEN - SC_GRANT_TIMES_LEN;
}

int sc_state_grant(struct sc_state *st, const struct sc_kept_grant *grant)
{
    static const char sql[] = "INSERT OR REPLACE INTO grants VALUES (?1, ?2)";
    uint8_t about[SC_GRANT_MAX];
    sqlite3_stmt *q = NULL;
    if (has_moved(st))
        return -ESTALE;
    int rc = sqlite3_prepare_v2(st->db, sql, -1, &q, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_bind_blob(q, 1, about, (int)subject(grant, about), SQLITE_STATIC);
        sqlite3_bind_blob(q, 2, grant->bytes, (int)grant->len, SQLITE_STATIC);
        rc = sqlite3_step(q);
    }
    int err = sc_state_error(st, rc);
    sqlite3_finalize(q);
    return err;
}

int sc_state_invite(struct sc_state *st, const struct sc_invitation *one)
{
    static const char sql[] = "INSERT OR REPLACE INTO invitations VALUES (?1, ?2, ?3)";
    sqlite3_stmt *q = NULL;
    if (has_moved(st))
        return -ESTALE;
    int rc = sqlite3_prepare_v2(st->db, sql, -1, &q, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_bind_blob(q, 1, one->hash, sizeof one->hash, SQLITE_STATIC);
        sqlite3_bind_int64(q, 2, one->uses);
        sqlite3_bind_int64(q, 3, (int64_t)one->until);
        rc = sqlite3_step(q);
    }
    int err = sc_state_error(st, rc);
    sqlite3_finalize(q);
    return err < 0 ? err : sc_state_run(st, "DELETE FROM invitations WHERE " OVER);
}

/* --- restoring -------------------------------------------------------------------------------- */

static bool restore_alias(struct sc_stack *stack, sqlite3_stmt *row)
{
    const unsigned char *alias = sqlite3_column_text(row, 0);
    return alias && sqlite3_column_bytes(row, 1) == SC_KEY_LEN &&
           sc_stack_restore_alias(stack, (const char *)alias, sqlite3_column_blob(row, 1)) == 0;
}

static bool restore_pin(struct sc_stack *stack, sqlite3_stmt *row)
{
    struct sc_pin p = {.local = strcmp((const char *)sqlite3_column_text(row, 2), "local") == 0,
                       .since = (uint64_t)sqlite3_column_int64(row, 3)};
    if (sqlite3_column_bytes(row, 1) != sizeof p.key)
        return false;
    snprintf(p.alias, sizeof p.alias, "%s", (const char *)sqlite3_column_text(row, 0));
    memcpy(p.key, sqlite3_column_blob(row, 1), sizeof p.key);
    return sc_stack_restore_pin(stack, &p);
}

static bool restore_grant(struct sc_stack *stack, sqlite3_stmt *row)
{
    int len = sqlite3_column_bytes(row, 0);
    return len > 0 && len <= SC_GRANT_MAX &&
           sc_stack_restore_grant(stack,
                                  (struct sc_field){sqlite3_column_blob(row, 0), (size_t)len});
}

static bool restore_mapping(struct sc_stack *stack, sqlite3_stmt *row)
{
    struct sc_mapping m = {.pool = (uint32_t)sqlite3_column_int64(row, 0),
                           .used = sqlite3_column_int(row, 2) != 0,
                           .reused = sqlite3_column_int(row, 3) != 0};
    const unsigned char *text = sqlite3_column_text(row, 1);
    if (!text || (size_t)snprintf(m.name, sizeof m.name, "%s", text) >= sizeof m.name)
        return false;
    m.owned = sqlite3_column_bytes(row, 4) == sizeof m.owner;
    if (m.owned)
        memcpy(m.owner, sqlite3_column_blob(row, 4), sizeof m.owner);
    return sc_stack_restore_mapping(stack, &m) == 0;
}

static bool restore_invitation(struct sc_stack *stack, sqlite3_stmt *row)
{
    struct sc_invitation one = {.uses = (uint32_t)sqlite3_column_int64(row, 1),
                                .until = (uint64_t)sqlite3_column_int64(row, 2)};
    if (sqlite3_column_bytes(row, 0) != sizeof one.hash)
        return false;
    memcpy(one.hash, sqlite3_column_blob(row, 0), sizeof one.hash);
    return sc_stack_restore_invitation(stack, &one);
}

/* How many of the rows could not be used, or a negative errno. */
static int restore(struct sc_state *st, struct sc_stack *stack, const char *sql,
                   bool (*restore_row)(struct sc_stack *stack, sqlite3_stmt *row))
{
    sqlite3_stmt *row = NULL;
    int bad = 0, rc = sqlite3_prepare_v2(st->db, sql, -1, &row, NULL);
    if (rc == SQLITE_OK)
        while ((rc = sqlite3_step(row)) == SQLITE_ROW)
            bad += !restore_row(stack, row);
    int err = sc_state_error(st, rc);
    sqlite3_finalize(row);
    return err < 0 ? err : bad;
}

int sc_state_restore(struct sc_state *st, struct sc_stack *stack)
{
    int pins =
        restore(st, stack, "SELECT alias, key, how, since FROM known_providers", restore_pin);
    int aliases = restore(st, stack, "SELECT alias, key FROM aliases", restore_alias);
    int mappings = restore(
        st, stack,
        "SELECT address, name, used, reused, hosts.key FROM mappings LEFT JOIN hosts USING (name)"
        " ORDER BY kept, address",
        restore_mapping);
    int invitations =
        restore(st, stack, "SELECT hash, uses, until FROM invitations WHERE NOT (" OVER ")",
                restore_invitation);
    int grants = restore(st, stack, "SELECT bytes FROM grants", restore_grant);
    if (aliases < 0 || mappings < 0)
        return aliases < 0 ? aliases : mappings;
    if (pins < 0 || grants < 0)
        return pins < 0 ? pins : grants;
    return invitations < 0 ? invitations : aliases + mappings + pins + grants + invitations;
}

/* --- in words --------------------------------------------------------------------------------- */

static void explain_refusal(const struct sc_state *st, int error, char *why, size_t size)
{
    struct stat file;
    char dir[sizeof st->path];
    snprintf(dir, sizeof dir, "%s", st->path);
    *strrchr(dir, '/') = 0;
    const char *what = stat(st->path, &file) == 0 ? st->path : dir;
    if ((what == st->path || stat(dir, &file) == 0) && file.st_uid != geteuid())
        snprintf(
            why, size,
            "%s: belongs to uid %u, and scaffoldd runs as uid %u; run it as the owner, or give "
            "another --state-dir",
            what, file.st_uid, geteuid());
    else
        snprintf(why, size, "%s: %s; give a --state-dir that you can write to", st->path,
                 strerror(-error));
}

static void explain_schema(const struct sc_state *st, char *why, size_t size)
{
    int64_t schema = 0;
    struct sc_state copy = *st;
    if (st->db && sc_state_number(&copy, "PRAGMA user_version", &schema) == 0 && schema > 0)
        snprintf(why, size,
                 "%s: written by a newer scaffoldd (schema %d; this one knows %d); update it, or "
                 "give another --state-dir",
                 st->path, (int)schema, SC_STATE_SCHEMA);
    else
        snprintf(why, size,
                 "%s: a database of another program; move it away, or give another --state-dir",
                 st->path);
}

void sc_state_explain(const struct sc_state *st, int error, char *why, size_t size)
{
    const char *format = NULL;
    switch (-error) {
    case EACCES:
    case EPERM:
        explain_refusal(st, error, why, size);
        return;
    case EPROTONOSUPPORT:
        explain_schema(st, why, size);
        return;
    case ENOSPC:
    case EDQUOT:
        format = "%s: %s; free some and try again, or give another --state-dir";
        break;
    case EROFS:
        format = "%s: %s; give a --state-dir on a disk that can be written";
        break;
    case EUCLEAN:
        snprintf(why, size,
                 "%s: damaged; put a copy of it back, or remove it: then services get other "
                 "addresses",
                 st->path);
        return;
    case EBUSY:
        snprintf(why, size, "%s: another scaffoldd uses it; give each a --state-dir of its own",
                 st->path);
        return;
    case ESTALE:
        snprintf(why, size, "%s: removed or replaced while scaffoldd uses it; restart scaffoldd",
                 st->path);
        return;
    default:
        format = "%s: %s; give a --state-dir that you can write to";
    }
    snprintf(why, size, format, st->path, strerror(-error));
}
