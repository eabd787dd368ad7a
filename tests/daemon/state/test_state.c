/* The state of scaffoldd on its disk: what was kept is found again, an older text file is taken
 * over, and what is wrong with a file is said as it is. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/state/state.h"
#include "crypto/crypto.h"
#include "naming/service_name.h"
#include "stack/parts.h"

#define INSTANCE 0x5ca1ab1e

/* A folder of its own for each test, and what lies in it. */
struct place {
    char dir[64];
    char home[96]; /* of the instance */
    char file[128];
    char why[512];
    struct sc_state state;
};

static int set_up(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    *state = p;
    snprintf(p->dir, sizeof p->dir, "/tmp/scaffold-state-XXXXXX");
    if (!p || !mkdtemp(p->dir))
        return -1;
    snprintf(p->home, sizeof p->home, "%s/%08x", p->dir, INSTANCE);
    snprintf(p->file, sizeof p->file, "%s/state.db", p->home);
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    char command[96];
    sc_state_close(&p->state);
    while (umount2(p->dir, MNT_DETACH) == 0)
        ;
    snprintf(command, sizeof command, "rm -rf %s", p->dir);
    int err = system(command);
    free(p);
    return err;
}

static int open_state(struct place *p)
{
    *p->why = 0;
    return sc_state_open(&p->state, p->dir, INSTANCE, p->why, sizeof p->why);
}

static void must_open(struct place *p)
{
    if (open_state(p) < 0)
        fail_msg("%s", p->why);
}

/* It does not open, and the line says so with these words and the file's name. */
static void must_refuse(struct place *p, const char *words)
{
    assert_int_equal(open_state(p), -1);
    if (!strstr(p->why, words) || !strstr(p->why, p->dir))
        fail_msg("%s: says nothing of %s", p->why, words);
}

static struct sc_mapping mapping(uint32_t host_part, const char *name)
{
    struct sc_mapping m = {.pool = 0xc6120000 + host_part};
    snprintf(m.name, sizeof m.name, "%s", name);
    return m;
}

static void keep(struct place *p, uint32_t host_part, const char *name)
{
    struct sc_mapping m = mapping(host_part, name);
    assert_int_equal(sc_state_keep(&p->state, &m, 1), 0);
}

static void run_sql(struct place *p, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(p->file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void write_file(const char *path, const void *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), (ssize_t)len);
    close(fd);
}

/* The text file of an older scaffoldd. */
static void write_old(struct place *p, const char *text)
{
    char path[128];
    mkdir(p->home, 0700);
    snprintf(path, sizeof path, "%s/mappings", p->home);
    write_file(path, text, strlen(text));
}

static struct sc_stack *new_stack(const struct place *p)
{
    struct sc_stack_config c = {.host_name = "r",
                                .domain = p->state.domain,
                                .pool_base = 0xc6120000,
                                .pool_bits = 15,
                                .seed = 1,
                                .epoch = 1};
    memcpy(c.network_seed, p->state.network_seed, sizeof c.network_seed);
    struct sc_stack *s = sc_stack_new(&c, 0);
    assert_non_null(s);
    return s;
}

static void assert_name_at(struct sc_stack *s, uint32_t host_part, const char *name)
{
    struct sc_mapping m;
    bool there = sc_stack_mapping_of_pool(s, 0xc6120000 + host_part, &m);
    assert_int_equal(there, name != NULL);
    if (name)
        assert_string_equal(m.name, name);
}

/* --- what is kept ----------------------------------------------------------------------------- */

