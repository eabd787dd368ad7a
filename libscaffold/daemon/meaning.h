/* Whether an address still stands for what the program means by it (SC_MEANING_LEN of
 * local/ctl.h). */
#ifndef SC_DAEMON_MEANING_H
#define SC_DAEMON_MEANING_H

#include <stdbool.h>
#include <string.h>

#include "local/ctl.h"
#include "stack/stack.h"

/* Who says what is meant reaches that or nothing. Who does not say is taken at the address's word,
 * unless it has stood for another name before. */
static inline bool sc_mapping_means(const struct sc_mapping *m,
                                    const uint8_t meaning[SC_MEANING_LEN])
{
    static const uint8_t nothing[SC_MEANING_LEN];
    uint8_t stands_for[SC_MEANING_LEN];
    if (memcmp(meaning, nothing, SC_MEANING_LEN) == 0)
        return !m->reused;
    sc_meaning_of_service(m->service.bytes, stands_for);
    return memcmp(meaning, stands_for, SC_MEANING_LEN) == 0;
}

#define SC_MEANING_TROUBLE "the address was given to another name; look the service's name up again"

#endif
