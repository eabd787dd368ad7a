/* The state of scaffoldd, cut off at every call that changes the disk: by a kill, which loses what
 * was not called for yet and may tear a write, and by a loss of power, which also loses what was
 * written and not synchronised: all of it, or some sectors. Whatever is left, the state opens,
 * holds every mapping that was said to be stored, and no address with a name that it was not given.
 *
 * The calls are this program's own, which the SQLite library finds before libc's. What is durable
 * is kept in memory that outlives the process: contents by inode at its fsync, names of the folder
 * at the folder's. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rng.h"
#include "daemon/state/state.h"
#include "daemon/state/storage.h"
#include "naming/service_name.h"

#define INSTANCE 0x5ca1ab1e
#define POOL 0xc6120000u
#define CUT_OFF 77 /* exit status of who was cut off */
#define FILES_MAX 8
#define FILE_MAX (256 * 1024)
#define SECTOR 512
#define ACKS_MAX 64

enum mode { KILL, POWER, SECTORS, MODES };

/* What a disk holds for certain. */
struct durable {
    struct {
        ino_t inode;
        bool known;
        size_t len;
        uint8_t data[FILE_MAX];
    } file[FILES_MAX];
    struct {
        ino_t inode;
        char name[32];
    } entry[FILES_MAX];
    size_t entries;
};

/* Shared by the process that is cut off and the one that looks at what is left. */
static struct shared {
    long at, calls; /* the call that is not made any more; calls made so far */
    bool counting;
    struct durable disk;
    bool told; /* domain and secret, to the network */
    uint32_t domain;
    uint8_t secret[SC_HOST_SECRET_LEN];
    size_t acks;
    struct sc_mapping ack[ACKS_MAX];
} * shared;

static char dir[40], home[64];

/* --- the disk --------------------------------------------------------------------------------- */

static size_t file_of(ino_t inode)
{
    size_t i = 0;
    while (i < FILES_MAX && shared->disk.file[i].inode && shared->disk.file[i].inode != inode)
        i++;
    if (i == FILES_MAX)
        abort();
    shared->disk.file[i].inode = inode;
    return i;
}

static size_t read_whole(int fd, uint8_t *out)
{
    static ssize_t (*real)(int, void *, size_t, off_t);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "pread");
    ssize_t n = real(fd, out, FILE_MAX, 0);
    return n > 0 ? (size_t)n : 0;
}

static void sync_folder(void)
{
    struct dirent *d;
    DIR *folder = opendir(home);
    shared->disk.entries = 0;
    while (folder && (d = readdir(folder)) != NULL) {
        if (d->d_name[0] == '.')
            continue;
        size_t n = shared->disk.entries++;
        if (n == FILES_MAX)
            abort();
        shared->disk.entry[n].inode = d->d_ino;
        snprintf(shared->disk.entry[n].name, sizeof shared->disk.entry[n].name, "%.31s", d->d_name);
    }
    if (folder)
        closedir(folder);
}

/* Synchronised by name: a descriptor of its own, since locks would go with any other way. */
static void sync_file(int fd, ino_t inode)
{
    size_t i = file_of(inode);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int again = open(path, O_RDONLY | O_CLOEXEC);
    if (again < 0)
        abort();
    shared->disk.file[i].len = read_whole(again, shared->disk.file[i].data);
    shared->disk.file[i].known = true;
    /* Not closed: that would give up this process's locks on the file. */
}

static void synced(int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return;
    if (S_ISDIR(st.st_mode))
        sync_folder();
    else
        sync_file(fd, st.st_ino);
}

/* --- the calls -------------------------------------------------------------------------------- */

#define REAL(name)                                                                                 \
    static __typeof__(&name) real;                                                                 \
    if (!real)                                                                                     \
    *(void **)&real = dlsym(RTLD_NEXT, #name)
#define OURS __attribute__((visibility("default")))

static bool is_cut(void)
{
    return shared && shared->counting && ++shared->calls == shared->at;
}

static void cut_here(void)
{
    if (is_cut())
        _exit(CUT_OFF);
}

/* A write is torn in its middle. */
OURS ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
    REAL(pwrite64);
    if (is_cut()) {
        real(fd, data, len / 2, at);
        _exit(CUT_OFF);
    }
    return real(fd, data, len, at);
}

