/* What the fuzz targets share. Each defines LLVMFuzzerTestOneInput: libFuzzer calls it under the
 * fuzz preset, replay.c otherwise. An empty input comes as NULL. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A rule of the target's: libFuzzer keeps the input that breaks it. */
static inline void require(bool condition)
{
    if (!condition)
        abort();
}

#endif
