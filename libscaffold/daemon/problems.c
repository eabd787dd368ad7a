#include "daemon/problems.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/escape.h"
#include "base/log.h"

static void add(struct sc_problems *p, int is_warning, const char *format, va_list args)
{
    size_t *count = is_warning ? &p->warnings : &p->errors;
    ++*count;
    if (p->kept == SC_PROBLEMS_MAX)
        return;
    struct sc_problem *one = &p->problem[p->kept++];
    one->is_warning = is_warning;
    vsnprintf(one->line, sizeof one->line, format, args);
}

void sc_problem(struct sc_problems *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(p, 0, format, args);
    va_end(args);
}

void sc_problem_warn(struct sc_problems *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(p, 1, format, args);
    va_end(args);
}

static size_t not_kept(const struct sc_problems *p)
{
    return p->errors + p->warnings - p->kept;
}

size_t sc_problems_log(struct sc_problems *p)
{
    size_t errors = p->errors;
    for (size_t i = 0; i < p->kept; i++)
        sc_log(p->problem[i].is_warning ? SC_LOG_WARN : SC_LOG_ERROR, "%s", p->problem[i].line);
    if (not_kept(p))
        sc_log(SC_LOG_ERROR, "... and %zu more like these", not_kept(p));
    p->kept = p->errors = p->warnings = 0;
    return errors;
}

void sc_problems_print(const struct sc_problems *p)
{
    char line[2 * sizeof p->problem[0].line];
    for (size_t i = 0; i < p->kept; i++) {
        sc_escape(line, sizeof line, p->problem[i].line);
        printf("%s: %s\n", p->problem[i].is_warning ? "warn" : "error", line);
    }
    if (not_kept(p))
        printf("... and %zu more like these\n", not_kept(p));
}
