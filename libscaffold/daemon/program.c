#include <stdio.h>
#include <string.h>

#include "daemon/daemon.h"

void sc_program_name(pid_t pid, char *buf, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    snprintf(buf, size, "?");
    FILE *f = pid > 0 ? fopen(path, "re") : NULL;
    if (!f)
        return;
    if (fgets(buf, (int)size, f))
        buf[strcspn(buf, "\n")] = 0;
    fclose(f);
}
