/* The hash map against an array, and SipHash against another implementation's results. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/list.h"
#include "base/map.h"
#include "base/rng.h"

#define KEYS 2000

struct entry {
    struct sc_map_node node;
    uint32_t key;
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
        cmocka_unit_test(against_an_array),
        cmocka_unit_test(the_hash_mixes),
        cmocka_unit_test(the_hash_is_siphash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
