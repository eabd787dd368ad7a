/* What the stack reports goes to the part of scaffoldd that it concerns. */
#ifndef SC_DAEMON_REPORTS_H
#define SC_DAEMON_REPORTS_H

struct sc_daemon;

/* Takes all that there is. */
void sc_reports_take(struct sc_daemon *d);

/* Of the names, too, there is something left for root and the owner when all others have taken what
 * they may: of as many as the router lets this host ask for, or has. */
void sc_reports_share_names(struct sc_daemon *d);

#endif
