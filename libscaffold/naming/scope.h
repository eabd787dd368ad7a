/* Which services a grant is about: those of its provider whose labels its pattern covers, at its
 * ports. A pattern is a label, `*` for every one, or `*.suffix` for those that end in `.suffix`.
 * Pure. */
#ifndef SC_NAMING_SCOPE_H
#define SC_NAMING_SCOPE_H

#include "base/service_id.h"
#include "crypto/grant.h"

/* An alias, or a provider's hash: a part of a name (RFC 1035, 2.3.4). */
#define SC_SCOPE_PROVIDER 63

/* True for a label, `*` and `*.suffix`. */
bool sc_scope_is_pattern(const char *text);

/* "PATTERN.PROVIDER", or with `.scaffold` behind it: its two parts, in small letters. False: it is
 * neither, or the pattern is none. */
bool sc_scope_read(const char *text, char pattern[SC_GRANT_PATTERN_MAX + 1],
                   char provider[SC_SCOPE_PROVIDER + 1]);

/* Whether the pattern covers the label of this id. `label` is its text, or NULL where nobody here
 * knows it: then its hash is all there is, which no suffix can be found in. */
bool sc_scope_covers_label(const char *pattern, const struct sc_service_id *id, const char *label);

/* Whether the grant lets its host serve this. Port and protocol 0 stand for all. */
bool sc_scope_may_serve(const struct sc_grant *g, const struct sc_service_id *id,
                        const char *label);

#endif