static void finds_again_what_it_kept(void **state)
{
    struct place *p = *state;
    must_open(p);
    uint32_t domain = p->state.domain;
    uint8_t secret[SC_HOST_SECRET_LEN], zeros[SC_HOST_SECRET_LEN] = {0};
    uint8_t network[SC_NETWORK_SEED_LEN];
    memcpy(secret, p->state.host_secret, sizeof secret);
    memcpy(network, p->state.network_seed, sizeof network);
    assert_int_not_equal(domain, 0);
    assert_memory_not_equal(secret, zeros, sizeof secret);
    assert_memory_not_equal(network, zeros, sizeof zeros);
    keep(p, 7, "web.demo.scaffold");
    sc_state_close(&p->state);

    must_open(p);
    assert_int_equal(p->state.domain, domain);
    assert_memory_equal(p->state.host_secret, secret, sizeof secret);
    assert_memory_equal(p->state.network_seed, network, sizeof network);
    struct sc_stack *s = new_stack(p);
    assert_int_equal(sc_state_restore(&p->state, s), 0);
    assert_name_at(s, 7, "web.demo.scaffold");
    sc_stack_free(s);
}

/* Two addresses for one name, too, would be found out here. */
static void an_address_has_one_name(void **state)
{
    struct place *p = *state;
    must_open(p);
    keep(p, 7, "web.demo.scaffold");
    struct sc_mapping two[] = {mapping(8, "db.demo.scaffold"), mapping(9, "web.demo.scaffold")};
    assert_int_not_equal(sc_state_keep(&p->state, two, 2), 0);
    keep(p, 7, "mail.demo.scaffold");
    struct sc_stack *s = new_stack(p);
    assert_int_equal(sc_state_restore(&p->state, s), 0);
    assert_name_at(s, 7, "mail.demo.scaffold");
    assert_name_at(s, 8, NULL); /* all or none */
    sc_stack_free(s);
}

/* Once a name of it was used, an alias keeps its key, whatever would follow from the seed. */
static void an_alias_is_bound_for_good(void **state)
{
    struct place *p = *state;
    struct sc_mapping asked = mapping(7, "web.asked.scaffold"), m;
    struct sc_mapping used = mapping(8, "web.used.scaffold");
    uint8_t key[SC_KEY_LEN];
    must_open(p);
    memset(asked.key, 7, sizeof asked.key);
    memset(used.key, 8, sizeof used.key);
    memset(key, 8, sizeof key);
    used.used = true;
    assert_int_equal(sc_state_keep(&p->state, &asked, 1), 0);
    assert_int_equal(sc_state_keep(&p->state, &used, 1), 0);
    memset(used.key, 9, sizeof used.key); /* the first one holds */
    assert_int_equal(sc_state_keep(&p->state, &used, 1), 0);

    struct sc_stack *s = new_stack(p);
    assert_int_equal(sc_state_restore(&p->state, s), 0);
    assert_true(sc_stack_mapping_of_name(s, "web.used.scaffold", &m));
    assert_memory_equal(m.key, key, sizeof key);
    assert_true(sc_stack_mapping_of_name(s, "web.asked.scaffold", &m));
    assert_memory_not_equal(m.key, asked.key, sizeof key);
    struct sc_crypto c;
    assert_int_equal(sc_crypto_init(&c, NULL), 0);
    sc_provider_derive(&c, p->state.network_seed, "asked", key);
    sc_crypto_fini(&c);
    assert_memory_equal(m.key, key, sizeof key);
    sc_stack_free(s);
}

/* The key that an alias is known by, as it was said last. */
static void a_pin_is_kept(void **state)
{
    struct place *p = *state;
    struct sc_pin pin = {.alias = "demo", .key = {1}, .since = 7};
    must_open(p);
    assert_int_equal(sc_state_pin(&p->state, &pin), 0);
    pin.key[0] = 2;
    pin.local = true;
    assert_int_equal(sc_state_pin(&p->state, &pin), 0);
    sc_state_close(&p->state);
    must_open(p);
    struct sc_stack *s = new_stack(p);
    assert_int_equal(sc_state_restore(&p->state, s), 0);
    assert_memory_equal(sc_stack_pin(s, "demo"), &pin, sizeof pin);
    assert_null(sc_stack_pin(s, "acme"));
    sc_stack_free(s);
}

