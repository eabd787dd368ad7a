/* libc's syscall(): programs and libraries (libuv, for one) reach socket calls by number, too.
 *
 * An assembly stub, since nothing may stand on the stack between the kernel and a caller of vfork,
 * or of a clone that shares the memory: the numbers below go to C, all others straight on, also
 * those that we have never heard of. */
#include "client/client.h"
#include "client/process/kernel.h"
#include "exec.h"

#if defined(__x86_64__) || defined(__aarch64__)

/* NUMBER(name, how it is answered); a to f are the arguments. */
#define P(type, x) ((type)(x))
#define SERVED                                                                                     \
    NUMBER(socket, sc_socket(P(int, a), P(int, b), P(int, c)))                                     \
    NUMBER(socketpair, sc_socketpair(P(int, a), P(int, b), P(int, c), P(int *, d)))                \
    NUMBER(connect, sc_connect(P(int, a), P(void *, b), P(socklen_t, c)))                          \
    NUMBER(bind, sc_bind(P(int, a), P(void *, b), P(socklen_t, c)))                                \
    NUMBER(listen, sc_listen(P(int, a), P(int, b)))                                                \
    NUMBER(accept, sc_accept(P(int, a), P(void *, b), P(void *, c)))                               \
    NUMBER(accept4, sc_accept4(P(int, a), P(void *, b), P(void *, c), P(int, d)))                  \
    NUMBER(getsockname, sc_getsockname(P(int, a), P(void *, b), P(void *, c)))                     \
    NUMBER(getpeername, sc_getpeername(P(int, a), P(void *, b), P(void *, c)))                     \
    NUMBER(getsockopt, sc_getsockopt(P(int, a), P(int, b), P(int, c), P(void *, d), P(void *, e))) \
    NUMBER(setsockopt,                                                                             \
           sc_setsockopt(P(int, a), P(int, b), P(int, c), P(void *, d), P(socklen_t, e)))          \
    NUMBER(shutdown, sc_shutdown(P(int, a), P(int, b)))                                            \
    NUMBER(sendto, sc_sendto(P(int, a), P(void *, b), P(size_t, c), P(int, d), P(void *, e),       \
                             P(socklen_t, f)))                                                     \
    NUMBER(recvfrom, sc_recvfrom(P(int, a), P(void *, b), P(size_t, c), P(int, d), P(void *, e),   \
                                 P(void *, f)))                                                    \
    NUMBER(sendmsg, sc_sendmsg(P(int, a), P(void *, b), P(int, c)))                                \
    NUMBER(recvmsg, sc_recvmsg(P(int, a), P(void *, b), P(int, c)))                                \
    NUMBER(sendmmsg, sc_sendmmsg(P(int, a), P(void *, b), P(unsigned, c), P(int, d)))              \
    NUMBER(recvmmsg,                                                                               \
           sc_recvmmsg(P(int, a), P(void *, b), P(unsigned, c), P(int, d), P(void *, e)))          \
    NUMBER(read, sc_read(P(int, a), P(void *, b), P(size_t, c)))                                   \
    NUMBER(readv, sc_readv(P(int, a), P(void *, b), P(int, c)))                                    \
    NUMBER(write, sc_write(P(int, a), P(void *, b), P(size_t, c)))                                 \
    NUMBER(writev, sc_writev(P(int, a), P(void *, b), P(int, c)))                                  \
    NUMBER(close, sc_close(P(int, a)))                                                             \
    NUMBER(dup, sc_dup(P(int, a)))                                                                 \
    NUMBER(dup3, sc_dup3(P(int, a), P(int, b), P(int, c)))                                         \
    NUMBER(pidfd_getfd, sc_pidfd_getfd(P(int, a), P(int, b), P(unsigned, c)))                      \
    NUMBER(fcntl, sc_fcntl(P(int, a), P(int, b), P(void *, c)))                                    \
    NUMBER(ioctl, sc_ioctl(P(int, a), P(unsigned long, b), P(void *, c)))                          \
    NUMBER(epoll_ctl, sc_epoll_ctl(P(int, a), P(int, b), P(int, c), P(void *, d)))                 \
    NUMBER(execve, shim_entry_execve(P(char *, a), P(char *const *, b), P(char *const *, c)))      \
    NUMBER(execveat, shim_entry_execveat(P(int, a), P(char *, b), P(char *const *, c),             \
                                         P(char *const *, d), P(int, e)))

