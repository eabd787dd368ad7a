#include "local/tcp_congestion.h"

#include <string.h>

/* By number, which is a part of the control protocol. */
static const char names[][SC_TCP_CONGESTION_LEN] = {"", "cubic", "reno", "bbr"};

#define NAMES (sizeof names / sizeof *names)

uint32_t sc_tcp_congestion_find(const char *name, size_t len)
{
    size_t length = strnlen(name, len);
    for (uint32_t i = 1; i < NAMES; i++)
        if (length == strlen(names[i]) && memcmp(name, names[i], length) == 0)
            return i;
    return 0;
}

const char *sc_tcp_congestion_name(uint32_t number)
{
    return number > 0 && number < NAMES ? names[number] : NULL;
}
