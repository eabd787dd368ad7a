/* Names and ids: hosts compute none of an alias, but take them from their router's answers. */
#include <errno.h>

#include "naming/service_name.h"
#include "net.h"

static void assert_id(const struct sc_service_id *id, const char *name)
{
    struct sc_service_id expected = service_id(name);
    assert_memory_equal(id, &expected, sizeof expected);
}

/* The address of a name, as this host hears of it. */
static uint32_t pool_of(struct net_node *node, const char *name)
{
    net_lookup(node, name);
    assert_int_equal(node->mapping.error, 0);
    assert_string_equal(node->mapping.name, name);
    return node->mapping.pool;
}

static void ids_come_from_the_router(void **state)
{
    (void)state;
    struct net n;
    uint8_t key[SC_KEY_LEN];
    net_three(&n);
    for (int i = 0; i < 3; i++) { /* the router itself, too */
        pool_of(&n.node[i], "web.demo.scaffold");
        assert_id(&n.node[i].mapping.service, "web.demo.scaffold");
        provider_key("demo", key);
        assert_memory_equal(n.node[i].mapping.key, key, sizeof key);
    }
    net_fini(&n);
}

/* Another network, another key: nobody can know an id before it has asked. */
static void networks_have_keys_of_their_own(void **state)
{
    (void)state;
    struct net n;
    struct sc_service_id here = service_id("web.demo.scaffold");
    net_init(&n);
    n.network = 1;
    net_start(&n, 0, "r", -1, 100);
    net_start(&n, 1, "a", 0, 101);
    net_run(&n, SC_SECOND);
    pool_of(&n.node[1], "web.demo.scaffold");
    assert_memory_not_equal(&n.node[1].mapping.service, &here, SC_PROVIDER_LEN);
    net_fini(&n);
}

static void one_label_of_two_providers(void **state)
{
    (void)state;
    struct net n;
    unsigned bits = 0;
    net_three(&n);
    struct net_node *a = &n.node[1], *b = &n.node[2];
    uint32_t demo = pool_of(a, "web.demo.scaffold"), acme = pool_of(a, "web.acme.scaffold");
    assert_int_not_equal(demo, acme);
    net_serve(b, "web.demo.scaffold:80");
    net_run(&n, SC_SECOND);
    struct sc_flow *f = net_connect(a, "web.acme.scaffold:80", &bits);
    net_run(&n, SC_SECOND);
    assert_int_equal(f->error, ECONNREFUSED);
    sc_stack_release(a->stack, f, n.now);
    net_fini(&n);
}

/* A host learns who it is when it joins; a router, when its name is stored. */
static void a_hosts_own_id(void **state)
{
    (void)state;
    struct net n;
    struct sc_service_id nobody = {{0}};
    net_init(&n);
    net_start(&n, 1, "a", 0, 101);
    net_run(&n, SC_SECOND);
    assert_memory_equal(sc_stack_own_id(n.node[1].stack), &nobody, sizeof nobody);
    net_start(&n, 0, "r", -1, 100);
    net_run(&n, 3 * SC_SECOND);
    assert_id(sc_stack_own_id(n.node[0].stack), "r.host.scaffold");
    assert_id(sc_stack_own_id(n.node[1].stack), "a.host.scaffold");
    pool_of(&n.node[0], "a.host.scaffold");
    assert_id(&n.node[0].mapping.service, "a.host.scaffold");
    net_fini(&n);
}

/* "label.<hash of this key>.scaffold" */
static void hash_name(const uint8_t key[SC_KEY_LEN], const char *label, char name[64])
{
    uint8_t provider[SC_PROVIDER_LEN];
    char text[SC_PROVIDER_TEXT + 1];
    sc_provider_of_key(key, provider);
    sc_provider_write(provider, text);
    snprintf(name, 64, "%s.%s.scaffold", label, text);
}

