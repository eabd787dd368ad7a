/* The handlers of control calls, one for each operation of local/ctl.h: each replies, or has the
 * call wait for what it needs. */
#ifndef SC_DAEMON_CONTROL_HANDLERS_H
#define SC_DAEMON_CONTROL_HANDLERS_H

struct sc_ctl_call;

/* names.c */
void sc_ctl_on_resolve(struct sc_ctl_call *c);
void sc_ctl_on_reverse(struct sc_ctl_call *c);

/* serve.c */
void sc_ctl_on_bind(struct sc_ctl_call *c);
void sc_ctl_on_listen(struct sc_ctl_call *c);
void sc_ctl_on_unlisten(struct sc_ctl_call *c);

/* connect.c */
void sc_ctl_on_prepare(struct sc_ctl_call *c);

/* tools.c */
void sc_ctl_on_flow_error(struct sc_ctl_call *c);
void sc_ctl_on_flow_option(struct sc_ctl_call *c);
void sc_ctl_on_status(struct sc_ctl_call *c);
void sc_ctl_on_stop(struct sc_ctl_call *c);
void sc_ctl_on_invite(struct sc_ctl_call *c);
void sc_ctl_on_forget_host(struct sc_ctl_call *c);
void sc_ctl_on_hello(struct sc_ctl_call *c);

/* keys.c */
void sc_ctl_on_trust(struct sc_ctl_call *c);
void sc_ctl_on_new_provider(struct sc_ctl_call *c);
void sc_ctl_on_grant(struct sc_ctl_call *c);
void sc_ctl_on_install(struct sc_ctl_call *c);

#endif
