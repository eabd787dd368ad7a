#include "daemon/trust/wall.h"

#include <stdio.h>
#include <time.h>

uint64_t sc_wall_now(void)
{
    time_t now = time(NULL);
    return now > 0 ? (uint64_t)now : 0;
}

const char *sc_wall_show(uint64_t seconds, char out[SC_WALL_TEXT])
{
    time_t when = (time_t)seconds;
    struct tm parts;
    if (!gmtime_r(&when, &parts) || strftime(out, SC_WALL_TEXT, "%Y-%m-%d %H:%M UTC", &parts) == 0)
        snprintf(out, SC_WALL_TEXT, "%llu s", (unsigned long long)seconds);
    return out;
}

bool sc_wall_is_unset(uint64_t now)
{
    return now < SC_BUILT;
}

void sc_wall_blame(char *out, size_t size)
{
    char now[SC_WALL_TEXT];
    uint64_t wall = sc_wall_now();
    sc_wall_show(wall, now);
    if (sc_wall_is_unset(wall))
        snprintf(out, size, "this machine's clock is wrong: it says %s; set it", now);
    else
        snprintf(out, size, "by this machine's clock, which says %s", now);
}
