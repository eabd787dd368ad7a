#include "trap/filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#error "trap: this machine's system calls are not known"
#endif

/* Newer than the oldest kernel headers that build this (Linux 5.19). */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

#define LOAD(field)                                                                                \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, field))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, action)
#define IF_EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no)

/* Handed over always. */
#define TRAP(name) IF_EQUAL(SYS_##name, 0, 1), RETURN(SECCOMP_RET_USER_NOTIF)

/* Handed over with a request of this range, which is the second argument; both ends belong to it.
 */
#define TRAP_REQUESTS(name, first, last)                                                           \
    IF_EQUAL(SYS_##name, 0, 5), LOAD(args[1]), BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, first, 0, 2),   \
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, last, 1, 0), RETURN(SECCOMP_RET_USER_NOTIF), LOAD(nr)

/* Handed over with an address only, which is the fifth argument: a plain send or recv is the
 * kernel's. Both halves of the pointer are looked at. */
#define TRAP_ADDRESSED(name)                                                                       \
    IF_EQUAL(SYS_##name, 0, 6), LOAD(args[4]), IF_EQUAL(0, 0, 3),                                  \
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, args[4]) + 4),  \
        IF_EQUAL(0, 0, 1), RETURN(SECCOMP_RET_ALLOW), RETURN(SECCOMP_RET_USER_NOTIF)

/* And those with flags that mean something else to AF_UNIX, which are the fourth. */
#define TRAP_FLAGGED(name, flags)                                                                  \
    IF_EQUAL(SYS_##name, 0, 3), LOAD(args[3]), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, flags, 0, 1),  \
        RETURN(SECCOMP_RET_USER_NOTIF), LOAD(nr)

static const struct sock_filter program[] = {
    /* Another architecture's calls (a 32-bit program) have other numbers: they stay the kernel's.
     */
    LOAD(arch),
    IF_EQUAL(ARCH, 1, 0),
    RETURN(SECCOMP_RET_ALLOW),
    LOAD(nr),
    TRAP(connect),
    TRAP(bind),
    TRAP(listen),
    TRAP(accept4),
#ifdef SYS_accept
    TRAP(accept),
#endif
    TRAP(getsockname),
    TRAP(getpeername),
    TRAP(getsockopt),
    TRAP(setsockopt),
    TRAP(shutdown),
    TRAP(sendmsg),
    TRAP(sendmmsg),
    TRAP(recvmsg),
    TRAP(recvmmsg),
    TRAP_ADDRESSED(sendto),
    TRAP_REQUESTS(ioctl, SIOCOUTQ, SIOCOUTQ),
    TRAP_REQUESTS(ioctl, SIOCGIFNAME, SIOCGIFCOUNT),
    TRAP_FLAGGED(recvfrom, MSG_TRUNC | MSG_ERRQUEUE),
    TRAP_ADDRESSED(recvfrom),
    RETURN(SECCOMP_RET_ALLOW),
};

int sc_trap_filter_install(void)
{
    struct sock_fprog filter = {.len = sizeof program / sizeof *program,
                                .filter = (struct sock_filter *)(void *)program};
    /* Without privileges of its own a filter is for programs that cannot gain any. */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    /* Killable: once the supervisor has taken a call, only death interrupts it; a signal would
     * otherwise restart a connect that is under way (Go sends itself signals all the time). */
    long fd =
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &filter);
    return fd < 0 ? -errno : (int)fd;
}
