#include "client/process/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__aarch64__)

/* What the assembly below does with the kernel's -4095 to -1. */
__attribute__((visibility("hidden"), used)) long sc_kernel_failed(long result);

long sc_kernel_failed(long result)
{
    errno = (int)-result;
    return -1;
}
#endif

#if defined(__x86_64__)

/* System V ABI, A.2: the kernel wants its number in rax and arguments in rdi, rsi, rdx, r10, r8,
 * r9; ours stand one further, the sixth on the stack. */
__asm__(".text\n"
        ".globl sc_kernel\n"
        ".hidden sc_kernel\n"
        ".type sc_kernel, @function\n"
        "sc_kernel:\n"
        "    endbr64\n"
        "    movq %rdi, %rax\n"
        "    movq %rsi, %rdi\n"
        "    movq %rdx, %rsi\n"
        "    movq %rcx, %rdx\n"
        "    movq %r8, %r10\n"
        "    movq %r9, %r8\n"
        "    movq 8(%rsp), %r9\n"
        "    syscall\n"
        "    cmpq $-4095, %rax\n"
        "    jae 1f\n"
        "    ret\n"
        "1:  movq %rax, %rdi\n"
        "    jmp sc_kernel_failed\n"
        ".size sc_kernel, . - sc_kernel\n");

#elif defined(__aarch64__)

__asm__(".text\n"
        ".globl sc_kernel\n"
        ".hidden sc_kernel\n"
        ".type sc_kernel, %function\n"
        "sc_kernel:\n"
        "    mov x8, x0\n"
        "    mov x0, x1\n"
        "    mov x1, x2\n"
        "    mov x2, x3\n"
        "    mov x3, x4\n"
        "    mov x4, x5\n"
        "    mov x5, x6\n"
        "    svc #0\n"
        "    cmn x0, #4095\n"
        "    b.cs sc_kernel_failed\n"
        "    ret\n"
        ".size sc_kernel, . - sc_kernel\n");

#else

#include <stdarg.h>

/* Elsewhere the shim leaves libc's syscall alone. */
long sc_kernel(long number, ...)
{
    long a[6];
    va_list args;
    va_start(args, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(args, long);
    va_end(args);
    return syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

#endif

/* --- calls by name ---------------------------------------------------------------------------- */

pid_t sc_kernel_getpid(void)
{
    return (pid_t)sc_kernel(SYS_getpid);
}

int sc_kernel_open(const char *path, int flags)
{
    return (int)sc_kernel(SYS_openat, AT_FDCWD, path, flags, 0);
}

#ifdef SYS_newfstatat /* fills the struct stat of libc; 32-bit machines have another one */
static int stat_at(int fd, const char *path, struct stat *st, int flags)
{
    return (int)sc_kernel(SYS_newfstatat, fd, path, st, flags);
}
#else
static int stat_at(int fd, const char *path, struct stat *st, int flags)
{
    return fstatat(fd, path, st, flags);
}
#endif

int sc_kernel_stat(const char *path, struct stat *st)
{
    return stat_at(AT_FDCWD, path, st, 0);
}

int sc_kernel_fstat(int fd, struct stat *st)
{
    return stat_at(fd, "", st, AT_EMPTY_PATH);
}

struct timespec sc_kernel_now(clockid_t clock)
{
    struct timespec now = {0};
    sc_kernel(SYS_clock_gettime, clock, &now);
    return now;
}

void sc_kernel_raise(int signal)
{
    sc_kernel(SYS_tgkill, sc_kernel(SYS_getpid), sc_kernel(SYS_gettid), signal);
}

short sc_kernel_poll_now(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    struct timespec at_once = {0};
    int kept = errno;
    long ready = sc_kernel(SYS_ppoll, &p, 1, &at_once, NULL, 0);
    errno = kept;
    return ready == 1 ? p.revents : 0;
}
