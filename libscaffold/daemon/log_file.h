/* Where scaffoldd's log goes: standard error, or a file of a bounded size. Never waits: what cannot
 * be written at once is counted, and said as soon as something can be written again. */
#ifndef SC_DAEMON_LOG_FILE_H
#define SC_DAEMON_LOG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"

/* FILE and FILE.1 together: days of a busy host, for hours of a flood within the journal's rates,
 * and small beside any disk. */
#define SC_LOG_FILE_BYTES (10 * 1000 * 1000)

struct sc_log_file {
    struct sc_log_sink sink;
    int fd;          /* standard error's, or the file's */
    char path[256];  /* "": standard error */
    size_t most;     /* bytes of one file */
    uint64_t lost;   /* lines since the last one that was written */
    int lost_for;    /* errno of the first of them */
    bool torn;       /* the last line was cut: the next one starts behind a newline */
    bool is_journal; /* standard error is the journal: it stamps by itself and knows levels */
};

/* Opens the log and makes it the sink of sc_log. path "": standard error. Returns 0, or -1 with
 * what is wrong in `why`. */
int sc_log_file_open(struct sc_log_file *f, const char *path, char *why, size_t size);

/* The file was renamed by somebody else: goes on in a new one. Where that cannot be made, goes on
 * in the old one. */
void sc_log_file_reopen(struct sc_log_file *f);

/* sc_log goes to standard error again. */
void sc_log_file_close(struct sc_log_file *f);

/* True when standard error is the same file: it would say everything twice. */
bool sc_log_file_is_stderr(const struct sc_log_file *f);

#endif