#ifdef SYS_dup2 /* where there is no dup2, libc's is dup3 */
#define SERVED_DUP2 NUMBER(dup2, sc_dup2(P(int, a), P(int, b)))
#else
#define SERVED_DUP2
#endif

#ifdef SYS_fork
#define FORKS [SYS_fork] = 2, [SYS_clone] = 2, [SYS_clone3] = 2
#else
#define FORKS [SYS_clone] = 2, [SYS_clone3] = 2
#endif

/* Read by the stub: one byte for each number below 512; the socket calls of both machines are. 1:
 * served here; 2: may be a fork, which is asked first (forks.c). */
#define NUMBER(name, call) [SYS_##name] = 1,
__attribute__((visibility("hidden"), used))
const unsigned char shim_served[512] = {SERVED SERVED_DUP2 FORKS};
#undef NUMBER

__attribute__((visibility("hidden"), used)) long shim_call(long number, long a, long b, long c,
                                                           long d, long e, long f);

#define NUMBER(name, call)                                                                         \
    case SYS_##name:                                                                               \
        return call;
long shim_call(long number, long a, long b, long c, long d, long e, long f)
{
    switch (number) {
        SERVED
        SERVED_DUP2
    default:
        return sc_kernel(number, a, b, c, d, e, f);
    }
}

#if defined(__x86_64__)
__asm__(".text\n"
        ".globl syscall\n"
        ".type syscall, @function\n"
        "syscall:\n"
        "    endbr64\n"
        "    cmpq $512, %rdi\n"
        "    jae sc_kernel\n"
        "    leaq shim_served(%rip), %rax\n"
        "    cmpb $1, (%rax,%rdi)\n"
        "    jb sc_kernel\n"
        "    je shim_call\n"
        "    pushq %rdi\n"
        "    pushq %rsi\n"
        "    pushq %rdx\n"
        "    pushq %rcx\n"
        "    pushq %r8\n"
        "    pushq %r9\n"
        "    subq $8, %rsp\n"
        "    call shim_copies_memory\n"
        "    addq $8, %rsp\n"
        "    popq %r9\n"
        "    popq %r8\n"
        "    popq %rcx\n"
        "    popq %rdx\n"
        "    popq %rsi\n"
        "    popq %rdi\n"
        "    testl %eax, %eax\n"
        "    jz sc_kernel\n"
        "    jmp shim_fork\n"
        ".size syscall, . - syscall\n");
#else
__asm__(".text\n"
        ".globl syscall\n"
        ".type syscall, %function\n"
        "syscall:\n"
        "    cmp x0, #512\n"
        "    b.hs 1f\n"
        "    adrp x9, shim_served\n"
        "    add x9, x9, :lo12:shim_served\n"
        "    ldrb w9, [x9, x0]\n"
        "    cbz w9, 1f\n"
        "    cmp w9, #2\n"
        "    b.eq 2f\n"
        "    b shim_call\n"
        "1:  b sc_kernel\n"
        "2:  stp x29, x30, [sp, #-80]!\n"
        "    mov x29, sp\n"
        "    stp x0, x1, [sp, #16]\n"
        "    stp x2, x3, [sp, #32]\n"
        "    stp x4, x5, [sp, #48]\n"
        "    str x6, [sp, #64]\n"
        "    bl shim_copies_memory\n"
        "    mov w9, w0\n"
        "    ldp x0, x1, [sp, #16]\n"
        "    ldp x2, x3, [sp, #32]\n"
        "    ldp x4, x5, [sp, #48]\n"
        "    ldr x6, [sp, #64]\n"
        "    ldp x29, x30, [sp], #80\n"
        "    cbz w9, 1b\n"
        "    b shim_fork\n"
        ".size syscall, . - syscall\n");
#endif

#endif
