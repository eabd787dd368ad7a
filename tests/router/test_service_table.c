/* Instances of services: kept, found, and chosen from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/rng.h"
#include "naming/service_id.h"
#include "router/service_table.h"

static const uint64_t seed[2] = {1, 2};

static void choices(void **state)
{
    (void)state;
    struct sc_service_table t;
    struct sc_service_id web = service_id("web.a.scaffold:80");
    struct sc_service_id all = sc_service_id_at(web, 0, 0);
    struct sc_choice c = {.own = 1};
    sc_service_table_init(&t, seed);
    assert_null(sc_service_table_choose(&t, &web, &c));
    struct sc_instance *whole = sc_service_table_add(&t, &all, 9, NULL);
    assert_ptr_equal(sc_service_table_choose(&t, &web, &c),
                     whole); /* the prefix serves all ports */
    struct sc_instance *near = sc_service_table_add(&t, &web, 0, &c);
    struct sc_instance *far = sc_service_table_add(&t, &web, 7, NULL);
    bool seen_near = false, seen_far = false;
    for (c.hash = 0; c.hash < 20; c.hash++) {
        struct sc_instance *i = sc_service_table_choose(&t, &web, &c);
        assert_ptr_equal(i, sc_service_table_choose(&t, &web, &c));
        seen_near |= i == near;
        seen_far |= i == far;
    }
    assert_true(seen_near && seen_far);
    c.local_only = true;
    assert_ptr_equal(sc_service_table_choose(&t, &web, &c), near);
    c.local_only = false;
    const uint64_t failed[] = {1, 7}; /* 1 is our own address: the local instance */
    c.exclude = failed;
    c.exclude_count = 1;
    assert_ptr_equal(sc_service_table_choose(&t, &web, &c), far);
    c.exclude_count = 2;
    assert_ptr_equal(sc_service_table_choose(&t, &web, &c), whole);
    c.exclude_count = 0;
    near->accepting = far->accepting = whole->accepting = false;
    assert_null(sc_service_table_choose(&t, &web, &c));
    assert_ptr_equal(sc_service_table_find(&t, &web, 7), far);
    sc_service_table_remove(&t, far);
    assert_null(sc_service_table_find(&t, &web, 7));
    assert_int_equal(t.instances, 2);
    sc_service_table_fini(&t);
    assert_int_equal(t.instances, 0);
}

/* One service of very many instances is chosen from evenly, whoever is excluded. */
static void choices_among_many(void **state)
{
    (void)state;
    enum { MANY = 1000, LOCAL = 100, DRAWS = 40000 };
    struct sc_service_table t;
    struct sc_service_id web = service_id("web.a.scaffold:80");
    static struct sc_instance *all[MANY];
    static unsigned drawn[MANY];
    uint64_t failed[SC_OPEN_EXCLUDE];
    sc_service_table_init(&t, seed);
    for (size_t i = 0; i < MANY; i++) /* local ones between the others */
        all[i] = sc_service_table_add(&t, &web, i % 10 == 0 ? 0 : 1000 + i, &drawn[i]);
    for (size_t i = 0; i < SC_OPEN_EXCLUDE; i++)
        failed[i] = 1000 + 10 * i + 1;
    struct sc_choice c = {.own = 1, .exclude = failed, .exclude_count = SC_OPEN_EXCLUDE};
    for (uint64_t draw = 0; draw < DRAWS; draw++) {
        c.hash = sc_hash(seed, &draw, sizeof draw);
        struct sc_instance *i = sc_service_table_choose(&t, &web, &c);
        assert_ptr_equal(i, sc_service_table_choose(&t, &web, &c));
        (*(unsigned *)i->app)++;
    }
    for (size_t i = 0; i < MANY; i++) {
        bool excluded = i % 10 == 1 && i < 10 * SC_OPEN_EXCLUDE;
        assert_true(excluded ? drawn[i] == 0 : drawn[i] > 10 && drawn[i] < 90);
    }
    c.local_only = true;
    for (c.hash = 0; c.hash < 500; c.hash++)
        assert_int_equal(sc_service_table_choose(&t, &web, &c)->host, 0);
    for (size_t i = 0; i < MANY; i += 10)
        all[i]->accepting = i == 500;
    assert_ptr_equal(sc_service_table_choose(&t, &web, &c), all[500]); /* however many are full */
    c.local_only = false;
    failed[0] = c.own;
    for (c.hash = 0; c.hash < 500; c.hash++)
        assert_int_not_equal(sc_service_table_choose(&t, &web, &c)->host, 0);
    sc_service_table_fini(&t);
}

