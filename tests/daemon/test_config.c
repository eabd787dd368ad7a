/* What scaffoldd is told: every wrong value is one line that names its place, and changes nothing.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rng.h"
#include "daemon/config.h"

#define U8 "\\u0000"

static char path[] = "/tmp/test_config.XXXXXX";
static struct sc_problems problems;
static struct sc_config config;

static void load(const char *text, size_t len)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, len, f), len);
    fclose(f);
    problems.kept = problems.errors = problems.warnings = 0;
    sc_config_init(&config);
    snprintf(config.file, sizeof config.file, "%s", path);
    sc_config_load(&config, &problems);
}

static int read_flags(const char *one, const char *two, const char *three)
{
    char *argv[] = {"scaffoldd", (char *)(uintptr_t)one, (char *)(uintptr_t)two,
                    (char *)(uintptr_t)three, NULL};
    int argc = 1;
    while (argv[argc])
        argc++;
    problems.kept = problems.errors = problems.warnings = 0;
    sc_config_init(&config);
    return sc_config_read(&config, argc, argv, &problems);
}

/* --- tokens ----------------------------------------------------------------------------------- */

#define TOKEN "sc1-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* Where others look for the words of a process. */
static void a_token_is_hidden(void **state)
{
    (void)state;
    char apart[] = TOKEN, joined[] = "--join=" TOKEN, wrong[] = TOKEN "b";
    read_flags("--join", apart, NULL);
    assert_int_equal(problems.errors, 0);
    assert_string_equal(config.join_text, TOKEN);
    assert_null(strchr(apart, 'a'));
    read_flags(joined, NULL, NULL);
    assert_int_equal(problems.errors, 0);
    assert_null(strchr(joined, 'a'));
    read_flags("--join", wrong, NULL);
    assert_int_equal(problems.errors, 1);
    assert_non_null(strstr(problems.problem[0].line, "--join: a token is"));
    assert_null(strstr(problems.problem[0].line, "aaa"));
}

static void a_token_may_stand_in_a_file(void **state)
{
    (void)state;
    static const struct sc_join_token none;
    char where[sizeof path + 1];
    snprintf(where, sizeof where, "@%s", path);
    load("# nothing", 9);
    read_flags("--join", where, NULL);
    assert_int_equal(problems.errors, 1);
    for (int i = 0; i < 3; i++) {
        const char *text = (const char *[]){TOKEN, TOKEN "\n", TOKEN " \r\nmore\n"}[i];
        load(text, strlen(text));
        read_flags("--join", where, NULL);
        assert_int_equal(problems.errors, 0);
        assert_memory_equal(&config.join, &none, sizeof none);
    }
    char missing[] = "@/nowhere/at/all";
    read_flags("--join", missing, NULL);
    assert_int_equal(problems.errors, 1);
    assert_non_null(strstr(problems.problem[0].line, "@/nowhere/at/all: that file cannot be read"));
}

/* --- files ------------------------------------------------------------------------------------ */

