/* The hash map against an array, and SipHash against another implementation's results. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/list.h"
#include "base/map.h"
#include "base/rng.h"

#define KEYS 2000

struct entry {
    struct sc_map_node node;
    uint32_t key;
    bool linked;
    bool stayed;   /* linked since the scan began */
    unsigned came; /* how often it was linked while the scan went on, the first time included */
    unsigned met;
};

static void against_an_array(void **state)
{
    (void)state;
    static struct entry entries[KEYS];
    static bool present[KEYS];
    const uint64_t map_seed[2] = {1, 2};
    uint64_t seed = 5;
    struct sc_map m;
    struct sc_rng rng;
    print_message("seed %llu\n", (unsigned long long)seed);
    sc_rng_seed(&rng, seed);
    SC_MAP_INIT(&m, struct entry, node, key, map_seed);
    for (uint32_t i = 0; i < KEYS; i++)
        entries[i].key = i * 2654435761u;
    for (int step = 0; step < 50000; step++) {
        size_t i = sc_rng_below(&rng, KEYS);
        struct sc_map_node *n = sc_map_find(&m, &entries[i].key);
        assert_ptr_equal(n, present[i] ? &entries[i].node : NULL);
        if (present[i])
            sc_map_remove(&m, &entries[i].node);
        else
            assert_int_equal(sc_map_insert(&m, &entries[i].node), 0);
        present[i] = !present[i];
    }
    size_t walked = 0, count = 0;
    for (struct sc_map_node *n = NULL; (n = sc_map_next(&m, n)) != NULL; walked++)
        assert_true(present[sc_container(n, struct entry, node) - entries]);
    for (size_t i = 0; i < KEYS; i++)
        count += present[i];
    assert_int_equal(walked, count);
    assert_int_equal(m.count, count);
    sc_map_remove(&m, &(struct sc_map_node){0}); /* one that is not linked */
    sc_map_fini(&m);
}

static void toggle(struct sc_map *m, struct entry *e)
{
    if (e->linked)
        sc_map_remove(m, &e->node);
    else
        assert_int_equal(sc_map_insert(m, &e->node), 0);
    e->linked = !e->linked;
    e->came += e->linked;
    e->stayed = false;
}

/* One bucket; returns how many entries it had. */
static size_t scan_once(const struct sc_map *m, size_t *cursor)
{
    size_t met = 0;
    for (struct sc_map_node *n = sc_map_scan(m, cursor); n; n = n->next, met++)
        sc_container(n, struct entry, node)->met++;
    return met;
}

/* A scan from end to end, between whose pieces entries come and go: more come than go, so that the
 * map grows under it. */
static void scan_while_changing(struct sc_map *m, struct entry *entries, size_t count,
                                struct sc_rng *rng, size_t changes)
{
    size_t cursor = 0;
    for (size_t i = 0; i < count; i++) {
        entries[i].met = 0;
        entries[i].stayed = entries[i].linked;
        entries[i].came = entries[i].linked;
    }
    do {
        scan_once(m, &cursor);
        for (size_t i = sc_rng_below(rng, changes + 1); i > 0; i--)
            toggle(m, &entries[sc_rng_below(rng, count)]);
    } while (cursor);
    for (size_t i = 0; i < count; i++) {
        if (entries[i].stayed)
            assert_int_equal(entries[i].met, 1);
        else
            assert_true(entries[i].met <= entries[i].came);
    }
}

static void a_scan_meets_what_stays_once(void **state)
{
    (void)state;
    const uint64_t map_seed[2] = {1, 2};
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct entry *entries = calloc(KEYS, sizeof *entries);
        struct sc_map m;
        struct sc_rng rng;
        print_message("seed %llu\n", (unsigned long long)seed);
        sc_rng_seed(&rng, seed);
        SC_MAP_INIT(&m, struct entry, node, key, map_seed);
        size_t first = sc_rng_below(&rng, 300);
        for (uint32_t i = 0; i < KEYS; i++) {
            entries[i].key = i * 2654435761u;
            if (i < first)
                toggle(&m, &entries[i]);
        }
        for (size_t changes = 0; changes < 6; changes++)
            scan_while_changing(&m, entries, KEYS, &rng, changes);
        sc_map_fini(&m);
        free(entries);
    }
}

