"""The names and numbers of the calls that make a program one with sockets."""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NAMING = _words("""
    socket bind connect listen accept accept4 getsockname getpeername getsockopt setsockopt shutdown
    getaddrinfo getaddrinfo_a getnameinfo gethostbyname gethostbyname2 gethostbyaddr gethostbyname_r
    gethostbyname2_r gethostbyaddr_r __connect
""")
"""Calls that make a socket, name an end of it, or look a name up."""

DATA = _words("""
    send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg __send __recv_chk __recvfrom_chk
""")
"""Calls that send and receive, and are for sockets only."""

DESCRIPTOR = _words("""
    socketpair close close_range closefrom _exit _Exit quick_exit dup dup2 dup3 fcntl fcntl64 ioctl
    epoll_ctl pidfd_getfd read readv write writev sendfile sendfile64 __read_chk __close __dup2
    __fcntl __read __write
""")
"""Calls that the shim serves as well, and that programs without a network socket make, too."""

SOCKET = NAMING | DATA

REACHING = (NAMING - _words("socket getaddrinfo_a getnameinfo __connect")) | _words("""
    sendto sendmsg sendmmsg recvfrom recvmsg recvmmsg
""")
"""What ported code takes from libscaffold: whatever would name, shape or answer for the socket
below a service's, and whatever resolves a name."""

NUMBERS: dict[str, frozenset[int]] = {
    "EM_X86_64": frozenset({*range(41, 53), 54, 55, 288, 299, 307}),
    "EM_AARCH64": frozenset({198, *range(200, 213), 242, 243, 269}),
}
"""The same as system calls, by the ELF name of the machine. socketpair is left out here, too."""

IO_URING_NUMBERS = frozenset({425, 426, 427})
"""io_uring_setup and its two companions, which have the same numbers on every machine."""

_URING = "sockets that io_uring itself makes, connects or binds stay the kernel's"
_RESOLVER = "questions that it sends to name servers itself do not find services under the shim"

IO_URING = f"calls io_uring itself: {_URING}"

REMARKS: dict[re.Pattern[str], str] = {
    re.compile(pattern): text
    for pattern, text in {
        r"io_uring_": _URING,
        r"sctp_": "SCTP sockets stay the kernel's",
        r"pcap_": "packet capture sees the underlay, not services",
        r"libnet_": "raw packets stay the kernel's",
        r"(__)?res_n?(query|querydomain|search|send)$": _RESOLVER,
        r"ares_(get|query|search|send)": _RESOLVER,
    }.items()
}
"""Imports, by how they begin, that mean more than the shim serves."""
