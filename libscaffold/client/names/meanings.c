#include "client/names/meanings.h"

#include <stdatomic.h>
#include <string.h>

/* 24 KiB. Programs with more services than this say nothing of some, which matters where an address
 * was given to another name. */
#define SETS 256
#define WAYS 4

/* Odd `version`: somebody writes; a reader takes it for empty, a writer goes elsewhere. It stays so
 * in the child of a fork that came in the middle: one place is lost. */
struct place {
    atomic_uint version;
    atomic_uint address; /* 0: empty */
    atomic_ullong meaning;
};

static struct place places[SETS][WAYS];
static atomic_uint turn;
static atomic_bool many;

static const uint64_t two = UINT64_MAX;

static struct place *set_of(uint32_t address)
{
    return places[(address * 2654435761u) >> 24]; /* Knuth's multiplicative hash: 256 sets */
}

/* False: empty, or being written. */
static bool read_place(struct place *p, uint32_t *address, uint64_t *meaning)
{
    unsigned before = atomic_load(&p->version);
    *address = atomic_load(&p->address);
    *meaning = atomic_load(&p->meaning);
    return before % 2 == 0 && atomic_load(&p->version) == before && *address != 0;
}

/* False: somebody else writes there. */
static bool write_place(struct place *p, uint32_t address, uint64_t meaning)
{
    unsigned before = atomic_load(&p->version);
    if (before % 2 || !atomic_compare_exchange_strong(&p->version, &before, before + 1))
        return false;
    atomic_store(&p->address, address);
    atomic_store(&p->meaning, meaning);
    atomic_store(&p->version, before + 2);
    return true;
}

/* The place of the address, else an empty one, else one whose turn it is. */
static struct place *place_for(uint32_t address, uint64_t *known)
{
    struct place *set = set_of(address), *empty = NULL;
    for (size_t i = 0; i < WAYS; i++) {
        uint32_t there;
        uint64_t meaning;
        bool filled = read_place(&set[i], &there, &meaning);
        if (filled && there == address) {
            *known = meaning;
            return &set[i];
        }
        if (!filled && !empty)
            empty = &set[i];
    }
    *known = 0;
    return empty ? empty : &set[atomic_fetch_add(&turn, 1) % WAYS];
}

void sc_meanings_learn(const struct sc_address *address, const uint8_t service[32])
{
    uint64_t meaning, known;
    uint8_t bytes[SC_MEANING_LEN];
    uint32_t ip = sc_address_to_v4(address);
    sc_meaning_of_service(service, bytes);
    memcpy(&meaning, bytes, sizeof meaning);
    struct place *p = place_for(ip, &known);
    bool anew = known == 0 || (known == two && !atomic_load(&many));
    if (known != meaning)
        write_place(p, ip, anew ? meaning : two);
}

void sc_meanings_of(const struct sc_address *address, uint8_t meaning[SC_MEANING_LEN])
{
    uint64_t found = 0;
    if (sc_address_is_v4(address)) {
        uint32_t ip = sc_address_to_v4(address);
        struct place *set = set_of(ip);
        for (size_t i = 0; i < WAYS; i++) {
            uint32_t there;
            uint64_t one;
            if (read_place(&set[i], &there, &one) && there == ip)
                found = found && found != one ? two : one; /* two threads learnt at once */
        }
    }
    memcpy(meaning, &found, SC_MEANING_LEN);
}

void sc_meanings_of_many(void)
{
    atomic_store(&many, true);
}
