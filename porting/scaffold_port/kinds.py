"""The fifteen kinds of change that a port to services needs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of change."""

    number: int
    name: str
    title: str


KINDS = (
    Kind(1, "family", "Socket family"),
    Kind(2, "address", "Address construction, and an option to name the service"),
    Kind(3, "resolver", "Loops over getaddrinfo and gethostbyname"),
    Kind(4, "size", "Sizes of address buffers, and casts"),
    Kind(5, "printing", "Addresses printed, logged, and used as keys of access lists"),
    Kind(6, "names", "Users of getpeername and getsockname"),
    Kind(7, "bind-first", "Clients that bind before they connect"),
    Kind(8, "datagram", "UDP servers that must answer the very client that asked"),
    Kind(9, "call", "Calls with a new name"),
    Kind(10, "option", "Options whose refusal must not be fatal"),
    Kind(11, "port", "Logic that depends on port numbers"),
    Kind(12, "loops", "Loops over AF_UNSPEC and IPv6, and multicast"),
    Kind(13, "fork", "Servers that fork for each connection"),
    Kind(14, "non-blocking", "Non-blocking connect with POLLOUT and SO_ERROR"),
    Kind(15, "partition", "Clients that choose among servers by a key"),
)


def kind(number: int) -> Kind:
    """The kind of this number, from 1 to 15."""
    return KINDS[number - 1]
