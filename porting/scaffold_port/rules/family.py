"""Kind 1: the socket's family."""

from ..c.unit import Unit, Use
from ..questions import elsewhere
from .rule import Rule, is_call, namesake

_OTHER_FAMILIES = frozenset(
    f"{begin}_{name}"
    for begin in ("AF", "PF")
    for name in [
        "UNIX",
        "LOCAL",
        "FILE",
        "NETLINK",
        "ROUTE",
        "KEY",
        "PACKET",
        "LINK",
        "ALG",
        "CAN",
        "BLUETOOTH",
        "VSOCK",
        "TIPC",
        "RDS",
        "XDP",
        "IUCV",
        "X25",
        "AX25",
        "IPX",
        "APPLETALK",
        "DECnet",
        "SNA",
        "IRDA",
        "PPPOX",
        "WANPIPE",
        "LLC",
        "IB",
        "MPLS",
        "IEEE802154",
        "PHONET",
        "RXRPC",
        "ISDN",
        "CAIF",
        "NFC",
        "KCM",
        "QIPCRTR",
        "SMC",
        "MCTP",
        "ASH",
        "ECONET",
        "ATMPVC",
        "ATMSVC",
        "NETROM",
        "BRIDGE",
        "ROSE",
        "NETBEUI",
        "SECURITY",
        "NDRV",
        "SYSTEM",
    ]
)
"""Of other than IP (address_families(7), and other systems'): no service is reached by them."""
_RESERVED = frozenset(
    {"rresvport", "rresvport_af", "bindresvport", "rcmd", "rcmd_af", "rexec", "rexec_af"}
)
"""Bind or connect a socket, and most make it; libscaffold has no namesakes."""


def _judge(use: Use, unit: Unit) -> str | None:
    if not is_call(use) and not use.value:
        return None
    if use.name in _RESERVED:
        return f"`{use.name}` binds or connects a socket of plain IP inside libc"
    if use.arguments and use.arguments[0].strip("( )") in _OTHER_FAMILIES:
        return None
    return f"`{use.name}` makes a socket that may become a service's"


def _ask(use: Use, unit: Unit) -> str:
    return elsewhere(f"`{use.name}` is of libc alone") if use.name in _RESERVED else ""


def _fix(use: Use, unit: Unit) -> str:
    return "" if use.name in _RESERVED else namesake(use, unit)


RULE = Rule(
    id="socket-family",
    kind=1,
    title="A socket is made",
    explanation=(
        "A socket of AF_INET or AF_INET6 may become a service's when it is bound or connected. "
        "scaffold_socket makes it; with AF_SCAFFOLD it speaks to services only. Of a family that "
        "is not IP's, as AF_UNIX or AF_NETLINK, it stays libc's. rresvport, rcmd and rexec make a "
        "socket of plain IP inside libc: scaffold_socket and scaffold_connect take their place."
    ),
    names=frozenset({"socket"}) | _RESERVED,
    judge=_judge,
    fix=_fix,
    ask=_ask,
)