static void a_name_that_certifies_itself(void **state)
{
    (void)state;
    struct net n;
    struct sc_mapping m;
    char name[64];
    uint8_t key[SC_KEY_LEN], provider[SC_PROVIDER_LEN];
    memset(key, 5, sizeof key);
    sc_provider_of_key(key, provider);
    hash_name(key, "web", name);
    net_three(&n);
    struct net_node *a = &n.node[1], *b = &n.node[2];
    uint32_t pool = pool_of(a, name);
    assert_memory_equal(a->mapping.service.bytes, provider, sizeof provider);
    assert_false(sc_provider_has_key(a->mapping.key));
    assert_int_equal(pool_of(b, name), pool);
    assert_true(sc_stack_mapping_of_pool(b->stack, pool, &m));
    assert_string_equal(m.name, name);
    net_fini(&n);
}

/* An alias and its key's hash are two names of one service, whichever was asked for first. */
static void one_service_by_two_names(void **state)
{
    (void)state;
    struct net n;
    char web[64], db[64];
    uint8_t key[SC_KEY_LEN];
    net_three(&n);
    struct net_node *r = &n.node[0], *a = &n.node[1], *b = &n.node[2];
    provider_key("demo", key);
    hash_name(key, "web", web);
    hash_name(key, "db", db);
    uint32_t pool = pool_of(a, "web.demo.scaffold");
    assert_int_equal(pool_of(b, web), pool);
    assert_false(sc_provider_has_key(b->mapping.key));
    assert_int_equal(pool_of(r, web), pool);
    pool = pool_of(a, db);
    assert_int_equal(pool_of(b, "db.demo.scaffold"), pool);
    assert_memory_equal(b->mapping.key, key, sizeof key);
    assert_int_equal(pool_of(r, "db.demo.scaffold"), pool);
    assert_memory_equal(r->mapping.key, key, sizeof key);
    assert_int_equal(pool_of(b, db), pool); /* the one it heard first, again */
    net_fini(&n);
}

/* --- pins ------------------------------------------------------------------------------------- */

/* The router comes back with nothing of what it was, and other keys. */
static void another_router(struct net *n)
{
    net_stop(&n->node[0]);
    n->network = 1;
    net_start(n, 0, "r", -1, 600);
    net_run(n, 3 * SC_SECOND);
}

static void a_key_is_pinned_when_first_heard_of(void **state)
{
    (void)state;
    struct net n;
    uint8_t key[SC_KEY_LEN];
    net_three(&n);
    struct net_node *r = &n.node[0], *a = &n.node[1];
    pool_of(a, "web.demo.scaffold");
    assert_int_equal(a->mapping.vouched, SC_VOUCHED_FIRST_USE);
    assert_int_equal(a->pinned, 1);
    assert_string_equal(a->pin.alias, "demo");
    provider_key("demo", key);
    assert_memory_equal(a->pin.key, key, sizeof key);
    assert_false(a->pin.local);
    pool_of(a, "db.demo.scaffold");
    assert_int_equal(a->pinned, 1);
    pool_of(r, "web.demo.scaffold"); /* a router's own names */
    assert_int_equal(r->mapping.vouched, SC_VOUCHED_LOCAL);
    assert_int_equal(r->pinned, 0);
    assert_int_equal(sc_stack_vouch(r->stack, "demo", key, false, n.now), 0);
    key[0] ^= 1;
    assert_int_equal(sc_stack_vouch(r->stack, "demo", key, false, n.now), -EKEYREJECTED);
    assert_int_equal(sc_stack_vouch(r->stack, "demo", key, true, n.now), -EINPROGRESS);
    assert_int_equal(sc_stack_vouch(r->stack, "acme", key, false, n.now), 0);
    pool_of(r, "web.acme.scaffold");
    assert_memory_equal(r->mapping.key, key, sizeof key);
    pool_of(a, "web.aaisem2ekvthpcezvk54zxpo74.scaffold");
    assert_int_equal(a->mapping.vouched, SC_VOUCHED_SELF);
    assert_int_equal(a->pinned, 1);
    net_fini(&n);
}

