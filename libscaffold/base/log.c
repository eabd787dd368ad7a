#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"

static void write_stderr(struct sc_log_sink *sink, enum sc_log_level level, const char *message);

static struct sc_log_sink standard_error = {write_stderr};
static struct sc_log_sink *sink = &standard_error;
static enum sc_log_level limit = SC_LOG_INFO;
static const char *program = "scaffold";
static const char *const level_names[] = {"error", "warn", "info", "debug"};

static void write_stderr(struct sc_log_sink *self, enum sc_log_level level, const char *message)
{
    (void)self;
    char line[SC_LOG_MESSAGE + 64];
    int n = snprintf(line, sizeof line, "%s: %s: %s\n", program, level_names[level], message);
    while (write(STDERR_FILENO, line, (size_t)n) < 0 && errno == EINTR)
        ;
}

void sc_log_set_sink(struct sc_log_sink *one)
{
    sink = one ? one : &standard_error;
}

void sc_log_set_level(enum sc_log_level level)
{
    limit = level;
}

bool sc_log_wants(enum sc_log_level level)
{
    return level <= limit;
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

const char *sc_log_level_name(enum sc_log_level level)
{
    return level_names[level];
}

void sc_log_set_name(const char *name)
{
    program = name;
}

void sc_log(enum sc_log_level level, const char *format, ...)
{
    if (!sc_log_wants(level))
        return;
    int saved = errno;
    char text[SC_LOG_MESSAGE], message[SC_LOG_MESSAGE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    sc_escape(message, sizeof message, text);
    sink->write(sink, level, message);
    errno = saved;
}