/* TOML, the line of the problem, and words of it. */
static const struct {
    const char *text;
    int line;
    const char *words;
} files[] = {
    {"[[", 1, ""},
    {"port = 'x'", 1, "port x: give a number from 0 to 65535"},
    {"\nport = 65536", 2, "port 65536: give a number from 0 to 65535"},
    {"port = -1", 1, "port -1"},
    {"port = 9223372036854775807", 1, "give a number"},
    {"port = 9223372036854775808", 1, ""},
    {"port = 1.5", 1, "port: give a number"},
    {"port = true", 1, "port true: give a number"},
    {"port = [1]", 1, "port: give a number"},
    {"port = 2026-11-29", 1, "port: give a number"},
    {"port = 1\nport = 2", 2, "port"},
    {"idle_exit = 86401", 1, "idle_exit 86401"},
    {"name = 7", 1, "name 7: give a text in quotes"},
    {"name = ''", 1, "name : a host's name has"},
    {"name = 'a.b'", 1, "name a.b: a host's name has"},
    {"name = \"a" U8 "b\"", 1, "name a: there is a NUL character in it"},
    {"name = '0123456789012345678901234567890123456789012345678901234567890123'", 1,
     "longer than 63 bytes"},
    {"router = \"r" U8 "evil\"", 1, "router r: there is a NUL character in it"},
    {"router = '[::1'", 1, "router [::1: the bracket is not closed"},
    {"router = ''", 1, "there is no host in it"},
    {"listen = '127.0.0.1:80'", 1, "listen 127.0.0.1:80: give an IPv4 or IPv6 address"},
    {"listen = 'localhost'", 1, "listen localhost"},
    {"runtime_dir = ''", 1, "runtime_dir : it is empty"},
    {"state_dir = \"/a" U8 "\"", 1, "NUL"},
    {"log = 'loud'", 1, "log loud: give error, warn, info or debug"},
    {"log = 'loudest of all'", 1, "log loudest of all: give error"},
    {"pool = '198.18.0.0'", 1, "pool 198.18.0.0: give it as 198.18.0.0/15"},
    {"congestion = 'vegas'", 1, "congestion vegas: there are cubic, reno and bbr"},
    {"plane = 'kernel'", 1, "plane kernel: there are auto, user and local"},
    {"insecure_network = 1", 1, "insecure_network 1: write true or false"},
    {"ready_fd = 1", 1, "unknown setting \"ready_fd\""},
    {"nmae = 'b'", 1, "unknown setting \"nmae\""},
    {"\"po" U8 "rt\" = 1", 1, "unknown setting"},
    {"name.first = 'b'", 1, "name: give a text"},
    {"[port]", 1, "port: give a number"},
    {"allow = 33", 1, "allow must be a table"},
    {"[allow]\nuid = [33]", 2,
     "unknown setting \"uid\" in [allow]; there are users, groups and uids"},
    {"[allow]\nuids = 33", 2, "allow.uids: give a list"},
    {"[allow]\nuids = ['root']", 2, "allow.uids root: give numbers"},
    {"[allow]\nuids = [-1]", 2, "allow.uids -1"},
    {"[allow]\nuids = [4294967295]", 2, "allow.uids 4294967295"},
    {"[allow]\nuids = [1.0]", 2, "allow.uids: give numbers"},
    {"[allow]\nusers = [\n  'root',\n  'no-such-user']", 4,
     "allow.users no-such-user: this machine has no user of that name"},
    {"[allow]\nusers = [\"root" U8 "\"]", 2, "allow.users root: give names in quotes"},
    {"[allow]\ngroups = ['no-such-group']", 2, "this machine has no group of that name"},
    {"[allow]\ngroups = ['*']", 2, "this machine has no group of that name"},
    {"[allow]\ngroups = [[0]]", 2, "allow.groups: give names in quotes, or numbers"},
    {"a = '\x1b[2J'", 1, ""},
    {"\x01\x02", 1, ""},
};

static void one_line_for_each_wrong_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char place[64];
        load(files[i].text, strlen(files[i].text));
        if (problems.errors != 1)
            fail_msg("%zu problems with %s", problems.errors, files[i].text);
        snprintf(place, sizeof place, "%s:%d: ", path, files[i].line);
        const char *line = problems.problem[0].line;
        if (strncmp(line, place, strlen(place)) != 0 || !strstr(line, files[i].words))
            fail_msg("%s: %s", files[i].text, line);
    }
}

/* They meet assertions of toml++, which knows no line then. */
static void what_the_parser_does_not_expect(void **state)
{
    (void)state;
    static const char *const texts[] = {"[\n", "[[\n", "[.a]", "[[.a]]", "[=]"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        load(texts[i], strlen(texts[i]));
        assert_int_equal(problems.errors, 1);
        assert_int_equal(strncmp(problems.problem[0].line, path, strlen(path)), 0);
    }
}

static void every_problem_is_told(void **state)
{
    (void)state;
    const char *text = "port = 'x'\nname = 7\nrouter = '[::1'\nlog = 'debug'\n"
                       "[allow]\nusers = ['no-such-user', 'nor-this']\n";
    load(text, strlen(text));
    assert_int_equal(problems.errors, 5);
    assert_int_equal(config.log_level, SC_LOG_DEBUG);
    assert_int_equal(config.port, -1); /* as if it had not been given */
    assert_string_equal(config.router, "");
}

static void a_fine_file(void **state)
{
    (void)state;
    const char *text = "name = 'b'\nrouter = '[::1]:99'\nport = 0\nlisten = '::1'\n"
                       "insecure_network = true\nrequire_verified = true\nruntime_dir = '/r'\n"
                       "state_dir = '/s'\npool = '10.0.0.0/9'\ncongestion = 'newreno'\n"
                       "plane = 'user'\n"
                       "idle_exit = 9\nlog = 'warn'\nlog_file = '/l'\n"
                       "[allow]\nuids = [33]\nusers = ['root', 34]\ngroups = ['root', 35]\n";
    load(text, strlen(text));
    if (problems.errors)
        fail_msg("%s", problems.problem[0].line);
    assert_string_equal(config.host_name, "b");
    assert_string_equal(config.router_name.host, "::1");
    assert_int_equal(config.pool.bits, 9);
    assert_int_equal(config.idle_exit_s, 9);
    assert_int_equal(config.plane, SC_PLANE_USER);
    assert_true(config.insecure_network && config.require_verified);
    assert_int_equal(config.log_level, SC_LOG_WARN);
    const struct sc_allow *a = &config.allow;
    assert_int_equal(a->count[SC_ALLOW_USERS], 3);
    assert_int_equal(a->count[SC_ALLOW_GROUPS], 2);
    assert_true(a->id[SC_ALLOW_GROUPS][0] == 0 && a->id[SC_ALLOW_GROUPS][1] == 35);
    assert_false(a->all);
}