OURS ssize_t write(int fd, const void *data, size_t len)
{
    REAL(write);
    struct stat st;
    if (shared && shared->counting && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && is_cut()) {
        real(fd, data, len / 2);
        _exit(CUT_OFF);
    }
    return real(fd, data, len);
}

/* The disk that counts is ours: the machine's own is not waited for. */
OURS int fsync(int fd)
{
    cut_here();
    if (shared && shared->counting)
        synced(fd);
    return 0;
}

OURS int fdatasync(int fd)
{
    return fsync(fd);
}

OURS int ftruncate64(int fd, off64_t len)
{
    REAL(ftruncate64);
    cut_here();
    return real(fd, len);
}

OURS int unlink(const char *path)
{
    REAL(unlink);
    cut_here();
    return real(path);
}

OURS int rename(const char *from, const char *to)
{
    REAL(rename);
    cut_here();
    return real(from, to);
}

static bool creates(const char *path, int flags)
{
    return (flags & O_CREAT) && shared && shared->counting && strncmp(path, dir, strlen(dir)) == 0;
}

OURS int open(const char *path, int flags, ...)
{
    REAL(open);
    va_list args;
    va_start(args, flags);
    int mode = flags & O_CREAT ? va_arg(args, int) : 0;
    va_end(args);
    if (creates(path, flags))
        cut_here();
    return real(path, flags, mode);
}

OURS int open64(const char *path, int flags, ...)
{
    REAL(open64);
    va_list args;
    va_start(args, flags);
    int mode = flags & O_CREAT ? va_arg(args, int) : 0;
    va_end(args);
    if (creates(path, flags))
        cut_here();
    return real(path, flags, mode);
}

/* --- what is done, up to the cut -------------------------------------------------------------- */

static struct sc_mapping mapping(uint32_t host_part, const char *name, bool used, bool reused)
{
    struct sc_mapping m = {.pool = POOL + host_part, .used = used, .reused = reused};
    snprintf(m.name, sizeof m.name, "%s.demo.scaffold", name);
    return m;
}

static void must_open(struct sc_state *st)
{
    char why[512];
    if (sc_state_open(st, dir, INSTANCE, why, sizeof why) < 0)
        fail_msg("%s", why);
}

/* Through the thread, as scaffoldd does it; what is said to be stored is remembered outside. */
static void store(struct sc_storage *s, const struct sc_mapping *m, size_t count)
{
    static struct sc_storage_result result[SC_CHANGES_MAX];
    char why[512];
    for (size_t i = 0; i < count; i++)
        sc_storage_put(s, i, &m[i]);
    for (size_t left = count; left > 0;) {
        struct pollfd ready = {.fd = s->ready, .events = POLLIN};
        assert_int_equal(poll(&ready, 1, -1), 1);
        size_t n = sc_storage_take(s, result, why);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(result[i].error, 0);
            shared->ack[shared->acks++] = m[result[i].token];
        }
        left -= n;
    }
}

static void first_run(struct sc_storage *s)
{
    struct sc_mapping one = mapping(1, "one", false, false);
    struct sc_mapping more[6];
    store(s, &one, 1);
    for (uint32_t i = 0; i < 6; i++) {
        char name[16];
        snprintf(name, sizeof name, "group%u", i);
        more[i] = mapping(10 + i, name, false, false);
    }
    store(s, more, 6);
}

static void second_run(struct sc_storage *s)
{
    struct sc_mapping used = mapping(1, "one", true, false);
    struct sc_mapping other = mapping(11, "other", false, true);   /* group1 loses its address... */
    struct sc_mapping again = mapping(20, "group1", false, false); /* ...and gets another one */
    store(s, &used, 1);
    store(s, &other, 1);
    store(s, &again, 1);
}

static void run(void (*steps)(struct sc_storage *s))
{
    static struct sc_state state;
    static struct sc_storage storage;
    must_open(&state);
    shared->told = true;
    shared->domain = state.domain;
    memcpy(shared->secret, state.host_secret, sizeof shared->secret);
    memset(&storage, 0, sizeof storage);
    assert_int_equal(sc_storage_start(&storage, &state), 0);
    steps(&storage);
    assert_true(sc_storage_stop(&storage));
    sc_state_close(&state);
}

