#include "client/kernel.h"

#include <errno.h>
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
