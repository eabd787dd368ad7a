/* The file of the log: SCAFFOLD_SHIM_LOG, read before the program can clear it. Opened, appended to
 * and closed again for every line: programs purge descriptors. Signal-safe, thread-safe. */
#ifndef SC_CLIENT_PROCESS_LOG_FILE_H
#define SC_CLIENT_PROCESS_LOG_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Whether there is a log. */
extern bool sc_log_wanted;

static inline bool sc_log_on(void)
{
    return __builtin_expect(sc_log_wanted, 0);
}

/* The program's name: kept, since programs write over their arguments to show what they do. */
extern char sc_log_program[32];

/* Appends a line in one write, so that lines of several processes do not mix. What cannot be
 * written is said on stderr once per process. errno is kept. */
void sc_log_append(const char *line, size_t len);

#endif
