#include "trap/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "trap/process/text.h"

static size_t who(pid_t tid, char *to, size_t room)
{
    char path[32], name[32] = "?";
    if (tid == 0)
        return 0;
    snprintf(path, sizeof path, "/proc/%d/comm", (int)tid);
    sc_text_read(path, name, sizeof name);
    name[strcspn(name, "\n")] = 0;
    return (size_t)snprintf(to, room, "%s (pid %d): ", name, (int)tid);
}

void sc_trap_say(pid_t tid, const char *format, ...)
{
    char line[512] = "scaffold: ";
    size_t room = sizeof line - 1, at = strlen(line); /* one for the line's end */
    va_list args;
    at += who(tid, line + at, room - at);
    va_start(args, format);
    int n = vsnprintf(line + at, room - at, format, args);
    va_end(args);
    at += n < 0 ? 0 : (size_t)n;
    if (at > room - 1)
        at = room - 1;
    line[at++] = '\n';
    if (write(STDERR_FILENO, line, at) < 0)
        return; /* nobody to tell */
}
