#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum sc_log_level limit = SC_LOG_INFO;
static const char *program = "scaffold";
static const char *const level_names[] = {"error", "warn", "info", "debug"};

void sc_log_set_level(enum sc_log_level level)
{
    limit = level;
}

int sc_log_parse_level(const char *text, enum sc_log_level *level)
{
    for (unsigned i = 0; i < sizeof level_names / sizeof *level_names; i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *level = (enum sc_log_level)i;
            return 0;
        }
    }
    return -EINVAL;
}

void sc_log_set_name(const char *name)
{
    program = name;
}

void sc_log(enum sc_log_level level, const char *format, ...)
{
    if (level > limit)
        return;
    int saved = errno;
    char line[1024];
    va_list args;
    int n = snprintf(line, sizeof line, "%s: %s: ", program, level_names[level]);
    va_start(args, format);
    n += vsnprintf(line + n, sizeof line - 1 - (size_t)n, format, args);
    va_end(args);
    if (n > (int)sizeof line - 2)
        n = (int)sizeof line - 2;
    line[n++] = '\n';
    while (write(STDERR_FILENO, line, (size_t)n) < 0 && errno == EINTR)
        ;
    errno = saved;
}
