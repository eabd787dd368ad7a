/* One line per message, to one sink. The library's code below daemon/ does not log: it counts and
 * returns errors. Not signal-safe; the sink is set before threads exist. */
#ifndef SC_BASE_LOG_H
#define SC_BASE_LOG_H

enum sc_log_level { SC_LOG_ERROR, SC_LOG_WARN, SC_LOG_INFO, SC_LOG_DEBUG };

/* Messages above this level are dropped. Default SC_LOG_INFO. */
void sc_log_set_level(enum sc_log_level level);

/* Parses error, warn, info or debug. Returns 0 or -EINVAL. */
int sc_log_parse_level(const char *text, enum sc_log_level *level);

/* Prefix printed before each message ("scaffoldd"); the string must outlive the process. */
void sc_log_set_name(const char *name);

/* Writes "name: level: message\n" to stderr in one write(2). errno is kept. */
void sc_log(enum sc_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
