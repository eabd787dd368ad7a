/* What stands behind a name, an address of the pool or a service: the question for it, as a LOOKUP
 * asks it, the answer from memory, and what is told in return. */
#ifndef SC_ROUTER_MAPPING_H
#define SC_ROUTER_MAPPING_H

#include "naming/service_name.h"
#include "node/notices.h"
#include "router/pool.h"
#include "wire/control.h"

/* What does not belong to `by` may be NULL or 0. A name that is none is left empty. */
struct sc_control sc_mapping_question(enum sc_lookup_by by, const char *name, uint32_t pool,
                                      const struct sc_service_id *service);

/* A name without its port: mappings are made for whole services. Returns 0 or a negative errno. */
int sc_mapping_name(const char *text, struct sc_service_name *n);

/* From memory; NULL: it is not there. */
struct sc_pool_entry *sc_mapping_find(const struct sc_pool *p, const struct sc_control *question);

/* True for a MAPPING that answers this question, and is true to itself: which service a name is
 * follows from its provider's key, or from the name alone. One that found nothing always is. */
bool sc_mapping_fits(const struct sc_control *answer, const struct sc_control *question);

void sc_mapping_of(const struct sc_pool_entry *e, struct sc_mapping *out);

/* The same as the answer to this question. One service may have two names, its provider's alias and
 * hash: who asks by one is told of that one, of which the entry may not have the key. */
void sc_mapping_answer(const struct sc_pool_entry *e, const struct sc_control *question,
                       struct sc_mapping *out);

/* SC_EVENT_MAPPED; m: NULL where there is an error. */
void sc_mapping_tell(struct sc_notices *to, void *ticket, int error, const struct sc_mapping *m);

#endif
