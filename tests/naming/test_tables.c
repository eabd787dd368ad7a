/* The tables of a service router: pool addresses, instances, hosts. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/rng.h"
#include "naming/hosts.h"
#include "naming/pool.h"
#include "naming/service_table.h"

static const uint64_t seed[2] = {1, 2};

static struct sc_service_id id_of(const char *text)
{
    struct sc_service_name n;
    struct sc_service_id id;
    assert_int_equal(sc_name_read(text, &n, NULL), 0);
    sc_name_to_id(&n, &id);
    return id;
}

static void pool_addresses(void **state)
{
    (void)state;
    struct sc_pool p;
    struct sc_service_id web = id_of("web.a.scaffold:80"), dns = id_of("dns.a.scaffold");
    sc_pool_init(&p, 0xc6120000, 15, seed);
    const struct sc_pool_entry *e = sc_pool_allocate(&p, &web, "web.a.scaffold");
    assert_int_equal(e->pool, 0xc6120001);
    assert_ptr_equal(sc_pool_find(&p, 0xc6120001), e);
    struct sc_service_id other_port = sc_service_id_at(web, 81, 6);
    assert_ptr_equal(sc_pool_find_service(&p, &other_port), e);
    assert_int_equal(sc_pool_put(&p, 0xc6120001, &web, "web.a.scaffold"), 0);
    assert_int_equal(sc_pool_put(&p, 0xc6120001, &dns, "dns.a.scaffold"), -EEXIST);
    assert_int_equal(sc_pool_put(&p, 0xc6120002, &web, "web.a.scaffold"), -EEXIST);
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
        struct sc_service_id id = id_of(name);
        const struct sc_pool_entry *e = sc_pool_allocate(&p, &id, name);
        assert_non_null(e);
        assert_int_not_equal(e->pool & 255, 0);
    }
    struct sc_service_id last = id_of("last.a.scaffold");
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
        struct sc_service_id id = id_of(name);
        assert_non_null(sc_pool_allocate(&p, &id, name));
    }
    uint32_t next = p.next;
    struct sc_service_id last = id_of("last.a.scaffold");
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
    struct sc_service_id a = id_of("a.a.scaffold"), b = id_of("b.a.scaffold");
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
    sc_pool_fini(&p);
}

static void choices(void **state)
{
    (void)state;
    struct sc_service_table t;
    struct sc_service_id web = id_of("web.a.scaffold:80");
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
    struct sc_service_id web = id_of("web.a.scaffold:80");
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
    struct sc_service_id web = id_of("web.a.scaffold:80");
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
    struct sc_service_id web = id_of("web.a.scaffold:80");
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

static void hosts(void **state)
{
    (void)state;
    struct sc_hosts h;
    sc_hosts_init(&h, 5, seed);
    struct sc_host *b = sc_hosts_join(&h, "b", 0);
    struct sc_host *c = sc_hosts_join(&h, "c", sc_network_address(5, 77)); /* as it had before */
    struct sc_host *d = sc_hosts_join(&h, "d", sc_network_address(6, 78)); /* another domain's */
    struct sc_host *e = sc_hosts_join(&h, "e", b->address);
    assert_int_equal(b->address, sc_network_address(5, 2));
    assert_int_equal(c->address, sc_network_address(5, 77));
    assert_int_equal(d->address >> 32, 5);
    assert_true(e->address != b->address && e->address != d->address);
    assert_ptr_equal(sc_hosts_join(&h, "b", 0), b);
    assert_ptr_equal(sc_hosts_find(&h, c->address), c);
    assert_ptr_equal(sc_hosts_find_name(&h, "d"), d);
    assert_int_equal(h.by_address.count, 4);
    sc_hosts_fini(&h);
}

/* Hosts that are gone make room for new ones; those that are up do not. */
static void a_full_table_of_hosts(void **state)
{
    (void)state;
    struct sc_hosts h;
    char name[32];
    sc_hosts_init(&h, 5, seed);
    for (int i = 0; i < SC_HOSTS_MAX; i++) {
        snprintf(name, sizeof name, "h%d", i);
        sc_hosts_set_up(&h, sc_hosts_join(&h, name, 0), true);
    }
    assert_null(sc_hosts_join(&h, "more", 0));
    assert_non_null(sc_hosts_join(&h, "h7", 0));
    struct sc_host *gone = sc_hosts_find_name(&h, "h77");
    uint64_t address = gone->address;
    sc_hosts_set_up(&h, gone, false);
    sc_hosts_set_up(&h, sc_hosts_find_name(&h, "h78"), false);
    struct sc_host *more = sc_hosts_join(&h, "more", address);
    assert_non_null(more);
    assert_int_equal(more->address, address);
    assert_null(sc_hosts_find_name(&h, "h77")); /* who has been down for longest */
    assert_non_null(sc_hosts_find_name(&h, "h78"));
    sc_hosts_set_up(&h, sc_hosts_find_name(&h, "h78"), true);
    sc_hosts_set_up(&h, more, true);
    assert_null(sc_hosts_join(&h, "one more", 0));
    assert_int_equal(h.by_address.count, SC_HOSTS_MAX);
    assert_int_equal(h.by_name.count, SC_HOSTS_MAX);
    sc_hosts_fini(&h);
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
        struct sc_service_id id = id_of(name);
        assert_non_null(sc_service_table_add(&t, &id, 0, NULL));
    }
    for (struct sc_service *s = NULL; (s = sc_service_table_next(&t, s)) != NULL; services++)
        instances += s->count;
    assert_int_equal(services, 50);
    assert_int_equal(instances, 100);
    sc_service_table_fini(&t);
}

