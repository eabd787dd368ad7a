/* When nobody needs this scaffoldd any more, and who went without a word. */
#ifndef SC_DAEMON_IDLE_H
#define SC_DAEMON_IDLE_H

struct sc_daemon;

/* Before anything that could be told to sc_daemon_on_activity. */
void sc_idle_init(struct sc_daemon *d);

#endif
