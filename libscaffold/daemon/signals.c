#include "daemon/signals.h"

#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/daemon.h"

static void on_signal(struct sc_watch *w, uint32_t events)
{
    struct sc_daemon *d = sc_container(w, struct sc_daemon, signals);
    struct signalfd_siginfo info;
    (void)events;
    while (read(w->fd, &info, sizeof info) == sizeof info) {
        int number = (int)info.ssi_signo;
        if (number == SIGHUP)
            sc_log_file_reopen(&d->log);
        else
            d->loop.stopping = true;
        sc_log(SC_LOG_INFO, "SIG%s from pid %u, uid %u", sigabbrev_np(number), info.ssi_pid,
               info.ssi_uid);
    }
}

int sc_signals_open(struct sc_daemon *d)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (*d->config.log_file)
        sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    d->signals =
        (struct sc_watch){.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), .ready = on_signal};
    return d->signals.fd < 0 ? -1 : sc_loop_watch(&d->loop, &d->signals, EPOLLIN);
}

void sc_signals_close(struct sc_daemon *d)
{
    close(d->signals.fd);
}
