/* What is wrong with a configuration: every problem, a line each, rather than the first one. */
#ifndef SC_DAEMON_PROBLEMS_H
#define SC_DAEMON_PROBLEMS_H

#include <stddef.h>

/* More than anybody mends at once; the rest is counted. */
#define SC_PROBLEMS_MAX 64

struct sc_problem {
    char line[512];
    int is_warning; /* scaffoldd starts all the same */
};

struct sc_problems {
    struct sc_problem problem[SC_PROBLEMS_MAX];
    size_t kept;
    size_t errors;
    size_t warnings;
};

void sc_problem(struct sc_problems *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void sc_problem_warn(struct sc_problems *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* To the log, at levels error and warn, and forgets them. Returns how many errors there were. */
size_t sc_problems_log(struct sc_problems *p);

/* To standard output, for --check. */
void sc_problems_print(const struct sc_problems *p);

#endif