static void everything(void)
{
    shared->counting = true;
    run(first_run);
    run(second_run);
    shared->counting = false;
}

/* --- what is left ----------------------------------------------------------------------------- */

static void path_of(const char *name, char *out, size_t size)
{
    snprintf(out, size, "%s/%s", home, name);
}

/* Sector by sector the old or the new content; so for the length. */
static size_t mix(uint8_t *out, const uint8_t *now, size_t now_len, size_t old, struct sc_rng *rng)
{
    const uint8_t *was = shared->disk.file[old].data;
    size_t was_len = shared->disk.file[old].known ? shared->disk.file[old].len : 0;
    size_t len = sc_rng_next(rng) & 1 ? now_len : was_len;
    for (size_t at = 0; at < len; at += SECTOR) {
        size_t n = len - at < SECTOR ? len - at : SECTOR;
        bool fresh = at >= was_len || (at < now_len && (sc_rng_next(rng) & 1));
        memset(out + at, 0, n); /* beyond the end of either there are zeros */
        size_t from_len = fresh ? now_len : was_len;
        if (at < from_len)
            memcpy(out + at, (fresh ? now : was) + at, from_len - at < n ? from_len - at : n);
    }
    return len;
}

static void write_file(const char *name, const uint8_t *data, size_t len)
{
    char path[160];
    path_of(name, path, sizeof path);
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), (ssize_t)len);
    close(fd);
}

static void forget_unnamed(void)
{
    char path[400];
    struct dirent *d;
    DIR *folder = opendir(home);
    while ((d = readdir(folder)) != NULL) {
        bool durable = d->d_name[0] == '.';
        for (size_t i = 0; i < shared->disk.entries; i++)
            durable |= strcmp(shared->disk.entry[i].name, d->d_name) == 0;
        snprintf(path, sizeof path, "%s/%s", home, d->d_name);
        if (!durable)
            unlink(path);
    }
    closedir(folder);
}

/* The folder as it is found when power comes back. */
static void lose_power(enum mode mode, struct sc_rng *rng)
{
    static uint8_t now[FILE_MAX], left[FILE_MAX];
    for (size_t i = 0; i < shared->disk.entries; i++) {
        size_t f = file_of(shared->disk.entry[i].inode);
        char path[160];
        path_of(shared->disk.entry[i].name, path, sizeof path);
        int fd = open(path, O_RDONLY);
        size_t len = fd >= 0 ? read_whole(fd, now) : 0;
        if (fd >= 0)
            close(fd);
        if (mode == SECTORS)
            len = mix(left, now, len, f, rng);
        else
            len = shared->disk.file[f].known ? shared->disk.file[f].len : 0;
        write_file(shared->disk.entry[i].name, mode == SECTORS ? left : shared->disk.file[f].data,
                   len);
    }
    forget_unnamed();
}

/* The name that an address was given last, of those that were said to be stored. */
static const struct sc_mapping *last_ack(uint32_t pool)
{
    const struct sc_mapping *last = NULL;
    for (size_t i = 0; i < shared->acks; i++)
        if (shared->ack[i].pool == pool)
            last = &shared->ack[i];
    return last;
}

/* Said to be stored: there, or the very next thing that was asked for this address is. */
static void check_address(struct sc_stack *s, uint32_t host_part, const char *next)
{
    struct sc_mapping m;
    const struct sc_mapping *ack = last_ack(POOL + host_part);
    bool there = sc_stack_mapping_of_pool(s, POOL + host_part, &m);
    if (ack && !there)
        fail_msg("198.18.0.%u: %s was stored, and is not there", host_part, ack->name);
    if (there && !(ack && strcmp(m.name, ack->name) == 0) &&
        !(next && strncmp(m.name, next, strlen(next)) == 0))
        fail_msg("198.18.0.%u has the name %s", host_part, m.name);
    if (there && ack && strcmp(m.name, ack->name) == 0) {
        assert_true(m.used || !ack->used);
        assert_true(m.reused == ack->reused);
    } else if (there && ack) {
        assert_true(m.reused); /* it had another name before */
    }
}