/* Only additions: then nothing is met twice, at any size and however the buckets stand. */
static void a_scan_while_growing(void **state)
{
    (void)state;
    const uint64_t map_seed[2] = {3, 4};
    for (size_t first = 0; first < 130; first++) {
        static struct entry entries[KEYS];
        struct sc_map m;
        size_t cursor = 0, count = 0;
        memset(entries, 0, sizeof entries);
        SC_MAP_INIT(&m, struct entry, node, key, map_seed);
        for (; count < first; count++) {
            entries[count].key = (uint32_t)count;
            assert_int_equal(sc_map_insert(&m, &entries[count].node), 0);
        }
        for (size_t piece = 0; piece == 0 || cursor; piece++) {
            scan_once(&m, &cursor);
            for (size_t i = 0; i < piece % 4 && count < KEYS; i++, count++) {
                entries[count].key = (uint32_t)count;
                assert_int_equal(sc_map_insert(&m, &entries[count].node), 0);
            }
        }
        for (size_t i = 0; i < count; i++)
            assert_true(i < first ? entries[i].met == 1 : entries[i].met <= 1);
        sc_map_fini(&m);
    }
}

static void a_scan_of_nothing(void **state)
{
    (void)state;
    const uint64_t map_seed[2] = {1, 2};
    struct sc_map m;
    size_t cursor = 0;
    SC_MAP_INIT(&m, struct entry, node, key, map_seed);
    assert_null(sc_map_scan(&m, &cursor));
    assert_int_equal(cursor, 0);
    sc_map_fini(&m);
}

/* However large the map is: one insertion splits one bucket, and buckets stay short. */
static void growth_in_small_steps(void **state)
{
    (void)state;
    enum { MANY = 20000 };
    const uint64_t map_seed[2] = {5, 6};
    struct entry *entries = calloc(MANY, sizeof *entries);
    struct sc_map m;
    SC_MAP_INIT(&m, struct entry, node, key, map_seed);
    for (uint32_t i = 0; i < MANY; i++) {
        size_t before = m.bucket_count;
        entries[i].key = i;
        assert_int_equal(sc_map_insert(&m, &entries[i].node), 0);
        assert_true(i == 0 || m.bucket_count - before <= 1);
        assert_true(m.bucket_count >= m.count);
    }
    size_t cursor = 0, longest = 0, met = 0;
    do {
        size_t one = scan_once(&m, &cursor);
        longest = one > longest ? one : longest;
        met += one;
    } while (cursor);
    assert_int_equal(met, MANY);
    assert_in_range(longest, 2, 16);
    sc_map_fini(&m);
    free(entries);
}

/* Every bit of the input moves about half of the output. */
static void the_hash_mixes(void **state)
{
    (void)state;
    const uint64_t seed[2] = {3, 4};
    uint8_t data[32] = {0};
    uint64_t before = sc_hash(seed, data, sizeof data);
    for (size_t bit = 0; bit < 8 * sizeof data; bit++) {
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        int moved = __builtin_popcountll(before ^ sc_hash(seed, data, sizeof data));
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_in_range(moved, 10, 54);
    }
    assert_true(sc_hash(seed, data, 8) != sc_hash(seed, data, 9));
}

/* The bytes 0, 1, 2 ... under a key of zeros, as CPython 3.11 hashes them (PYTHONHASHSEED=0): its
 * own SipHash-1-3. The digest of a registration depends on it. */
static void the_hash_is_siphash(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        uint64_t hash;
    } cases[] = {
        {1, 0x68a914128e01e473}, {7, 0x2f098ab0c751325a},  {8, 0xead411e67ebe2eea},
        {9, 0x75927f9d95124362}, {15, 0xf30eb725bb91c9ea}, {32, 0x31ef8061c910629b},
    };
    const uint64_t seed[2] = {0, 0};
    uint8_t data[32];
    for (uint8_t i = 0; i < sizeof data; i++)
        data[i] = i;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(sc_hash(seed, data, cases[i].len) == cases[i].hash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_an_array),      cmocka_unit_test(a_scan_meets_what_stays_once),
        cmocka_unit_test(a_scan_while_growing),  cmocka_unit_test(a_scan_of_nothing),
        cmocka_unit_test(growth_in_small_steps), cmocka_unit_test(the_hash_mixes),
        cmocka_unit_test(the_hash_is_siphash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
