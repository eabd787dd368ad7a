/* Where scaffoldd is looked for: which places, in which order, and whom to trust there. */
#include "local/places.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#define USER 1000

/* The machine: these directories exist. */
static const struct {
    const char *dir;
    uint32_t owner;
} folders[] = {
    {"/run/user/1000", USER}, {"/run/user/1000/scaffold", USER}, {"/run/user/0", 0},
    {"/run/scaffold", 105},   {"/tmp/scaffold-1001", 666},       {"/srv/one", 42},
};

static bool owner_of(const char *dir, uint32_t *uid)
{
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        size_t len = strlen(folders[i].dir);
        if (strncmp(dir, folders[i].dir, len) != 0 || strspn(dir + len, "/") != strlen(dir + len))
            continue;
        *uid = folders[i].owner;
        return true;
    }
    return false;
}

/* One word for each place: its directory, who is trusted, and whether it is the user's own. */
static const char *places(const char *runtime_dir, const char *xdg, uint32_t uid)
{
    static char text[512];
    struct sc_places p;
    struct sc_places_wish wish = {runtime_dir, xdg, uid, owner_of};
    size_t n = 0;
    assert_true(sc_places_read(&p, &wish));
    for (unsigned i = 0; i < p.count; i++) {
        assert_int_equal(p.at[i].id.instance, sc_instance_of(p.at[i].dir));
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s:%u%s", i ? " " : "", p.at[i].dir,
                              p.at[i].id.uid, p.at[i].own ? ":own" : "");
    }
    return text;
}

static void the_order(void **state)
{
    (void)state;
    assert_string_equal(
        places(NULL, "/run/user/1000", USER),
        "/run/user/1000/scaffold:1000:own /tmp/scaffold-1000:1000:own /run/scaffold:105");
    assert_string_equal(places(NULL, NULL, USER), "/tmp/scaffold-1000:1000:own /run/scaffold:105");
    assert_string_equal(places(NULL, "", 0), "/run/scaffold:105:own");
    assert_string_equal(places(NULL, "/run/user/0//", 0),
                        "/run/user/0/scaffold:0:own /run/scaffold:105:own");
}

static void what_is_named_is_the_only_one(void **state)
{
    (void)state;
    assert_string_equal(places("/srv/one", "/run/user/1000", USER), "/srv/one:42:own");
    assert_string_equal(places("/srv/none/", NULL, USER), "/srv/none:1000:own");
    assert_string_equal(places("", NULL, 0), "/run/scaffold:105:own");
}

/* su leaves it behind, and XDG_RUNTIME_DIR has to be the user's own. */
static void the_folder_of_another_user(void **state)
{
    (void)state;
    assert_string_equal(places(NULL, "/run/user/0", USER),
                        "/tmp/scaffold-1000:1000:own /run/scaffold:105");
    assert_string_equal(places(NULL, "/run/user/1000", 0), "/run/scaffold:105:own");
    assert_string_equal(places(NULL, "/no/such", USER),
                        "/tmp/scaffold-1000:1000:own /run/scaffold:105");
}

/* Anybody can make a folder in /tmp: who answers there must be this user all the same. */
static void a_folder_with_somebody_elses_name(void **state)
{
    (void)state;
    assert_string_equal(places(NULL, NULL, 1001), "/tmp/scaffold-1001:1001:own /run/scaffold:105");
}

static void too_long(void **state)
{
    (void)state;
    char dir[SC_PLACE_ROOM + 1];
    struct sc_places p;
    struct sc_places_wish wish = {dir, NULL, USER, owner_of};
    memset(dir, 'x', sizeof dir - 1);
    *dir = '/';
    dir[SC_PLACE_ROOM] = 0;
    assert_false(sc_places_read(&p, &wish));
    assert_int_equal(p.count, 0); /* another directory, of which it is the beginning, is none */
    dir[SC_PLACE_ROOM - 1] = 0;
    assert_true(sc_places_read(&p, &wish));
    wish = (struct sc_places_wish){NULL, dir, USER, owner_of};
    assert_true(sc_places_read(&p, &wish));
    assert_string_equal(p.at[0].dir, "/tmp/scaffold-1000");
}

static bool nowhere(const char *dir, uint32_t *uid)
{
    (void)dir;
    (void)uid;
    return false;
}

static void a_folder_that_comes_later(void **state)
{
    (void)state;
    struct sc_places p;
    struct sc_places_wish wish = {NULL, NULL, USER, nowhere};
    assert_true(sc_places_read(&p, &wish));
    assert_int_equal(p.at[1].id.uid, USER);
    sc_place_look(&p.at[1], nowhere);
    assert_int_equal(p.at[1].id.uid, USER);
    sc_place_look(&p.at[1], owner_of);
    assert_int_equal(p.at[1].id.uid, 105);
    sc_place_look(&p.at[0], owner_of);
    assert_int_equal(p.at[0].id.uid, USER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order),
        cmocka_unit_test(what_is_named_is_the_only_one),
        cmocka_unit_test(the_folder_of_another_user),
        cmocka_unit_test(a_folder_with_somebody_elses_name),
        cmocka_unit_test(too_long),
        cmocka_unit_test(a_folder_that_comes_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
