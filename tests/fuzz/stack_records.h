/* The input of fuzz_stack: a head of RECORD bytes (how the world is), then records of that length,
 * one thing that happens each. Of one length, so that whole ones can be moved about. */
#ifndef TESTS_FUZZ_STACK_RECORDS_H
#define TESTS_FUZZ_STACK_RECORDS_H

#include <stdint.h>

#define RECORD 8
#define RECORDS_MAX 400 /* more teach nothing that two shorter inputs do not */

struct record {
    uint8_t op;
    uint8_t node;
    uint8_t a, b;
    uint16_t c, d;
};

#endif
