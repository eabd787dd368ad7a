/* What a router notes of its hosts, for the log of its owner. The stack itself does not log. */
#ifndef SC_ROUTER_NOTES_H
#define SC_ROUTER_NOTES_H

#include "node/notices.h"
#include "router/hosts.h"
#include "wire/control.h"

void sc_notes_host(struct sc_notices *to, enum sc_note_what what, const char *name,
                   const struct sc_underlay *at);
void sc_notes_service(struct sc_notices *to, enum sc_note_what what, const struct sc_host *h,
                      const struct sc_service_id *id);
/* The host may not register the service. */
void sc_notes_denied(struct sc_notices *to, const struct sc_host *h, const struct sc_service_id *id,
                     enum sc_denial why);

#endif