static void more_than_there_is_room_for(void **state)
{
    (void)state;
    char text[4096] = "[allow]\nuids = [";
    size_t n = strlen(text);
    for (int i = 0; i < 3 * SC_ALLOW_MAX; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%d,", i);
    n += (size_t)snprintf(text + n, sizeof text - n, "]\n");
    load(text, n);
    assert_int_equal(config.allow.count[SC_ALLOW_USERS], SC_ALLOW_MAX);
    assert_int_equal(problems.errors, 2 * SC_ALLOW_MAX);
    assert_int_equal(problems.kept, SC_PROBLEMS_MAX);
    assert_non_null(strstr(problems.problem[0].line, "more than 64 entries"));
    load("[allow]\nuids = ['*']\n", strlen("[allow]\nuids = ['*']\n"));
    assert_true(config.allow.all);
}

/* What survives a restart is known by its user alone: the databases say the rest. */
static void users_by_their_groups(void **state)
{
    (void)state;
    struct sc_allow a = {0};
    assert_false(sc_allow_user(&a, 0));
    assert_int_equal(sc_allow_add_name(&a, SC_ALLOW_GROUPS, "root"), 0);
    assert_true(sc_allow_user(&a, 0));
    assert_false(sc_allow_user(&a, 65534));
    assert_false(sc_allow_user(&a, 4000000000)); /* nobody's */
    assert_int_equal(sc_allow_add(&a, SC_ALLOW_USERS, 4000000000), 0);
    assert_true(sc_allow_user(&a, 4000000000));
}

/* --- flags ------------------------------------------------------------------------------------ */

static const struct {
    const char *one, *two, *three;
    const char *words;
} flags[] = {
    {"--port", "99999", NULL, "--port 99999: give a number from 0 to 65535"},
    {"--port", " 7", NULL, "--port  7"},
    {"--port", "+7", NULL, "--port +7"},
    {"--port", "0x7", NULL, "--port 0x7"},
    {"--port", "99999999999999999999", NULL, "--port 99999999999999999999"},
    {"--port=", NULL, NULL, "--port : give a number"},
    {"--port", NULL, NULL, "--port: it needs a value"},
    {"--port", "--check", NULL, "--port: it needs a value"},
    {"--port=1", "--port=1", NULL, "--port=1: given twice"},
    {"--insecure-network", "--insecure-network", NULL, "--insecure-network: given twice"},
    {"--insecure-network=yes", NULL, NULL, "--insecure-network=yes: not understood"},
    {"--no-such-flag", NULL, NULL, "--no-such-flag: not understood"},
    {"--ro", "x", "-v", "-v: not understood"},
    {"-v", NULL, NULL, "-v: not understood"},
    {"word", NULL, NULL, "word: not a flag"},
    {"--", "--port=1", NULL, "--: not a flag"},
    {"", NULL, NULL, ": not a flag"},
    {"--router", "[::1", NULL, "--router [::1: the bracket is not closed"},
    {"--router", "[::1]:99999", NULL, "--router [::1]:99999: the port is a number"},
    {"--router", "", NULL, "there is no host in it"},
    {"--listen", "300.1.1.1", NULL, "--listen 300.1.1.1"},
    {"--listen", "192.0.2.1", NULL, "is not loopback and flows are not encrypted"},
    {"--ready-fd", "999", NULL, "--ready-fd 999: no such descriptor"},
    {"--ready-fd", "-1", NULL, "--ready-fd -1: give a number"},
    {"--runtime-dir", "", NULL, "--runtime-dir : it is empty"},
    {"--log-file", "", NULL, "--log-file : it is empty"},
    {"--config", "/no/such.toml", NULL, "/no/such.toml: No such file"},
    {"--config", "/", NULL, "/: Is a directory"},
    {"--config", "/dev/zero", NULL, "/dev/zero: longer than 1 MiB"},
    {"--config", "", NULL, ": No such file"},
};

static void one_line_for_each_wrong_flag(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        assert_false(read_flags(flags[i].one, flags[i].two, flags[i].three));
        const char *line = problems.problem[0].line;
        if (problems.errors != 1 || !strstr(line, flags[i].words))
            fail_msg("%s %s: %zu problems, %s", flags[i].one, flags[i].two, problems.errors, line);
    }
}

