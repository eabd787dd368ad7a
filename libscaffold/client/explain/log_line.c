#include "client/explain/log_line.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "client/explain/why.h"
#include "client/options/carry.h"
#include "client/process/kernel.h"
#include "client/process/log_file.h"

/* A pipe takes so much in one piece (POSIX: 512 at least, Linux 4096), should the file be one. */
#define LINE_MAX_BYTES 4096
/* Options without effect that one line names: more than a program sets. */
#define NAMES_MAX 48

/* --- text ------------------------------------------------------------------------------------- */

struct text {
    char *bytes;
    size_t len;
    size_t room;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(t->bytes + t->len, t->room - t->len, format, args);
    va_end(args);
    if (n > 0)
        t->len = t->len + (size_t)n < t->room ? t->len + (size_t)n : t->room - 1;
}

/* A JSON string (RFC 8259, section 7); what is no printable ASCII, by its bytes' numbers. */
static void add_string(struct text *t, const char *s)
{
    if (!s) {
        add(t, "null");
        return;
    }
    add(t, "\"");
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            add(t, "\\%c", c);
        else if (c < ' ' || c > '~')
            add(t, "\\u%04x", c);
        else
            add(t, "%c", c);
    }
    add(t, "\"");
}

static void add_address(struct text *t, const char *key, const struct sc_address *a)
{
    char text[64];
    if (a)
        sc_address_text(a, text, sizeof text);
    add(t, ", \"%s\": ", key);
    add_string(t, a ? text : NULL);
}

static void add_bytes(struct text *t, const char *key, int64_t bytes)
{
    if (bytes < 0)
        add(t, ", \"%s\": null", key);
    else
        add(t, ", \"%s\": %lld", key, (long long)bytes);
}

static void add_named(struct text *t, const char *key, const char *value)
{
    add(t, ", \"%s\": ", key);
    add_string(t, value);
}

static void add_no_effect(struct text *t, const struct sc_log_line *line)
{
    const char *names[NAMES_MAX];
    size_t count =
        line->options ? sc_options_without_effect(line->options, line->kinds, names, NAMES_MAX) : 0;
    add(t, ", \"no_effect\": [");
    for (size_t i = 0; i < count; i++) {
        add(t, i ? ", " : "");
        add_string(t, names[i]);
    }
    add(t, "]");
}

static void add_program(struct text *t)
{
    add(t, ", \"pid\": %d", sc_kernel_getpid());
    add_named(t, "program", sc_log_program);
}

static void add_time(struct text *t)
{
    struct timespec now = sc_kernel_now(CLOCK_REALTIME);
    add(t, ", \"time_us\": %lld", (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

static void format(struct text *t, const struct sc_log_line *line)
{
    add(t, "{\"schema\": 1, \"state\": \"%s\", \"socket\": %llu, \"fd\": %d", line->state,
        (unsigned long long)line->socket, line->fd);
    add_named(t, "service", line->service);
    add_named(t, "plane", line->plane);
    add_named(t, "why", line->why);
    add_named(t, "reason", line->reason);
    add_address(t, "peer", line->peer);
    add_bytes(t, "tx_bytes", line->tx_bytes);
    add_bytes(t, "rx_bytes", line->rx_bytes);
    add_no_effect(t, line);
    add_named(t, "kind", line->kind);
    add_named(t, "role", line->role);
    add_named(t, "error", line->error);
    add(t, ", \"unrepaired\": %s", line->unrepaired ? "true" : "false");
    add_address(t, "local", line->local);
    add_program(t);
    add_time(t);
    add(t, "}\n");
}

void sc_log_write(const struct sc_log_line *line)
{
    char bytes[LINE_MAX_BYTES];
    struct text t = {.bytes = bytes, .room = sizeof bytes};
    int kept = errno;
    format(&t, line);
    errno = kept;
    sc_log_append(t.bytes, t.len);
}