/* Uses that are left of an invitation after a start. */
static uint32_t uses_of(struct place *p, uint8_t first)
{
    struct sc_stack *s = new_stack(p);
    uint8_t hash[SC_HASH_LEN] = {first};
    assert_int_equal(sc_state_restore(&p->state, s), 0);
    struct sc_invitation *one = sc_invitations_find(&s->router.invitations, hash, 1);
    uint32_t uses = one ? one->uses : 0;
    sc_stack_free(s);
    return uses;
}

/* Each name that is somebody's takes one of its uses, in the same transaction. */
static void an_invitation_is_kept(void **state)
{
    struct place *p = *state;
    struct sc_invitation two = {.hash = {1}, .uses = 2, .until = UINT32_MAX},
                         over = {.hash = {2}, .uses = 2, .until = 1000};
    struct sc_mapping m = {.pool = 0xc6120003,
                           .name = "b.host.scaffold",
                           .owned = true,
                           .owner = {5},
                           .invitation = {1}};
    must_open(p);
    assert_int_equal(sc_state_invite(&p->state, &two), 0);
    assert_int_equal(sc_state_invite(&p->state, &over), 0);
    assert_int_equal(sc_state_keep(&p->state, &m, 1), 0);
    sc_state_close(&p->state);
    must_open(p);
    assert_int_equal(uses_of(p, 1), 1);
    assert_int_equal(uses_of(p, 2), 0);
    memset(m.invitation, 0, sizeof m.invitation); /* as it is kept again for another reason */
    m.used = true;
    assert_int_equal(sc_state_keep(&p->state, &m, 1), 0);
    assert_int_equal(uses_of(p, 1), 1);
    struct sc_mapping bad = {.pool = 0xc6120004, .name = "b.host.scaffold", .invitation = {1}};
    assert_int_equal(sc_state_keep(&p->state, &bad, 1), -EEXIST);
    assert_int_equal(uses_of(p, 1), 1);
    m = (struct sc_mapping){
        .pool = 0xc6120005, .name = "c.host.scaffold", .owned = true, .invitation = {1}};
    assert_int_equal(sc_state_keep(&p->state, &m, 1), 0);
    assert_int_equal(uses_of(p, 1), 0);
}

