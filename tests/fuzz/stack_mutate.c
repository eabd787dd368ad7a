/* libFuzzer's mutations for fuzz_stack: a byte inserted into records would change all behind it, so
 * whole records are inserted, removed, moved and repeated, or one field of one is changed. */
#include <string.h>

#include "base/rng.h"
#include "stack_records.h"
#include "stack_world.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

static void random_record(struct sc_rng *g, uint8_t *at)
{
    for (size_t i = 0; i < RECORD; i++)
        at[i] = (uint8_t)sc_rng_next(g);
    at[0] &= 63;
}

static size_t insert(struct sc_rng *g, uint8_t *data, size_t count, size_t max)
{
    size_t at = 1 + sc_rng_below(g, count);
    if (count >= max)
        return count;
    memmove(data + (at + 1) * RECORD, data + at * RECORD, (count - at) * RECORD);
    if (at > 1 && sc_rng_below(g, 3) == 0) /* the one before it, again */
        memcpy(data + at * RECORD, data + (at - 1) * RECORD, RECORD);
    else
        random_record(g, data + at * RECORD);
    return count + 1;
}

static size_t erase(struct sc_rng *g, uint8_t *data, size_t count)
{
    if (count < 2)
        return count;
    size_t at = 1 + sc_rng_below(g, count - 1), most = count - at;
    size_t n = 1 + sc_rng_below(g, most < 8 ? most : 8);
    memmove(data + at * RECORD, data + (at + n) * RECORD, (count - at - n) * RECORD);
    return count - n;
}

static void swap(struct sc_rng *g, uint8_t *data, size_t count)
{
    uint8_t kept[RECORD];
    if (count < 3)
        return;
    uint8_t *one = data + (1 + sc_rng_below(g, count - 1)) * RECORD;
    uint8_t *other = data + (1 + sc_rng_below(g, count - 1)) * RECORD;
    memcpy(kept, one, RECORD);
    memmove(one, other, RECORD);
    memcpy(other, kept, RECORD);
}

static void change(struct sc_rng *g, uint8_t *data, size_t count)
{
    uint8_t *at = data + sc_rng_below(g, count * RECORD);
    if (sc_rng_below(g, 2))
        *at = (uint8_t)sc_rng_next(g);
    else
        *at = (uint8_t)(*at + (sc_rng_below(g, 2) ? 1 : 255));
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    struct sc_rng g;
    size_t count = size / RECORD, room = max / RECORD;
    sc_rng_seed(&g, seed);
    if (room == 0)
        return size;
    if (count == 0) {
        random_record(&g, data);
        count = 1;
    }
    for (uint64_t n = 1 + sc_rng_below(&g, 4); n > 0; n--) {
        switch (sc_rng_below(&g, 6)) {
        case 0:
        case 1:
            count = insert(&g, data, count, room);
            break;
        case 2:
            count = erase(&g, data, count);
            break;
        case 3:
            swap(&g, data, count);
            break;
        default:
            change(&g, data, count);
            break;
        }
    }
    return count * RECORD;
}