/* Local and remote ones come and go; what is there is found, chosen and met by a scan. */
static void coming_and_going(void **state)
{
    (void)state;
    enum { HOSTS = 40, STEPS = 20000 };
    struct sc_service_table t;
    struct sc_service_id web = service_id("web.a.scaffold:80");
    struct sc_instance *there[HOSTS] = {0}; /* [0] to [9]: local ones */
    struct sc_rng rng;
    sc_rng_seed(&rng, 9);
    sc_service_table_init(&t, seed);
    for (int step = 0; step < STEPS; step++) {
        size_t i = sc_rng_below(&rng, HOSTS), local = 0, all = 0, cursor = 0, met = 0;
        uint64_t host = i < 10 ? 0 : i;
        if (there[i])
            sc_service_table_remove(&t, there[i]);
        there[i] = there[i] ? NULL : sc_service_table_add(&t, &web, host, &there[i]);
        if (i >= 10)
            assert_ptr_equal(sc_service_table_find(&t, &web, host), there[i]);
        for (size_t k = 0; k < HOSTS; k++) {
            local += k < 10 && there[k];
            all += there[k] != NULL;
        }
        do
            for (struct sc_map_node *n = sc_map_scan(&t.by_key, &cursor); n; n = n->next, met++) {
                struct sc_instance *one = sc_container(n, struct sc_instance, node);
                assert_ptr_equal(*(struct sc_instance **)one->app, one);
                assert_ptr_equal(one->service->instance[one->at], one);
                assert_true((one->at < one->service->local) == (one->host == 0));
            }
        while (cursor);
        struct sc_choice c = {.own = 1, .hash = sc_rng_next(&rng), .local_only = true};
        assert_int_equal(met, all);
        assert_int_equal(t.instances, all);
        assert_int_equal(t.services.count, all > 0);
        assert_int_equal(sc_service_table_choose(&t, &web, &c) != NULL, local > 0);
        assert_int_equal(sc_service_table_local(&t, 80, 6) != NULL, local > 0);
        assert_null(sc_service_table_local(&t, 80 + SC_SERVICE_PORTS, 6));
        assert_null(sc_service_table_local(&t, 80, 17));
    }
    sc_service_table_fini(&t);
}

/* SO_REUSEPORT: several of this host and no other's, of which any may go first. */
static void all_of_this_host(void **state)
{
    (void)state;
    struct sc_service_id web = service_id("web.a.scaffold:80");
    for (size_t first = 0; first < 3; first++) {
        struct sc_service_table t;
        struct sc_instance *there[3];
        sc_service_table_init(&t, seed);
        for (size_t i = 0; i < 3; i++)
            there[i] = sc_service_table_add(&t, &web, 0, NULL);
        for (size_t i = 0; i < 3; i++) {
            struct sc_service *s = there[(first + i) % 3]->service;
            for (size_t at = 0; at < s->count; at++)
                assert_int_equal(s->instance[at]->at, at);
            sc_service_table_remove(&t, there[(first + i) % 3]);
        }
        assert_int_equal(t.instances, 0);
        sc_service_table_fini(&t);
    }
}

static void walking(void **state)
{
    (void)state;
    struct sc_service_table t;
    char name[32];
    size_t services = 0, instances = 0;
    sc_service_table_init(&t, seed);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "s%d.a.scaffold:%d", i / 2, 80);
        struct sc_service_id id = service_id(name);
        assert_non_null(sc_service_table_add(&t, &id, 0, NULL));
    }
    for (struct sc_service *s = NULL; (s = sc_service_table_next(&t, s)) != NULL; services++)
        instances += s->count;
    assert_int_equal(services, 50);
    assert_int_equal(instances, 100);
    sc_service_table_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(choices),          cmocka_unit_test(choices_among_many),
        cmocka_unit_test(coming_and_going), cmocka_unit_test(all_of_this_host),
        cmocka_unit_test(walking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
