"""What the shim takes from libc: functions that no other preload library has a reason to stand
before, and that neither lock nor ask anybody. Its own business is done by system calls."""

import subprocess

from scaffold import paths
from shim.shim_file import shim

ALLOWED = {
    "text and memory, pure": """
        memchr memcmp memcpy memmem memmove memset stpcpy strcasecmp strcat strchr strcmp strcpy
        strcspn strlen strncasecmp strncmp strnlen strrchr strspn strerror strerrordesc_np
        strerrorname_np gai_strerror snprintf vsnprintf
        inet_addr inet_aton inet_ntoa inet_ntop inet_pton in6addr_loopback""",
    "what compilers and FORTIFY add to these": """
        __chk_fail __cxa_finalize __memcpy_chk __snprintf_chk __stack_chk_fail __vsnprintf_chk
        _ITM_deregisterTMCloneTable _ITM_registerTMCloneTable __gmon_start__""",
    "the thread's own": "__errno_location __h_errno_location",
    "cancellation of a connect that waits": """
        __pthread_register_cancel __pthread_unregister_cancel __pthread_unwind_next
        __sigsetjmp pthread_testcancel""",
    "read once, by constructors": """
        __progname __register_atfork dladdr dlopen dlsym getauxval getenv
        program_invocation_short_name""",
    "what exec takes from libc, too, when it is called": "__environ environ getenv",
    "the heap's end, which libc knows without asking": "sbrk",
    "lists of addresses, which libc's freeaddrinfo frees": "calloc free freeaddrinfo strdup",
}


def imported(library: str) -> set[str]:
    command = ["nm", "-D", "--undefined-only", str(paths.part(library))]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {line.split()[-1].partition("@")[0] for line in text.splitlines()}


def test_imports() -> None:
    allowed = {name for names in ALLOWED.values() for name in names.split()}
    assert imported(shim()) - allowed == set()
