/* One line per message, to one sink. The library's code below daemon/ does not log: it counts,
 * returns errors and reports events. Not signal-safe; the sink is set before threads exist. */
#ifndef SC_BASE_LOG_H
#define SC_BASE_LOG_H

#include <stdbool.h>

/* error: cannot go on. warn: somebody should look. info: what happened. debug: every step. */
enum sc_log_level { SC_LOG_ERROR, SC_LOG_WARN, SC_LOG_INFO, SC_LOG_DEBUG };

/* Room for a message; more is cut. */
#define SC_LOG_MESSAGE 1024

/* Where messages go, embedded in its owner. `message` is one line of printable text (sc_escape),
 * without time, level and newline: those are the sink's. */
struct sc_log_sink {
    void (*write)(struct sc_log_sink *sink, enum sc_log_level level, const char *message);
};

/* NULL, as at first: "name: level: message" to stderr. */
void sc_log_set_sink(struct sc_log_sink *sink);

/* Messages above this level are dropped. Default SC_LOG_INFO. */
void sc_log_set_level(enum sc_log_level level);

/* For messages that cost something to put together. */
bool sc_log_wants(enum sc_log_level level);

/* Parses error, warn, info or debug. Returns 0 or -EINVAL. */
int sc_log_parse_level(const char *text, enum sc_log_level *level);
const char *sc_log_level_name(enum sc_log_level level);

/* Prefix printed before each message on stderr ("scaffoldd"); the string must outlive the process.
 */
void sc_log_set_name(const char *name);

/* Escapes the message and gives it to the sink. errno is kept. */
void sc_log(enum sc_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
