/* When nobody needs this scaffoldd any more, and who went without a word. */
#ifndef SC_DAEMON_IDLE_H
#define SC_DAEMON_IDLE_H

struct sc_daemon;

void sc_idle_init(struct sc_daemon *d);

/* At the end of a turn: what sc_daemon_on_activity was called for. */
void sc_idle_update(struct sc_daemon *d);

#endif