static void check_state(void)
{
    static struct sc_state state;
    struct sc_stack_config c = {
        .host_name = "r", .pool_base = POOL, .pool_bits = 15, .epoch = 1, .seed = 1};
    uint8_t nothing[SC_HOST_SECRET_LEN] = {0};
    must_open(&state);
    c.domain = state.domain;
    struct sc_stack *s = sc_stack_new(&c, 0);
    assert_int_equal(sc_state_restore(&state, s), 0);
    if (shared->domain)
        assert_int_equal(state.domain, shared->domain);
    if (shared->told) {
        assert_memory_equal(state.host_secret, shared->secret, sizeof state.host_secret);
    }
    assert_memory_not_equal(state.host_secret, nothing, sizeof nothing);
    check_address(s, 1, "one");
    check_address(s, 7, "old");
    for (uint32_t i = 0; i < 6; i++)
        check_address(s, 10 + i, i == 1 && last_ack(POOL + 11) ? "other" : "group");
    check_address(s, 20, "group1");
    sc_stack_free(s);
    struct sc_mapping more = mapping(30, "later", false, false);
    assert_int_equal(sc_state_keep(&state, &more, 1), 0); /* and it goes on from there */
    sc_state_close(&state);
}

/* --- the test --------------------------------------------------------------------------------- */

static void empty_home(void)
{
    char command[160];
    snprintf(command, sizeof command, "rm -rf %s && mkdir %s", home, home);
    assert_int_equal(system(command), 0);
}

/* The state of a scaffoldd of before, which is there for certain. */
static void put_old_file(void)
{
    static const char text[] = "domain 5c0f11ad\n198.18.0.7 old.demo.scaffold\n198.18.0.8 to";
    char path[160];
    write_file("mappings", (const uint8_t *)text, sizeof text - 1);
    path_of("mappings", path, sizeof path);
    int fd = open(path, O_RDONLY);
    synced(fd);
    close(fd);
    sync_folder();
    shared->domain = 0x5c0f11ad;
    shared->ack[shared->acks++] = mapping(7, "old", false, false);
}

/* In a process of its own. Its exit status. */
static int in_child(void (*what)(void))
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        setenv("CMOCKA_TEST_ABORT", "1", 1); /* not on to the parent's next test */
        what();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

/* Cut off at the n-th call. False: there are not so many. */
static bool cut_at(long n, enum mode mode, bool old, uint64_t seed)
{
    struct sc_rng rng;
    sc_rng_seed(&rng, seed);
    memset(shared, 0, sizeof *shared);
    empty_home();
    if (old)
        put_old_file();
    shared->at = n;
    int status = in_child(everything);
    bool cut = status == CUT_OFF;
    if (!cut)
        assert_int_equal(status, 0);
    shared->counting = false;
    if (cut && mode != KILL)
        lose_power(mode, &rng);
    if (in_child(check_state) != 0)
        fail_msg("after call %ld, mode %d, seed %lu", n, mode, (unsigned long)seed);
    return cut;
}

static void cut_everywhere(enum mode mode, bool old)
{
    const char *given = getenv("SCAFFOLD_SIM_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : 20261;
    long n = 1;
    printf("    seed %lu\n", (unsigned long)seed);
    while (cut_at(n, mode, old, seed + (uint64_t)n))
        n++;
    printf("    cut at each of %ld calls\n", n - 1);
    assert_true(n > 40); /* they are seen, and not made behind our back */
}

static void killed_anywhere(void **state)
{
    (void)state;
    cut_everywhere(KILL, false);
    cut_everywhere(KILL, true);
}

static void without_power_anywhere(void **state)
{
    (void)state;
    cut_everywhere(POWER, false);
    cut_everywhere(POWER, true);
}

static void with_some_sectors_written(void **state)
{
    (void)state;
    cut_everywhere(SECTORS, false);
}

static int set_up(void **state)
{
    (void)state;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    snprintf(dir, sizeof dir, "/tmp/scaffold-cuts-XXXXXX");
    if (shared == MAP_FAILED || !mkdtemp(dir))
        return -1;
    snprintf(home, sizeof home, "%s/%08x", dir, INSTANCE);
    return 0;
}

static int tear_down(void **state)
{
    char command[96];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_anywhere),
        cmocka_unit_test(without_power_anywhere),
        cmocka_unit_test(with_some_sectors_written),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
