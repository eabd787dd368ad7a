#include "client/process/memory.h"

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <linux/futex.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "client/process/kernel.h"

#define PAGE 4096 /* the smallest: where pages are larger, some are asked about twice */

/* How far above a frame of ours callers' frames reach; the guard of the next thread's stack is
 * further away than any program's sensible pointer. */
#define STACK_NEAR (256 * 1024)

/* Where the kernel's own half begins on no machine: nothing of a program is below, either. */
#define LOWEST PAGE

/* --- what is there without asking ------------------------------------------------------------- */

static uintptr_t data_start, data_end;

/* The program's own segments; behind them begins the heap. */
__attribute__((constructor(101))) static void find_data(void)
{
    const ElfW(Phdr) *header = (const ElfW(Phdr) *)getauxval(AT_PHDR);
    size_t count = getauxval(AT_PHNUM);
    uintptr_t base = 0;
    for (size_t i = 0; header && i < count; i++)
        if (header[i].p_type == PT_PHDR)
            base = (uintptr_t)header - header[i].p_vaddr;
    for (size_t i = 0; header && i < count; i++) {
        uintptr_t start = base + header[i].p_vaddr;
        if (header[i].p_type != PT_LOAD)
            continue;
        if (data_start == 0)
            data_start = start;
        data_end = start + header[i].p_memsz;
    }
    sbrk(0); /* asks the kernel the first time */
}

static bool is_within(uintptr_t at, size_t n, uintptr_t start, uintptr_t end)
{
    return at >= start && at < end && n <= end - at;
}

static bool is_stack_or_heap(uintptr_t at, size_t n)
{
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
    return is_within(at, n, frame, frame + STACK_NEAR) ||
           is_within(at, n, data_end, (uintptr_t)sbrk(0));
}

/* --- asking ----------------------------------------------------------------------------------- */

/* Pages that were readable when they were asked about: a program's buffers are where they were. */
static uintptr_t readable[256];

/* rt_sigprocmask reads the set before it finds that 0 < how is none of its verbs. */
static bool ask_to_read(uintptr_t at)
{
    uintptr_t page = at / PAGE;
    uintptr_t *place = &readable[page % (sizeof readable / sizeof *readable)];
    if (__atomic_load_n(place, __ATOMIC_RELAXED) == page)
        return true;
    uintptr_t set = at & ~(sizeof(uint64_t) - 1);
    if (sc_kernel(SYS_rt_sigprocmask, -1, set, NULL, sizeof(uint64_t)) < 0 && errno == EFAULT)
        return false;
    __atomic_store_n(place, page, __ATOMIC_RELAXED);
    return true;
}

/* Adds 0 to what is there, in one piece. */
static bool ask_to_write(uintptr_t at)
{
    static uint32_t nobody; /* waits here */
    uintptr_t word = at & ~(sizeof(uint32_t) - 1);
    return sc_kernel(SYS_futex, &nobody, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 0, 0, word,
                     FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 0)) >= 0 ||
           errno != EFAULT;
}

/* Each page of the range. */
static bool ask(uintptr_t at, size_t n, bool (*question)(uintptr_t at))
{
    int kept = errno;
    bool answer = at >= LOWEST && n <= UINTPTR_MAX - at;
    for (uintptr_t end = at + n; answer && at < end; at = (at / PAGE + 1) * PAGE)
        answer = question(at);
    errno = kept;
    return answer;
}

bool sc_memory_is_certain(const void *at, size_t n)
{
    uintptr_t start = (uintptr_t)at;
    return n == 0 || is_stack_or_heap(start, n) || is_within(start, n, data_start, data_end);
}

bool sc_memory_reads(const void *at, size_t n)
{
    return sc_memory_is_certain(at, n) || ask((uintptr_t)at, n, ask_to_read);
}

bool sc_memory_writes(void *at, size_t n)
{
    uintptr_t start = (uintptr_t)at;
    return n == 0 || is_stack_or_heap(start, n) || ask(start, n, ask_to_write);
}

/* --- what calls are given --------------------------------------------------------------------- */

bool sc_memory_reads_address(const void *addr, socklen_t len)
{
    return !addr || (len <= sizeof(struct sockaddr_storage) && sc_memory_reads(addr, len));
}

/* Of a longer one the kernel takes as much as it knows. */
static bool reads_name(const struct msghdr *msg)
{
    socklen_t most = sizeof(struct sockaddr_storage);
    return sc_memory_reads_address(msg->msg_name,
                                   msg->msg_namelen < most ? msg->msg_namelen : most);
}

bool sc_memory_reads_head(const struct msghdr *msg)
{
    return sc_memory_reads(msg, sizeof *msg) && reads_name(msg);
}

bool sc_memory_reads_message(const struct msghdr *msg)
{
    return sc_memory_reads_head(msg) &&
           (msg->msg_iovlen > IOV_MAX ||
            sc_memory_reads(msg->msg_iov, msg->msg_iovlen * sizeof *msg->msg_iov)) &&
           (!msg->msg_control || sc_memory_reads(msg->msg_control, msg->msg_controllen));
}
