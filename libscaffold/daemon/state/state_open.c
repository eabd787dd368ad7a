/* Finds the state at start, or makes it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/entropy.h"
#include "daemon/state/state_parts.h"

/* A scaffoldd that has just been ended may still hold the file. */
#define LOCK_WAIT_MS 2000

static const char schema_sql[] =
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE mappings ("
    " address INTEGER PRIMARY KEY," /* IPv4, as a number */
    " name TEXT NOT NULL UNIQUE,"   /* of a service, without its port */
    " used INTEGER NOT NULL,"       /* was served, or is a host's that joined: never given away */
    " reused INTEGER NOT NULL,"     /* the address stood for another name before */
    " kept INTEGER NOT NULL);";     /* when, in seconds since 1970 */

/* What schema 2 has more than the first one. */
static const char keys_sql[] =
    "CREATE TABLE hosts ("    /* that have joined this router */
    " name TEXT PRIMARY KEY," /* as in mappings */
    " key BLOB)"              /* Ed25519, public: whose it is for good; NULL: nobody's */
    " WITHOUT ROWID;"
    "CREATE TABLE aliases (" /* of this router, those that were registered once */
    " alias TEXT PRIMARY KEY,"
    " key BLOB NOT NULL,"    /* Ed25519, public */
    " own INTEGER NOT NULL)" /* somebody's own; else it follows from the seed of the network */
    " WITHOUT ROWID;"
    "CREATE TABLE known_providers (" /* what this host knows its router's aliases by */
    " alias TEXT PRIMARY KEY,"
    " key BLOB NOT NULL,"
    " how TEXT NOT NULL,"      /* first-use, or local: somebody here has said so */
    " since INTEGER NOT NULL)" /* in seconds since 1970 */
    " WITHOUT ROWID;";

/* What schema 3 has more than the second one. */
static const char schema_3_sql[] =
    "CREATE TABLE grants ("    /* to this host, or that others have shown this router */
    " about BLOB PRIMARY KEY," /* all but times, serial and signature */
    " bytes BLOB NOT NULL)"    /* crypto/grant.h */
    " WITHOUT ROWID;"
    "CREATE TABLE invitations (" /* of this router */
    " hash BLOB PRIMARY KEY,"    /* SHA-256 of the secret */
    " uses INTEGER NOT NULL,"    /* hosts that it still lets in */
    " until INTEGER NOT NULL)"   /* in seconds since 1970 */
    " WITHOUT ROWID;"
    "PRAGMA user_version = 3";

/* Exclusive, before anything is read: no shared memory beside the file, which would need room on a
 * full disk, and a second scaffoldd finds it locked. Synchronous full: what is committed survives
 * the loss of power. */
static const char settings_sql[] = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL;"
                                   "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF";

/* A write-ahead log costs one fsync a commit instead of three, and a failed write leaves nothing to
 * be undone. */
static const char log_sql[] = "PRAGMA journal_mode = WAL";

/* --- the file --------------------------------------------------------------------------------- */

/* What was just made in this folder is there after a loss of power. */
static void sync_folder(const char *path)
{
    int fd = open(*path ? path : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

/* Returns 0 or a negative errno; where it is there already, 0. */
static int make_dir(char *path)
{
    if (mkdir(path, 0755) < 0)
        return errno == EEXIST ? 0 : -errno;
    char *name = strrchr(path, '/');
    *name = 0;
    sync_folder(path);
    *name = '/';
    return 0;
}

/* mkdir -p. Returns 0 or a negative errno. */
static int make_dirs(char *path)
{
    for (char *p = path + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = 0;
        int err = make_dir(path);
        *p = '/';
        if (err < 0)
            return err;
    }
    return make_dir(path);
}

/* The secret in it is nobody else's, whatever the umask. One whose owner is another could be
 * changed by that one under our eyes: root's scaffoldd does not trust it either. */
static int make_file(const char *path)
{
    struct stat file;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    int err = fstat(fd, &file) < 0 ? -errno : file.st_uid != geteuid() ? -EACCES : 0;
    close(fd);
    return err;
}

static int open_file(struct sc_state *st)
{
    int err = make_file(st->path);
    if (err < 0)
        return err;
    int rc =
        sqlite3_open_v2(st->path, &st->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc != SQLITE_OK)
        return st->db ? sc_state_error(st, rc) : -ENOMEM;
    sqlite3_busy_timeout(st->db, LOCK_WAIT_MS);
    return 0;
}

/* --- what is in it ---------------------------------------------------------------------------- */

/* Returns the schema's number, 0 for a file that is new, -EPROTONOSUPPORT for one that is not ours
 * to read, or another negative errno. */
static int read_schema(struct sc_state *st)
{
    int64_t schema = 0, tables = 0;
    int err = sc_state_number(st, "PRAGMA user_version", &schema);
    if (err == 0)
        err = sc_state_number(st, "SELECT count(*) FROM sqlite_master", &tables);
    if (err < 0)
        return err;
    bool fine = schema == 0 ? tables == 0 : schema > 0 && schema <= SC_STATE_SCHEMA;
    return fine ? (int)schema : -EPROTONOSUPPORT;
}

/* What SQLite would notice only when it comes across it. */
static int check(struct sc_state *st)
{
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(st->db, "PRAGMA quick_check(1)", -1, &q, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(q);
    bool fine = rc == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(q, 0), "ok") == 0;
    int err = rc == SQLITE_ROW && !fine ? -EUCLEAN : sc_state_error(st, rc);
    sqlite3_finalize(q);
    return err;
}

static int write_domain(struct sc_state *st)
{
    static const char sql[] = "INSERT INTO meta VALUES ('domain', ?1)";
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(st->db, sql, -1, &q, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_bind_int64(q, 1, st->domain);
        rc = sqlite3_step(q);
    }
    int err = sc_state_error(st, rc);
    sqlite3_finalize(q);
    return err;
}

/* Random bytes that are kept from now on. */
static int make_secret(struct sc_state *st, const char *key, uint8_t *out, size_t len)
{
    static const char sql[] = "INSERT INTO meta VALUES (?1, ?2)";
    sqlite3_stmt *q = NULL;
    sc_random(out, len);
    int rc = sqlite3_prepare_v2(st->db, sql, -1, &q, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_bind_text(q, 1, key, -1, SQLITE_STATIC);
        sqlite3_bind_blob(q, 2, out, (int)len, SQLITE_STATIC);
        rc = sqlite3_step(q);
    }
    int err = sc_state_error(st, rc);
    sqlite3_finalize(q);
    return err;
}

static int read_secret(struct sc_state *st, const char *key, uint8_t *out, size_t len)
{
    static const char sql[] = "SELECT value FROM meta WHERE key = ?1";
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(st->db, sql, -1, &q, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_bind_text(q, 1, key, -1, SQLITE_STATIC);
        rc = sqlite3_step(q);
    }
    bool fine = rc == SQLITE_ROW && (size_t)sqlite3_column_bytes(q, 0) == len;
    if (fine)
        memcpy(out, sqlite3_column_blob(q, 0), len);
    int err = fine ? 0 : rc == SQLITE_ROW || rc == SQLITE_DONE ? -EUCLEAN : sc_state_error(st, rc);
    sqlite3_finalize(q);
    return err;
}

/* A host that has not joined yet knows none. */
static int read_router(struct sc_state *st)
{
    static const char sql[] = "SELECT value FROM meta WHERE key = 'router'";
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(st->db, sql, -1, &q, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(q);
    st->knows_router = rc == SQLITE_ROW && sqlite3_column_bytes(q, 0) == sizeof st->router;
    if (st->knows_router)
        memcpy(st->router, sqlite3_column_blob(q, 0), sizeof st->router);
    int err = sc_state_error(st, rc);
    sqlite3_finalize(q);
    return err;
}

static int read_meta(struct sc_state *st)
{
    int64_t domain = 0;
    int err = sc_state_number(st, "SELECT value FROM meta WHERE key = 'domain'", &domain);
    if (err == -ENOENT || (err == 0 && (domain <= 0 || domain > UINT32_MAX)))
        return -EUCLEAN;
    st->domain = (uint32_t)domain;
    if (err == 0)
        err = read_secret(st, "host_secret", st->host_secret, sizeof st->host_secret);
    if (err == 0)
        err = read_secret(st, "network_seed", st->network_seed, sizeof st->network_seed);
    return err < 0 ? err : read_router(st);
}

/* --- the first start -------------------------------------------------------------------------- */

static int make_meta(struct sc_state *st)
{
    while (st->domain == 0) /* unless an older scaffoldd had one */
        sc_random(&st->domain, sizeof st->domain);
    int err = write_domain(st);
    return err < 0 ? err : make_secret(st, "host_secret", st->host_secret, sizeof st->host_secret);
}

/* From schema 1 to 2, in a transaction: names and addresses stay; which service a name is follows
 * from the new keys. */
static int make_keys(struct sc_state *st)
{
    int err = sc_state_run(st, keys_sql);
    return err < 0 ? err
                   : make_secret(st, "network_seed", st->network_seed, sizeof st->network_seed);
}

static void old_path(const struct sc_state *st, const char *suffix, char *out, size_t size)
{
    int dir = (int)(strrchr(st->path, '/') - st->path);
    snprintf(out, size, "%.*s/mappings%s", dir, st->path, suffix);
}

/* All of it is one transaction: a start that is cut off begins again from nothing. */
static int make_tables(struct sc_state *st, char *old, size_t size)
{
    old_path(st, "", old, size);
    int err = sc_state_run(st, "BEGIN IMMEDIATE");
    if (err == 0)
        err = sc_state_run(st, schema_sql);
    int left_out = err == 0 ? sc_state_take_old(st, old) : err;
    if (left_out < 0 && left_out != -ENOENT)
        return left_out;
    if (left_out > 0)
        sc_log(SC_LOG_WARN, "%s: %d lines of it could not be read and were left out", old,
               left_out);
    err = make_meta(st);
    if (err == 0)
        err = make_keys(st);
    if (err == 0)
        err = sc_state_run(st, schema_3_sql);
    return err < 0 ? err : sc_state_run(st, "COMMIT");
}

/* What a scaffoldd before us made. */
static int bring_up_to_date(struct sc_state *st, int schema)
{
    if (schema == SC_STATE_SCHEMA)
        return 0;
    int err = sc_state_run(st, "BEGIN IMMEDIATE");
    if (err == 0 && schema < 2)
        err = make_keys(st);
    if (err == 0)
        err = sc_state_run(st, schema_3_sql);
    if (err == 0)
        err = sc_state_run(st, "COMMIT");
    if (err == 0 && schema < 2)
        sc_log(SC_LOG_INFO, "%s: names keep their addresses; hosts have to join once more",
               st->path);
    return err;
}

/* Its time is over once the database has been made; it stays to be looked at. */
static void put_old_away(const struct sc_state *st)
{
    char old[sizeof st->path + 16], away[sizeof old];
    old_path(st, "", old, sizeof old);
    old_path(st, ".old", away, sizeof away);
    if (rename(old, away) == 0)
        sc_log(SC_LOG_INFO, "%s was taken over into %s and is now %s", old, st->path, away);
}

/* --- opening ---------------------------------------------------------------------------------- */

static int load(struct sc_state *st, char *old, size_t size)
{
    int err = sc_state_run(st, settings_sql);
    int schema = err < 0 ? err : read_schema(st);
    if (schema < 0)
        return schema;
    err = sc_state_run(st, log_sql);
    if (err == 0)
        err = schema > 0 ? check(st) : make_tables(st, old, size);
    if (err == 0 && schema > 0)
        err = bring_up_to_date(st, schema);
    if (err == 0)
        err = read_meta(st);
    if (err == 0)
        put_old_away(st);
    return err;
}

int sc_state_open(struct sc_state *st, const char *dir, uint32_t instance, char *why, size_t size)
{
    char old[sizeof st->path + 16] = "";
    *st = (struct sc_state){0};
    snprintf(st->path, sizeof st->path, "%s/%08x", dir, instance);
    int err = make_dirs(st->path);
    strncat(st->path, "/state.db", sizeof st->path - strlen(st->path) - 1);
    if (err == 0)
        err = open_file(st);
    if (err == 0)
        err = load(st, old, sizeof old);
    if (err == 0)
        return 0;
    if (err == -EUCLEAN && *old)
        snprintf(
            why, size,
            "%s: damaged (its first line is `domain` and 8 hex digits); put a copy of it back, "
            "or remove it: then services get other addresses",
            old);
    else
        sc_state_explain(st, err, why, size);
    sc_state_close(st);
    return -1;
}

void sc_state_close(struct sc_state *st)
{
    sqlite3_finalize(st->put);
    sqlite3_finalize(st->own);
    sqlite3_finalize(st->bind);
    sqlite3_close(st->db);
    st->put = st->own = st->bind = NULL;
    st->db = NULL;
}
