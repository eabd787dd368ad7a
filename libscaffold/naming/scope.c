#include "naming/scope.h"

#include <ctype.h>

#include "naming/provider.h"
#include "naming/service_name.h"

#define LABEL_AT SC_PROVIDER_LEN
#define LABEL_LEN 8

bool sc_scope_is_pattern(const char *text)
{
    char name[SC_NAME_MAX + 1];
    struct sc_service_name n;
    if (strcmp(text, "*") == 0)
        return true;
    if (strncmp(text, "*.", 2) == 0)
        text += 2;
    /* a label is what is one in front of a provider */
    size_t len = strnlen(text, sizeof name);
    if (len == 0 || len + sizeof ".x.scaffold" > sizeof name)
        return false;
    memcpy(name, text, len);
    memcpy(name + len, ".x.scaffold", sizeof ".x.scaffold");
    return sc_service_name_read(name, &n, NULL) == 0 && strcmp(n.label, text) == 0;
}

bool sc_scope_read(const char *text, char pattern[SC_GRANT_PATTERN_MAX + 1],
                   char provider[SC_SCOPE_PROVIDER + 1])
{
    static const char suffix[] = ".scaffold";
    size_t len = strlen(text), tail = sizeof suffix - 1;
    char both[SC_NAME_MAX + 1];
    if (len > SC_NAME_MAX)
        return false;
    for (size_t i = 0; i <= len; i++)
        both[i] = (char)tolower((unsigned char)text[i]);
    if (len > tail && strcmp(both + len - tail, suffix) == 0)
        both[len - tail] = 0;
    char *dot = strrchr(both, '.');
    if (!dot || !dot[1] || dot - both > SC_GRANT_PATTERN_MAX || strlen(dot + 1) > SC_SCOPE_PROVIDER)
        return false;
    *dot = 0;
    strcpy(pattern, both);
    strcpy(provider, dot + 1);
    return sc_scope_is_pattern(pattern);
}

static bool ends_in(const char *label, const char *suffix)
{
    size_t len = strlen(label), tail = strlen(suffix);
    return len > tail && strcmp(label + len - tail, suffix) == 0;
}

/* The same half of two ids. */
static bool has_label(const struct sc_service_id *id, const char *label)
{
    static const uint8_t any[SC_PROVIDER_LEN];
    struct sc_service_name n = {0};
    struct sc_service_id other;
    strncpy(n.label, label, sizeof n.label - 1);
    sc_service_name_to_id(&n, any, &other);
    return memcmp(id->bytes + LABEL_AT, other.bytes + LABEL_AT, LABEL_LEN) == 0;
}

bool sc_scope_covers_label(const char *pattern, const struct sc_service_id *id, const char *label)
{
    if (strcmp(pattern, "*") == 0)
        return true;
    if (strncmp(pattern, "*.", 2) == 0)
        return label && ends_in(label, pattern + 1);
    return label ? strcmp(pattern, label) == 0 : has_label(id, pattern);
}

static bool covers_port(const struct sc_grant *g, const struct sc_service_id *id)
{
    uint16_t port = sc_service_id_port(id);
    uint8_t proto = sc_service_id_proto(id);
    bool every = g->first_port == 0 && g->last_port == UINT16_MAX;
    return (every || (port >= g->first_port && port <= g->last_port && port > 0)) &&
           (g->proto == 0 || g->proto == proto);
}

bool sc_scope_may_serve(const struct sc_grant *g, const struct sc_service_id *id, const char *label)
{
    uint8_t provider[SC_PROVIDER_LEN];
    sc_provider_of_key(g->provider, provider);
    return (g->flags & SC_GRANT_SERVE) && memcmp(id->bytes, provider, sizeof provider) == 0 &&
           covers_port(g, id) && sc_scope_covers_label(g->pattern, id, label);
}
