"""Where AF_UNIX is not TCP or UDP: one row per known difference between the socket that a program
believes to have and the one that the model gives it. Every row has checks, or says which test
outside of the table is its evidence.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One difference that has to be bridged."""

    text: str
    elsewhere: str = ""
    """The test that shows it, where a check of two sockets cannot."""


ROWS: dict[str, Row] = {
    "free": Row("What AF_UNIX does as TCP does, without help"),
    # --- what has to be done for streams ---
    "names": Row("getsockname, getpeername, and the addresses of accept"),
    "domain": Row("SO_DOMAIN, SO_TYPE, SO_PROTOCOL"),
    "options": Row("Options of IP, IPv6 and TCP: set, reported, inherited"),
    "so-error": Row("SO_ERROR after a non-blocking connect: the errno, once"),
    "nonblocking-connect": Row("A non-blocking connect is EINPROGRESS, then writable"),
    "edge-at-open": Row("An edge of epoll when the flow opens"),
    "blocking-connect": Row("A blocking connect: its timeout, its interruption"),
    "connected-connect": Row("connect on what is connected or listens"),
    "disconnect": Row("connect to AF_UNSPEC"),
    "unconnected": Row("Calls on a socket that is not connected"),
    "sendto": Row("sendto with an address on a stream"),
    "reset": Row("A reset is ECONNRESET and 0x201d, never an end"),
    "linger": Row("SO_LINGER of 0 s"),
    "first-send": Row("The first send after the peer closed"),
    "peer-shut-rd": Row("SHUT_RD, at either end"),
    "shutdown-reset": Row("shutdown after a reset"),
    "lowat": Row("SO_RCVLOWAT in poll"),
    "default-buffers": Row("Buffers that nobody asked for"),
    "small-writes": Row("Writes of one byte"),
    "outq": Row("SIOCOUTQ"),
    "drain": Row("What send took arrives after close or exit"),
    "discard": Row("recv into nowhere"),
    "forks": Row("Forks while a socket becomes a service's"),
    "credentials": Row(
        "SO_PEERCRED, SO_PASSCRED and their like; asked without the shim, they show scaffoldd"
    ),
    "rights": Row("Control messages inside a flow: descriptors, credentials"),
    "reuseport": Row("SO_REUSEPORT"),
    "interfaces": Row("ioctls about interfaces"),
    "backlog": Row("The backlog, and connects beyond it"),
    "address-in-use": Row("EADDRINUSE, and ports of the kernel's choice"),
    "dual-stack": Row("IPv6 sockets and IPv4 addresses"),
    "loopback-net": Row("Addresses of 127/8 other than 127.0.0.1"),
    "own-addresses": Row("Addresses of the host's own interfaces"),
    "self-connect": Row("A socket that connects to itself"),
    "shutdown-listener": Row("shutdown of a listener"),
    "flags": Row("Flags of sending and receiving, which AF_UNIX ignores or means otherwise"),
    "pointers": Row("Pointers that are nobody's: EFAULT"),
    "cork": Row("TCP_CORK and MSG_MORE"),
    "io-uring": Row(
        "io_uring's socket, connect, bind, listen", "named in {doc}`shim`; the kernel's sockets"
    ),
    # --- what has to be done for datagrams ---
    "udp-addresses": Row("Datagrams carry addresses, and keep their boundaries"),
    "udp-empty": Row("An empty datagram is no end"),
    "udp-close": Row("Closing a datagram socket"),
    "udp-send": Row("Sending never waits"),
    "udp-size": Row("EMSGSIZE"),
    "udp-refused": Row("ECONNREFUSED on the next call"),
    "udp-control": Row("PKTINFO, TOS, TTL, time stamps, the error queue, multicast"),
    "udp-pieces": Row("UDP_SEGMENT, UDP_GRO, UDP_CORK and MSG_MORE"),
    "udp-reply": Row("Servers that answer from another socket (iperf, in.tftpd)"),
    # --- further differences ---
    "send-after-reset": Row("The first write after a reset, by whatever call"),
    "edges": Row("Edges for room while the peer reads"),
    "restart": Row("connect and SA_RESTART"),
    "connecting-send": Row("Calls while the connect goes on"),
    "dangerous-options": Row("Options that must not be faked"),
    "connect-again": Row("connect after a refusal"),
    "swap-limit": Row("At the limit of descriptors"),
    "stale-duplicate": Row("Registrations of duplicates"),
    "connecting-name": Row("getpeername while the connect goes on"),
    "tcp-info": Row("TCP_INFO"),
    "syscall-stub": Row("vfork and posix_spawn"),
    "asan": Row("A program built with AddressSanitizer", "`tests/python/test_cli.py`"),
    "redirect": Row(
        "The redirect header under FORTIFY and large files", "`tests/client/test_redirect.py`"
    ),
    "control-path": Row("chroot, setuid and namespaces before connect or accept"),
    "netns": Row(
        "Hosts that share /run", "`tests/e2e/test_failures.py`: the control name is abstract"
    ),
    # --- the conditions that real programs set ---
    "A1": Row("sendfile's pages are pinned by the byte that is left unread"),
    "A2": Row("The plug and a small SO_SNDBUF"),
    "A3": Row("Registrations with epoll made before connect or listen"),
    "A4": Row("The number, its flags, and who sees it when"),
    "A5": Row(
        "The plug has arrived before the flow opens",
        "`connect.*`: each flow is plugged whose program has it before",
    ),
    "A6": Row("Urgent data"),
    "A7": Row("A reset before accept"),
    "A8": Row("A server without the shim"),
    "A9": Row("SO_LINGER of the client, MSG_FASTOPEN"),
    "A10": Row("SO_REUSEPORT and ports of the kernel's choice"),
    "A11": Row("bind, then connect"),
    "A12": Row("FORTIFY's recv"),
    "A13": Row("Names carry no permission"),
    "A14": Row("Programs that clear their environment"),
    "A15": Row("A refused socket's name, and its next attempt"),
    "A16": Row("Options set before connect"),
    # --- what is left ---
    "B1": Row("Loopback TCP delivers inside send"),
    "B2": Row("read and write after a refused connect"),
    "B3": Row("A reset before SO_ERROR was asked for"),
    "B4": Row("Buffers that were asked for"),
    "B5": Row("Made here, connected by a child"),
    "B6": Row("An end, then a send that draws a reset"),
    "B7": Row("Two bound sockets with SO_REUSEADDR"),
    "B8": Row("connect to AF_UNSPEC resets"),
    "B9": Row("/proc/net/tcp"),
}
