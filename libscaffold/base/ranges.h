/* A bounded, sorted set of disjoint half-open ranges of 64-bit numbers: packet numbers received,
 * stream bytes received, stream bytes acknowledged. Not thread-safe. */
#ifndef SC_BASE_RANGES_H
#define SC_BASE_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sc_range {
    uint64_t from;
    uint64_t to; /* exclusive */
};

struct sc_ranges {
    struct sc_range *range; /* sorted, disjoint, not adjacent; NULL while count and room are 0 */
    size_t count;
    size_t room;
    size_t limit; /* most ranges this set may hold */
};

/* An empty set of at most `limit` ranges; allocates nothing yet. */
void sc_ranges_init(struct sc_ranges *s, size_t limit);
void sc_ranges_fini(struct sc_ranges *s);

/* Adds [from, to), merging what touches. Returns 0; -ENOSPC when a further range would exceed the
 * limit and -ENOMEM when memory is short: then the set is unchanged. Empty ranges are ignored. */
int sc_ranges_add(struct sc_ranges *s, uint64_t from, uint64_t to);

/* Removes [from, to) from the set, splitting what it cuts. Errors as sc_ranges_add. */
int sc_ranges_remove(struct sc_ranges *s, uint64_t from, uint64_t to);

/* True when all of [from, to) is in the set (true for an empty range). */
bool sc_ranges_contain(const struct sc_ranges *s, uint64_t from, uint64_t to);

/* Drops the lowest range, if any. */
void sc_ranges_drop_lowest(struct sc_ranges *s);

#endif