static void the_secret_is_nobody_elses(void **state)
{
    struct place *p = *state;
    struct stat file;
    mode_t before = umask(0);
    must_open(p);
    umask(before);
    assert_int_equal(stat(p->file, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
}

/* --- the text file of an older scaffoldd ------------------------------------------------------ */

static void takes_an_old_file_over_once(void **state)
{
    struct place *p = *state;
    char old[128];
    write_old(p, "domain 5c0f11ad\n198.18.0.7 web.demo.scaffold\n198.18.0.8 db.demo.scaffold\n");
    must_open(p);
    assert_int_equal(p->state.domain, 0x5c0f11ad);
    keep(p, 7, "mail.demo.scaffold"); /* what the old file says of it is over */
    sc_state_close(&p->state);
    write_old(p, "domain 11111111\n198.18.0.9 late.demo.scaffold\n");

    must_open(p);
    assert_int_equal(p->state.domain, 0x5c0f11ad);
    struct sc_stack *s = new_stack(p);
    assert_int_equal(sc_state_restore(&p->state, s), 0);
    assert_name_at(s, 7, "mail.demo.scaffold");
    assert_name_at(s, 8, "db.demo.scaffold");
    assert_name_at(s, 9, NULL);
    sc_stack_free(s);
    snprintf(old, sizeof old, "%s/mappings", p->home);
    assert_int_equal(access(old, F_OK), -1);
    snprintf(old, sizeof old, "%s/mappings.old", p->home);
    assert_int_equal(access(old, F_OK), 0);
}

/* A torn line costs what it says itself, wherever it was torn, and not its neighbour. */
static void a_torn_line_takes_no_other_along(void **state)
{
    static const char torn[] = "198.18.0.7 web.demo.scaffold";
    static const char next[] = "198.18.0.8 db.demo.scaffold\n";
    struct place *p = *state;
    for (int n = 1; n < (int)sizeof torn - 1; n++) {
        char text[256];
        snprintf(text, sizeof text, "domain 5c0f11ad\n%.*s%s%.*s", n, torn, next, n, torn);
        write_old(p, text);
        must_open(p);
        struct sc_stack *s = new_stack(p);
        assert_int_equal(sc_state_restore(&p->state, s), 0);
        assert_name_at(s, 7, NULL);
        assert_name_at(s, 8, "db.demo.scaffold");
        sc_stack_free(s);
        sc_state_close(&p->state);
        assert_int_equal(unlink(p->file), 0);
    }
}

static void of_an_old_file_only_damage_is_called_so(void **state)
{
    struct place *p = *state;
    write_old(p, "domain 5c"); /* its very first write was torn: nothing was given away yet */
    must_open(p);
    sc_state_close(&p->state);
    assert_int_equal(unlink(p->file), 0);

    write_old(p, "dear diary\n198.18.0.7 web.demo.scaffold\n");
    must_refuse(p, "mappings: damaged");
    write_old(p, "domain 5c0f11ad\n198.18.0.7 web.demo.scaffold\n"); /* put back */
    must_open(p);
    assert_int_equal(p->state.domain, 0x5c0f11ad);
}

/* --- the database of an older scaffoldd ------------------------------------------------------- */

/* As schema 1 was. */
static void write_schema_1(struct place *p)
{
    char dir[128];
    mkdir(p->home, 0700);
    snprintf(dir, sizeof dir, "%s", p->file);
    *strrchr(dir, '/') = 0;
    mkdir(dir, 0700);
    run_sql(p, "CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;"
               "CREATE TABLE mappings (address INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
               " used INTEGER NOT NULL, reused INTEGER NOT NULL, kept INTEGER NOT NULL);"
               "INSERT INTO meta VALUES ('domain', 7),"
               " ('host_secret', x'0102030405060708090a0b0c0d0e0f10');"
               "INSERT INTO mappings VALUES (3323068423, 'web.demo.scaffold', 1, 0, 5),"
               " (3323068424, 'b.host.scaffold', 0, 1, 6);"
               "PRAGMA user_version = 1");
}

/* Names keep their addresses; their providers get keys, once. */
static void takes_schema_1_over(void **state)
{
    struct place *p = *state;
    uint8_t network[SC_NETWORK_SEED_LEN], zeros[SC_NETWORK_SEED_LEN] = {0};
    write_schema_1(p);
    for (int i = 0; i < 2; i++) {
        struct sc_mapping m;
        must_open(p);
        assert_int_equal(p->state.domain, 7);
        assert_int_equal(p->state.host_secret[15], 16);
        if (i == 0)
            memcpy(network, p->state.network_seed, sizeof network);
        assert_memory_not_equal(network, zeros, sizeof zeros);
        assert_memory_equal(network, p->state.network_seed, sizeof network);
        struct sc_stack *s = new_stack(p);
        assert_int_equal(sc_state_restore(&p->state, s), 0);
        assert_name_at(s, 7, "web.demo.scaffold");
        assert_name_at(s, 8, "b.host.scaffold");
        assert_true(sc_stack_mapping_of_pool(s, 0xc6120007, &m));
        assert_true(m.used && !m.reused && sc_provider_has_key(m.key));
        sc_stack_free(s);
        sc_state_close(&p->state);
    }
    must_open(p);
}

/* What a network has is as it was; there were no invitations. */
static void takes_schema_2_over(void **state)
{
    struct place *p = *state;
    struct sc_invitation one = {.hash = {1}, .uses = 2, .until = UINT32_MAX};
    uint8_t network[SC_NETWORK_SEED_LEN];
    must_open(p);
    keep(p, 7, "web.demo.scaffold");
    memcpy(network, p->state.network_seed, sizeof network);
    sc_state_close(&p->state);
    run_sql(p, "DROP TABLE invitations; DROP TABLE grants; PRAGMA user_version = 2");
    must_open(p);
    assert_memory_equal(p->state.network_seed, network, sizeof network);
    assert_int_equal(uses_of(p, 1), 0);
    assert_int_equal(sc_state_invite(&p->state, &one), 0);
    assert_int_equal(uses_of(p, 1), 2);
    struct sc_stack *s = new_stack(p);
    assert_int_equal(sc_state_restore(&p->state, s), 0);
    assert_name_at(s, 7, "web.demo.scaffold");
    sc_stack_free(s);
}

/* --- what can be wrong ------------------------------------------------------------------------ */

static void a_damaged_file_is_said_to_be(void **state)
{
    struct place *p = *state;
    static const char nonsense[4096] = "SQLite forma";
    must_open(p);
    sc_state_close(&p->state);
    write_file(p->file, nonsense, sizeof nonsense);
    must_refuse(p, "state.db: damaged");
}

/* Every page in turn is overwritten: nothing is taken for a name that was not kept. */
static void damage_anywhere_is_found(void **state)
{
    struct place *p = *state;
    static uint8_t file[1 << 20], worse[1 << 20];
    must_open(p);
    for (uint32_t i = 1; i < 200; i++) {
        char name[64];
        snprintf(name, sizeof name, "a-service-of-a-rather-long-name-%u.demo.scaffold", i);
        keep(p, i, name);
    }
    sc_state_close(&p->state);
    int fd = open(p->file, O_RDONLY);
    ssize_t len = read(fd, file, sizeof file);
    close(fd);
    assert_in_range(len, 5 * 4096, sizeof file - 1);
    for (ssize_t page = 0; page < len; page += 4096) {
        memcpy(worse, file, (size_t)len);
        memset(worse + page, 0x5a, 4096);
        write_file(p->file, worse, (size_t)len);
        must_refuse(p, "state.db: damaged");
    }
    write_file(p->file, file, (size_t)len);
    must_open(p);
}

static void a_newer_scaffoldds_file_is_left_alone(void **state)
{
    struct place *p = *state;
    must_open(p);
    sc_state_close(&p->state);
    run_sql(p, "PRAGMA user_version = 7");
    must_refuse(p, "newer scaffoldd (schema 7");
    run_sql(p, "PRAGMA user_version = 0");
    must_refuse(p, "another program");
}

static void two_do_not_share_one_file(void **state)
{
    struct place *p = *state;
    struct sc_state other;
    must_open(p);
    keep(p, 7, "web.demo.scaffold");
    pid_t child = fork(); /* a process's own locks do not keep itself out */
    if (child == 0)
        _exit(sc_state_open(&other, p->dir, INSTANCE, p->why, sizeof p->why) == -1 &&
                      strstr(p->why, "another scaffoldd")
                  ? 0
                  : 1);
    int status = -1;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

static void a_file_that_was_removed_takes_nothing_more(void **state)
{
    struct place *p = *state;
    char why[512];
    must_open(p);
    assert_int_equal(unlink(p->file), 0);
    struct sc_mapping m = mapping(7, "web.demo.scaffold");
    assert_int_equal(sc_state_keep(&p->state, &m, 1), -ESTALE);
    sc_state_explain(&p->state, -ESTALE, why, sizeof why);
    assert_non_null(strstr(why, "removed or replaced"));
}

static void a_foreign_owner_is_named(void **state)
{
    struct place *p = *state;
    if (geteuid() != 0)
        skip(); /* only root can give a file away */
    must_open(p);
    sc_state_close(&p->state);
    assert_int_equal(chown(p->file, 12345, 12345), 0);
    must_refuse(p, "belongs to uid 12345");
    assert_int_equal(chown(p->file, 0, 0), 0);
    must_open(p);
}

/* --- disks ------------------------------------------------------------------------------------ */

/* A small disk for this test alone; skips where only root could have one. */
static void mount_disk(struct place *p, const char *options)
{
    if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", p->dir, "tmpfs", 0, options) < 0)
        skip();
}

static void fill_disk(struct place *p, bool full)
{
    static const char block[4096];
    char path[128];
    snprintf(path, sizeof path, "%s/filler", p->dir);
    if (!full) {
        assert_int_equal(unlink(path), 0);
        return;
    }
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    while (write(fd, block, sizeof block) > 0)
        ;
    assert_int_equal(errno, ENOSPC);
    close(fd);
}

/* Keeps names until the disk is full. Returns how many are kept. */
static uint32_t keep_until(struct place *p, int error)
{
    for (uint32_t i = 1; i < 1000; i++) {
        char name[64];
        snprintf(name, sizeof name, "service-%u.demo.scaffold", i);
        struct sc_mapping m = mapping(i, name);
        int err = sc_state_keep(&p->state, &m, 1);
        if (err == error)
            return i - 1;
        assert_int_equal(err, 0);
    }
    fail();
    return 0;
}

/* What was kept is kept, what was not is not, and it goes on when there is room again. */
static void a_full_disk(void **state)
{
    struct place *p = *state;
    char why[512];
    mount_disk(p, "size=256k");
    must_open(p);
    fill_disk(p, true);
    uint32_t kept = keep_until(p, -ENOSPC);
    sc_state_explain(&p->state, -ENOSPC, why, sizeof why);
    assert_non_null(strstr(why, "No space left on device"));
    assert_non_null(strstr(why, p->file));
    fill_disk(p, false);
    keep(p, 2000, "later.demo.scaffold");
    sc_state_close(&p->state);

    must_open(p);
    struct sc_stack *s = new_stack(p);
    assert_int_equal(sc_state_restore(&p->state, s), 0);
    for (uint32_t i = 1; i <= kept; i++) {
        char name[64];
        snprintf(name, sizeof name, "service-%u.demo.scaffold", i);
        assert_name_at(s, i, name);
    }
    assert_name_at(s, kept + 1, NULL);
    assert_name_at(s, 2000, "later.demo.scaffold");
    sc_stack_free(s);
}

static void a_disk_that_is_full_at_the_first_start(void **state)
{
    struct place *p = *state;
    mount_disk(p, "size=64k");
    mkdir(p->home, 0700);
    fill_disk(p, true);
    must_refuse(p, "No space left on device; free some");
    fill_disk(p, false);
    must_open(p);
}

/* What is there can be used with a full disk: a router starts, and knows its names. */
static void a_disk_that_is_full_at_a_later_start(void **state)
{
    struct place *p = *state;
    mount_disk(p, "size=256k");
    must_open(p);
    keep(p, 7, "web.demo.scaffold");
    sc_state_close(&p->state);
    fill_disk(p, true);
    must_open(p);
    struct sc_stack *s = new_stack(p);
    assert_int_equal(sc_state_restore(&p->state, s), 0);
    assert_name_at(s, 7, "web.demo.scaffold");
    sc_stack_free(s);
}

static void a_read_only_disk(void **state)
{
    struct place *p = *state;
    mount_disk(p, "size=256k");
    must_open(p);
    sc_state_close(&p->state);
    assert_int_equal(mount(NULL, p->dir, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    must_refuse(p, "Read-only file system");
    assert_int_equal(mount(NULL, p->dir, NULL, MS_REMOUNT, NULL), 0);
    must_open(p);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(finds_again_what_it_kept),
        CASE(an_address_has_one_name),
        CASE(an_alias_is_bound_for_good),
        CASE(a_pin_is_kept),
        CASE(an_invitation_is_kept),
        CASE(the_secret_is_nobody_elses),
        CASE(takes_an_old_file_over_once),
        CASE(a_torn_line_takes_no_other_along),
        CASE(of_an_old_file_only_damage_is_called_so),
        CASE(takes_schema_1_over),
        CASE(takes_schema_2_over),
        CASE(a_damaged_file_is_said_to_be),
        CASE(damage_anywhere_is_found),
        CASE(a_newer_scaffoldds_file_is_left_alone),
        CASE(two_do_not_share_one_file),
        CASE(a_file_that_was_removed_takes_nothing_more),
        CASE(a_foreign_owner_is_named),
        CASE(a_full_disk),
        CASE(a_disk_that_is_full_at_the_first_start),
        CASE(a_disk_that_is_full_at_a_later_start),
        CASE(a_read_only_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
