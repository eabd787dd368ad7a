/* Which services a grant is about: those of its provider whose labels its pattern covers, at its
 * ports. A pattern is a label, `*` for every one, or `*.suffix` for those that end in `.suffix`.
 * Pure. */
#ifndef SC_NAMING_SCOPE_H
#define SC_NAMING_SCOPE_H

#include "base/service_id.h"
#include "crypto/grant.h"

/* True for a label, `*` and `*.suffix`. */
bool sc_scope_is_pattern(const char *text);

/* Whether the pattern covers the label of this id. `label` is its text, or NULL where nobody here
 * knows it: then its hash is all there is, which no suffix can be found in. */
bool sc_scope_covers_label(const char *pattern, const struct sc_service_id *id, const char *label);

/* Whether the grant lets its host serve this. Port and protocol 0 stand for all. */
bool sc_scope_may_serve(const struct sc_grant *g, const struct sc_service_id *id,
                        const char *label);

#endif
