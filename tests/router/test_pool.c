/* Which address stands for which service: a router's pool, and what a host remembers of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "naming/service_id.h"
#include "router/pool.h"

static const uint64_t seed[2] = {1, 2};

static void pool_addresses(void **state)
{
    (void)state;
    struct sc_pool p;
    struct sc_service_id web = service_id("web.a.scaffold:80"), dns = service_id("dns.a.scaffold");
    sc_pool_init(&p, 0xc6120000, 15, seed);
    const struct sc_pool_entry *e = sc_pool_allocate(&p, &web, "web.a.scaffold");
    assert_int_equal(e->pool, 0xc6120001);
    assert_ptr_equal(sc_pool_find(&p, 0xc6120001), e);
    struct sc_service_id other_port = sc_service_id_at(web, 81, 6);
    assert_ptr_equal(sc_pool_find_service(&p, &other_port), e);
    assert_int_equal(sc_pool_put(&p, 0xc6120001, &web, "web.a.scaffold"), 0);
    assert_int_equal(sc_pool_put(&p, 0xc6120001, &dns, "dns.a.scaffold"), -EEXIST);
    assert_int_equal(sc_pool_put(&p, 0xc6120002, &web, "web.a.scaffold"), -EEXIST);
    assert_int_equal(sc_pool_put(&p, 0xc6120002, &dns, "web.a.scaffold"), -EEXIST);
    assert_int_equal(sc_pool_put(&p, 0x0a000001, &dns, "dns.a.scaffold"), -EINVAL);
    sc_pool_fini(&p);
}

/* 64 addresses less .0: the 64th service gets none. */
static void a_full_pool(void **state)
{
    (void)state;
    struct sc_pool p;
    char name[64];
    sc_pool_init(&p, 0xc6120000, 26, seed);
    for (int i = 0; i < 63; i++) {
        snprintf(name, sizeof name, "s%d.a.scaffold", i);
        struct sc_service_id id = service_id(name);
        const struct sc_pool_entry *e = sc_pool_allocate(&p, &id, name);
        assert_non_null(e);
        assert_int_not_equal(e->pool & 255, 0);
    }
    struct sc_service_id last = service_id("last.a.scaffold");
    assert_null(sc_pool_allocate(&p, &last, "last.a.scaffold"));
    sc_pool_fini(&p);
}

/* A pool of a /24 and more says that it is full without searching. */
static void exhausted(void **state)
{
    (void)state;
    struct sc_pool p;
    char name[64];
    sc_pool_init(&p, 0xc6120000, 22, seed);
    for (int i = 0; i < 4 * 254; i++) {
        snprintf(name, sizeof name, "s%d.a.scaffold", i);
        struct sc_service_id id = service_id(name);
        assert_non_null(sc_pool_allocate(&p, &id, name));
    }
    uint32_t next = p.next;
    struct sc_service_id last = service_id("last.a.scaffold");
    assert_null(sc_pool_allocate(&p, &last, "last.a.scaffold"));
    assert_int_equal(p.next, next);
    sc_pool_fini(&p);
    sc_pool_init(&p, 0, 0, seed); /* a host's: it is told, and gives nothing */
    assert_null(sc_pool_allocate(&p, &last, "last.a.scaffold"));
    sc_pool_fini(&p);
}

/* The newest word counts, whatever it contradicts. */
static void learning(void **state)
{
    (void)state;
    struct sc_pool p;
    struct sc_service_id a = service_id("a.a.scaffold"), b = service_id("b.a.scaffold");
    sc_pool_init(&p, 0, 0, seed);
    assert_int_equal(sc_pool_learn(&p, 1, &a, "a.a.scaffold"), 0);
    assert_int_equal(sc_pool_learn(&p, 2, &b, "b.a.scaffold"), 0);
    assert_int_equal(sc_pool_learn(&p, 2, &b, "b.a.scaffold"), 0);
    assert_int_equal(sc_pool_learn(&p, 2, &a, "a.a.scaffold"), 0); /* both were otherwise */
    assert_null(sc_pool_find(&p, 1));
    assert_null(sc_pool_find_service(&p, &b));
    assert_int_equal(sc_pool_find_service(&p, &a)->pool, 2);
    assert_string_equal(sc_pool_find(&p, 2)->name, "a.a.scaffold");
    assert_int_equal(sc_pool_learn(&p, 3, &a, "a.a.scaffold"), 0);
    assert_int_equal(p.by_pool.count, 1);
    assert_int_equal(p.by_service.count, 1);
    assert_int_equal(sc_pool_learn(&p, 4, &b, "a.a.scaffold"),
                     0); /* its provider has another key */
    assert_null(sc_pool_find_service(&p, &a));
    assert_ptr_equal(sc_pool_find_name(&p, "a.a.scaffold"), sc_pool_find_service(&p, &b));
    assert_int_equal(sc_pool_learn(&p, 4, &b, "b.a.scaffold"), 0); /* one service, two names */
    assert_null(sc_pool_find_name(&p, "a.a.scaffold"));
    assert_int_equal(p.by_pool.count, 1);
    assert_int_equal(p.by_name.count, 1);
    sc_pool_fini(&p);
}

