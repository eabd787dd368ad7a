/* What the fuzz targets share. Each defines LLVMFuzzerTestOneInput: libFuzzer calls it under the
 * fuzz preset, replay.c otherwise. An empty input comes as NULL. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A rule of the target's: libFuzzer keeps the input that breaks it. */
#define require(condition) require_that(condition, #condition, __FILE__, __LINE__)

static inline void require_that(bool holds, const char *rule, const char *file, int line)
{
    if (holds)
        return;
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, rule);
    abort();
}

#endif
