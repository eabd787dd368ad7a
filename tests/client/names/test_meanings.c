/* What a process remembers of its look-ups: one meaning for an address, none for two, nothing of
 * what was pushed out; from several threads, and in the child of a fork. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/names/meanings.h"

static const uint8_t nothing[SC_MEANING_LEN];

/* Services of one provider: their ids begin alike. */
static void service(uint32_t number, uint8_t out[32])
{
    memset(out, 0x5a, 32);
    memcpy(out + 16, &number, sizeof number);
}

static void learn(uint32_t ip, uint32_t number)
{
    struct sc_address a = sc_address_v4(ip, 0);
    uint8_t id[32];
    service(number, id);
    sc_meanings_learn(&a, id);
}

static bool says(uint32_t ip, const uint8_t expected[SC_MEANING_LEN])
{
    struct sc_address a = sc_address_v4(ip, 80);
    uint8_t got[SC_MEANING_LEN];
    sc_meanings_of(&a, got);
    return memcmp(got, expected, sizeof got) == 0;
}

static bool means(uint32_t ip, uint32_t number)
{
    uint8_t id[32], meaning[SC_MEANING_LEN];
    service(number, id);
    sc_meaning_of_service(id, meaning);
    return says(ip, meaning);
}

static void one_service(void **state)
{
    (void)state;
    assert_true(says(0xc6120001, nothing));
    learn(0xc6120001, 7);
    assert_true(means(0xc6120001, 7));
    assert_false(means(0xc6120001, 8));
    learn(0xc6120001, 7);
    assert_true(means(0xc6120001, 7));
    pid_t child = fork();
    if (child == 0)
        _exit(means(0xc6120001, 7) ? 0 : 1);
    int status = -1;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

static void two_services(void **state)
{
    (void)state;
    learn(0xc6120002, 7);
    learn(0xc6120002, 8);
    assert_false(means(0xc6120002, 7) || means(0xc6120002, 8) || says(0xc6120002, nothing));
    learn(0xc6120002, 8); /* asked anew */
    assert_true(means(0xc6120002, 8));
}

static void more_than_it_holds(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 100000; i++) {
        learn(0xc6130000 + i, i);
        assert_true(means(0xc6130000 + i, i));
    }
    for (uint32_t i = 0; i < 100000; i++)
        assert_true(means(0xc6130000 + i, i) || says(0xc6130000 + i, nothing));
}

static void *learn_and_read(void *arg)
{
    uint32_t from = *(uint32_t *)arg;
    uintptr_t wrong = 0;
    for (uint32_t i = 0; i < 200000; i++) {
        uint32_t ip = 0xc6140000 + (from + i) % 64; /* few places: they meet */
        learn(ip, ip);
        wrong += !means(ip, ip) && !says(ip, nothing);
    }
    return (void *)wrong;
}

static void several_threads(void **state)
{
    enum { THREADS = 4 };
    pthread_t thread[THREADS];
    uint32_t from[THREADS];
    (void)state;
    for (uint32_t i = 0; i < THREADS; i++) {
        from[i] = 16 * i;
        assert_int_equal(pthread_create(&thread[i], NULL, learn_and_read, &from[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(thread[i], &wrong);
        assert_null(wrong);
    }
}

/* The supervisor of --trap: who connects is not who asked last. Last, since it cannot be undone. */
static void for_many(void **state)
{
    (void)state;
    sc_meanings_of_many();
    learn(0xc6120003, 7);
    learn(0xc6120003, 8);
    learn(0xc6120003, 8);
    assert_false(means(0xc6120003, 7) || means(0xc6120003, 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_service),        cmocka_unit_test(two_services),
        cmocka_unit_test(more_than_it_holds), cmocka_unit_test(several_threads),
        cmocka_unit_test(for_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