static void values_longer_than_their_room(void **state)
{
    (void)state;
    static char text[100000];
    memset(text, 'a', sizeof text - 1);
    for (int s = 0; s < SC_SETTINGS; s++) {
        char flag[64];
        bool has_value;
        const char *name = sc_config_flag((enum sc_setting)s, &has_value);
        if (!name || !has_value)
            continue;
        snprintf(flag, sizeof flag, "--%s", name);
        read_flags(flag, text, NULL);
        assert_int_equal(problems.errors, 1);
        assert_true(strlen(problems.problem[0].line) < 256);
    }
    read_flags("--config", text, NULL);
    assert_int_equal(problems.errors, 1);
}

static void a_descriptor_to_read_from(void **state)
{
    (void)state;
    char text[16];
    int fd = open("/dev/null", O_RDONLY);
    snprintf(text, sizeof text, "%d", fd);
    read_flags("--ready-fd", text, NULL);
    assert_int_equal(problems.errors, 1);
    assert_non_null(strstr(problems.problem[0].line, "for reading only"));
    close(fd);
    fd = open("/dev/null", O_WRONLY);
    snprintf(text, sizeof text, "%d", fd);
    read_flags("--ready-fd", text, NULL);
    assert_int_equal(problems.errors, 0);
    close(fd);
}

static void flags_win(void **state)
{
    (void)state;
    char where[700];
    load("port = 1\nname = 'b'\n", strlen("port = 1\nname = 'b'\n"));
    read_flags("--port=2", "--config", path);
    assert_int_equal(problems.errors, 0);
    assert_int_equal(config.port, 2);
    sc_config_where(&config, SC_SET_PORT, where, sizeof where);
    assert_string_equal(where, "--port 2");
    sc_config_where(&config, SC_SET_NAME, where, sizeof where);
    assert_string_equal(where + strlen(path), ":2: name b");
    sc_config_where(&config, SC_SET_POOL, where, sizeof where);
    assert_string_equal(where, "pool 198.18.0.0/15");
}

/* --- anything --------------------------------------------------------------------------------- */

/* Bytes changed, doubled and cut in a file that is fine: under the sanitizers. */
static void mutated_files(void **state)
{
    (void)state;
    static const char fine[] = "name = 'b'\nrouter = '[::1]:99'\nport = 0\nlisten = '::1'\n"
                               "log = \"w\\u0061rn\"\npool = '10.0.0.0/9'\nidle_exit = 9\n"
                               "[allow]\nusers = [0, 34]\ngroups = [35]\nuids = [\"*\", 1]\n";
    static const char likely[] = "\"'[]{}=.\\\n#0u\x00\xff-,";
    struct sc_rng r;
    sc_rng_seed(&r, 10);
    for (int run = 0; run < 3000; run++) {
        char text[sizeof fine];
        size_t len = sizeof fine - 1;
        memcpy(text, fine, len);
        for (uint64_t n = sc_rng_next(&r) % 4; n > 0; n--)
            text[sc_rng_next(&r) % len] = likely[sc_rng_next(&r) % (sizeof likely - 1)];
        if (sc_rng_next(&r) % 4 == 0)
            len = sc_rng_next(&r) % len;
        load(text, len);
        for (size_t i = 0; i < problems.kept; i++)
            assert_int_equal(strncmp(problems.problem[i].line, path, strlen(path)), 0);
    }
}

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    unsetenv("SCAFFOLD_POOL");
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_hidden),
        cmocka_unit_test(a_token_may_stand_in_a_file),
        cmocka_unit_test(one_line_for_each_wrong_file),
        cmocka_unit_test(what_the_parser_does_not_expect),
        cmocka_unit_test(every_problem_is_told),
        cmocka_unit_test(a_fine_file),
        cmocka_unit_test(more_than_there_is_room_for),
        cmocka_unit_test(users_by_their_groups),
        cmocka_unit_test(one_line_for_each_wrong_flag),
        cmocka_unit_test(values_longer_than_their_room),
        cmocka_unit_test(a_descriptor_to_read_from),
        cmocka_unit_test(flags_win),
        cmocka_unit_test(mutated_files),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