/* The address of the name that nobody missed for the longest goes to another one, when that is
 * settled, and is marked. */
static void an_address_changes_hands(void **state)
{
    (void)state;
    struct sc_pool p;
    struct sc_pool_entry *e[3];
    static const char *const names[] = {"a.a.scaffold", "b.a.scaffold", "c.a.scaffold"};
    struct sc_service_id more = service_id("more.a.scaffold"), b = service_id(names[1]);
    sc_pool_init(&p, 0xc6120000, 30, seed); /* .1, .2 and .3 */
    for (size_t i = 0; i < 3; i++) {
        struct sc_service_id id = service_id(names[i]);
        e[i] = sc_pool_allocate(&p, &id, names[i]);
        assert_non_null(e[i]);
    }
    assert_true(sc_pool_is_full(&p));
    assert_ptr_equal(sc_pool_oldest(&p), e[0]);
    sc_pool_touch(&p, e[0]); /* asked for again */
    assert_ptr_equal(sc_pool_oldest(&p), e[1]);

    struct sc_pool_entry *n = sc_pool_replace(&p, e[1], &more, "more.a.scaffold");
    e[1]->change = n;
    assert_ptr_equal(sc_pool_find(&p, e[1]->pool), e[1]); /* until it is settled */
    assert_ptr_equal(sc_pool_find_service(&p, &more), n);
    assert_ptr_equal(sc_pool_oldest(&p), e[2]); /* a change at a time */
    sc_pool_drop(&p, n);                        /* it could not be stored */
    e[1]->change = NULL;
    assert_ptr_equal(sc_pool_find_service(&p, &b), e[1]);
    assert_null(sc_pool_find_service(&p, &more));
    assert_null(sc_pool_find_name(&p, "more.a.scaffold"));

    n = sc_pool_replace(&p, e[1], &more, "more.a.scaffold");
    sc_pool_settle(&p, n, e[1]);
    assert_ptr_equal(sc_pool_find(&p, n->pool), n);
    assert_null(sc_pool_find_service(&p, &b));
    assert_null(sc_pool_find_name(&p, names[1]));
    assert_ptr_equal(sc_pool_find_name(&p, "more.a.scaffold"), n);
    assert_true(n->reused && !n->used);
    sc_pool_fini(&p);
}

static void used_and_held_names_keep_their_address(void **state)
{
    (void)state;
    struct sc_pool p;
    struct sc_service_id a = service_id("a.a.scaffold"), b = service_id("b.a.scaffold");
    sc_pool_init(&p, 0xc6120000, 30, seed);
    struct sc_pool_entry *used = sc_pool_allocate(&p, &a, "a.a.scaffold");
    struct sc_pool_entry *held = sc_pool_allocate(&p, &b, "b.a.scaffold");
    sc_pool_use(&p, used, true);
    sc_pool_hold(&p, held, true);
    assert_null(sc_pool_oldest(&p));
    sc_pool_touch(&p, used);
    sc_pool_touch(&p, held);
    assert_null(sc_pool_oldest(&p));
    sc_pool_hold(&p, held, false);
    assert_ptr_equal(sc_pool_oldest(&p), held);
    sc_pool_use(&p, used, false);
    sc_pool_use(&p, held, true);
    assert_ptr_equal(sc_pool_oldest(&p), used);
    sc_pool_fini(&p);
}

static void how_many_addresses_there_are(void **state)
{
    (void)state;
    assert_int_equal(sc_pool_size(0xc6120000, 15), 130048); /* 512 times 254 */
    assert_int_equal(sc_pool_size(0xc6120000, 24), 254);
    assert_int_equal(sc_pool_size(0xc6120000, 30), 3);
    assert_int_equal(sc_pool_size(0xc6120010, 28), 16);
    assert_int_equal(sc_pool_size(0xc61200f0, 28), 15);
    assert_int_equal(sc_pool_size(0, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pool_addresses),
        cmocka_unit_test(a_full_pool),
        cmocka_unit_test(an_address_changes_hands),
        cmocka_unit_test(used_and_held_names_keep_their_address),
        cmocka_unit_test(how_many_addresses_there_are),
        cmocka_unit_test(exhausted),
        cmocka_unit_test(learning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
