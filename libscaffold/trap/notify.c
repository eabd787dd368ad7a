#include "trap/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A newer kernel may write more than the structure that this was built with. */
#define ROOM 256
_Static_assert(sizeof(struct seccomp_notif) <= ROOM, "a notification fits");
_Static_assert(sizeof(struct seccomp_notif_resp) <= ROOM, "an answer fits");

struct sc_trap_call *sc_trap_call_receive(int notify)
{
    _Alignas(struct seccomp_notif) char room[ROOM] = {0};
    const struct seccomp_notif *n = (const struct seccomp_notif *)(const void *)room;
    if (ioctl(notify, SECCOMP_IOCTL_NOTIF_RECV, room) < 0)
        return NULL;
    struct sc_trap_call *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    *c = (struct sc_trap_call){
        .id = n->id, .tid = (pid_t)n->pid, .nr = n->data.nr, .fd = -1, .kept = -1};
    memcpy(c->args, n->data.args, sizeof c->args);
    return c;
}

bool sc_trap_call_is_valid(int notify, const struct sc_trap_call *c)
{
    return ioctl(notify, SECCOMP_IOCTL_NOTIF_ID_VALID, &c->id) == 0;
}

/* ENOENT: the caller is gone, and with it the question. */
static void respond(int notify, const struct seccomp_notif_resp *r)
{
    _Alignas(struct seccomp_notif_resp) char room[ROOM] = {0};
    memcpy(room, r, sizeof *r);
    ioctl(notify, SECCOMP_IOCTL_NOTIF_SEND, room);
}

void sc_trap_call_answer(int notify, const struct sc_trap_call *c, int64_t value, int error)
{
    struct seccomp_notif_resp r = {.id = c->id, .val = error ? 0 : value, .error = -error};
    respond(notify, &r);
}

void sc_trap_call_continue(int notify, const struct sc_trap_call *c)
{
    struct seccomp_notif_resp r = {.id = c->id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    respond(notify, &r);
}

int sc_trap_call_put(int notify, const struct sc_trap_call *c, int fd, int at, bool cloexec)
{
    struct seccomp_notif_addfd add = {.id = c->id,
                                      .flags = SECCOMP_ADDFD_FLAG_SETFD,
                                      .srcfd = (uint32_t)fd,
                                      .newfd = (uint32_t)at,
                                      .newfd_flags = cloexec ? O_CLOEXEC : 0};
    return ioctl(notify, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0 ? -errno : 0;
}

int sc_trap_call_add(int notify, const struct sc_trap_call *c, int fd, bool cloexec)
{
    struct seccomp_notif_addfd add = {
        .id = c->id, .srcfd = (uint32_t)fd, .newfd_flags = cloexec ? O_CLOEXEC : 0};
    int number = ioctl(notify, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
    return number < 0 ? -errno : number;
}