/* However it is asked for, and whatever was remembered; until somebody says that it is so. */
static void another_key_is_refused(void **state)
{
    (void)state;
    struct net n;
    uint8_t key[SC_KEY_LEN];
    net_three(&n);
    struct net_node *a = &n.node[1];
    uint32_t pool = pool_of(a, "web.demo.scaffold");
    provider_key("demo", key);
    another_router(&n);
    pool_of(&n.node[0], "web.demo.scaffold");
    net_lookup(a, "web.demo.scaffold");
    assert_int_equal(a->mapping.error, EKEYREJECTED);
    assert_string_equal(a->mapping.name, "web.demo.scaffold");
    assert_memory_not_equal(a->mapping.key, key, sizeof key);
    assert_memory_equal(sc_stack_pin(a->stack, "demo")->key, key, sizeof key);
    memcpy(key, a->mapping.key, sizeof key);
    sc_stack_lookup(a->stack, SC_LOOKUP_POOL, NULL, n.node[0].mapping.pool, NULL, NULL, n.now);
    net_pump(&n);
    assert_int_equal(a->mapping.error, EKEYREJECTED);
    pool_of(a, "web.other.scaffold"); /* nobody else suffers for it */

    assert_int_equal(sc_stack_vouch(a->stack, "demo", key, false, n.now), -EKEYREJECTED);
    assert_int_equal(sc_stack_vouch(a->stack, "demo", key, true, n.now), 0);
    pool_of(a, "web.demo.scaffold");
    assert_int_equal(a->mapping.vouched, SC_VOUCHED_PINNED);
    assert_true(a->pin.local);
    (void)pool;
    net_fini(&n);
}

/* What was said beforehand wins over what is heard first. */
static void a_pin_of_somebody_here(void **state)
{
    (void)state;
    struct net n;
    uint8_t key[SC_KEY_LEN], other[SC_KEY_LEN] = {1};
    net_three(&n);
    struct net_node *a = &n.node[1];
    provider_key("demo", key);
    assert_int_equal(sc_stack_vouch(a->stack, "demo", other, false, n.now), 0);
    assert_int_equal(sc_stack_vouch(a->stack, "no alias", other, false, n.now), -EINVAL);
    net_lookup(a, "web.demo.scaffold");
    assert_int_equal(a->mapping.error, EKEYREJECTED);
    assert_int_equal(sc_stack_vouch(a->stack, "demo", key, true, n.now), 0);
    pool_of(a, "web.demo.scaffold");
    assert_int_equal(sc_stack_vouch(a->stack, "demo", other, true, n.now), 0);
    net_lookup(a, "web.demo.scaffold"); /* what was remembered counts no more */
    assert_int_equal(a->mapping.error, EKEYREJECTED);
    net_fini(&n);
}

static void who_insists(void **state)
{
    (void)state;
    struct net n;
    uint8_t key[SC_KEY_LEN];
    net_init(&n);
    n.strict = true;
    net_start(&n, 0, "r", -1, 100);
    net_start(&n, 1, "a", 0, 101);
    net_run(&n, SC_SECOND);
    struct net_node *a = &n.node[1];
    net_lookup(a, "web.demo.scaffold");
    assert_int_equal(a->mapping.error, ENOKEY);
    assert_int_equal(a->pinned, 0);
    memcpy(key, a->mapping.key, sizeof key);
    pool_of(a, "web.aaisem2ekvthpcezvk54zxpo74.scaffold");
    assert_int_equal(sc_stack_vouch(a->stack, "demo", key, false, n.now), 0);
    pool_of(a, "web.demo.scaffold");
    net_fini(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_come_from_the_router),
        cmocka_unit_test(networks_have_keys_of_their_own),
        cmocka_unit_test(one_label_of_two_providers),
        cmocka_unit_test(a_hosts_own_id),
        cmocka_unit_test(a_name_that_certifies_itself),
        cmocka_unit_test(one_service_by_two_names),
        cmocka_unit_test(a_key_is_pinned_when_first_heard_of),
        cmocka_unit_test(another_key_is_refused),
        cmocka_unit_test(a_pin_of_somebody_here),
        cmocka_unit_test(who_insists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
