/* Signals as events: SIGTERM and SIGINT end scaffoldd. SIGHUP is logrotate's word where there is a
 * log file; in the foreground of a terminal that goes away it ends scaffoldd, as it does any
 * program. */
#ifndef SC_DAEMON_SIGNALS_H
#define SC_DAEMON_SIGNALS_H

struct sc_daemon;

/* Returns 0 or a negative number. */
int sc_signals_open(struct sc_daemon *d);
void sc_signals_close(struct sc_daemon *d);

#endif