/* The address of the name that nobody missed for the longest goes to another one, when that is
 * settled, and is marked. */
static void an_address_changes_hands(void **state)
{
    (void)state;
    struct sc_pool p;
    struct sc_pool_entry *e[3];
    static const char *const names[] = {"a.a.scaffold", "b.a.scaffold", "c.a.scaffold"};
    struct sc_service_id more = id_of("more.a.scaffold"), b = id_of(names[1]);
    sc_pool_init(&p, 0xc6120000, 30, seed); /* .1, .2 and .3 */
    for (size_t i = 0; i < 3; i++) {
        struct sc_service_id id = id_of(names[i]);
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

    n = sc_pool_replace(&p, e[1], &more, "more.a.scaffold");
    sc_pool_settle(&p, n, e[1]);
    assert_ptr_equal(sc_pool_find(&p, n->pool), n);
    assert_null(sc_pool_find_service(&p, &b));
    assert_true(n->reused && !n->used);
    sc_pool_fini(&p);
}

static void used_and_held_names_keep_their_address(void **state)
{
    (void)state;
    struct sc_pool p;
    struct sc_service_id a = id_of("a.a.scaffold"), b = id_of("b.a.scaffold");
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

static void a_place_has_its_share(void **state)
{
    (void)state;
    struct sc_askers a;
    struct sc_asked n[4];
    struct sc_underlay here = {.family = 4, .port = 7213, .ip = {10, 0, 0, 1}};
    struct sc_underlay other = {.family = 4, .port = 7213, .ip = {10, 0, 0, 2}};
    struct sc_underlay there = {.family = 6, .port = 1, .ip = {0xfd, [7] = 1, [15] = 1}};
    sc_askers_init(&a, seed);
    for (size_t i = 0; i < 4; i++)
        sc_asked_init(&n[i]);
    for (size_t i = 0; i < 2; i++) {
        assert_true(sc_askers_may(&a, &here, 2, 100));
        sc_askers_put(&a, &here, &n[i], 100);
        here.port++; /* no matter */
    }
    assert_false(sc_askers_may(&a, &here, 2, 100));
    assert_true(sc_askers_may(&a, &other, 2, 100));
    sc_asked_touch(&n[0], 200);
    assert_false(sc_askers_may(&a, &here, 2, 99 + SC_NAME_COUNTS));
    assert_true(sc_askers_may(&a, &here, 2, 100 + SC_NAME_COUNTS)); /* without n[1] */
    assert_null(n[1].asker);
    sc_askers_put(&a, &here, &n[1], 100 + SC_NAME_COUNTS);
    sc_asked_keep(&n[0]);
    sc_asked_keep(&n[1]);
    assert_false(sc_askers_may(&a, &here, 2, 10 * SC_NAME_COUNTS)); /* used: for good */
    sc_askers_take(&a, &n[0]);
    assert_true(sc_askers_may(&a, &here, 2, 10 * SC_NAME_COUNTS));
    sc_askers_put(&a, &there, &n[2], 1);
    there.ip[15] = 2; /* of the same /64 */
    assert_false(sc_askers_may(&a, &there, 1, 1));
    there.ip[7] = 2;
    assert_true(sc_askers_may(&a, &there, 1, 1));
    sc_askers_take(&a, &n[1]);
    sc_askers_take(&a, &n[2]);
    assert_int_equal(a.accounts.count, 0);
    sc_askers_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pool_addresses),
        cmocka_unit_test(a_full_pool),
        cmocka_unit_test(an_address_changes_hands),
        cmocka_unit_test(used_and_held_names_keep_their_address),
        cmocka_unit_test(how_many_addresses_there_are),
        cmocka_unit_test(a_place_has_its_share),
        cmocka_unit_test(exhausted),
        cmocka_unit_test(learning),
        cmocka_unit_test(choices),
        cmocka_unit_test(choices_among_many),
        cmocka_unit_test(coming_and_going),
        cmocka_unit_test(all_of_this_host),
        cmocka_unit_test(hosts),
        cmocka_unit_test(a_full_table_of_hosts),
        cmocka_unit_test(walking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
