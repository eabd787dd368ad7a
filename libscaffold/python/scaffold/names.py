"""Names of services and addresses of flows, between Python's shapes and the library's."""

import errno
import operator
import re
import socket as _socket
import struct
from typing import Any

from ._native import ffi, lib
from .errors import InvalidName, error_for, line_for, name_error

AF_SCAFFOLD: int = lib.AF_SCAFFOLD
"""Address family of sockets that speak to services only."""

Address = str | tuple[Any, ...]
"""`"web.acme.scaffold:80"`, `("web.acme.scaffold", 80)`, or what `socket.socket` takes."""

_SUFFIX = ".scaffold"
_PART = re.compile("[a-z0-9-]*")
_ADDRESS_IN_ID = slice(28, 30)  # the port, in network order, inside a ServiceID


def is_service(name: object) -> bool:
    """True for text under `.scaffold`, well-formed or not, with or without a port."""
    if not isinstance(name, str):
        return False
    host = name.partition(":")[0].rstrip(".").lower()
    return host.endswith(".scaffold") or host == "scaffold"


def split_service(text: str) -> tuple[str, int, str]:
    """`"web.acme.scaffold:80/udp"` becomes `("web.acme.scaffold", 80, "udp")`.

    A missing port is 0 (all ports of the service), a missing protocol is "tcp". Raises InvalidName.
    """
    host, colon, rest = text.partition(":")
    port, slash, proto = rest.partition("/")
    host = host.lower().removesuffix(".")
    why = _fault(host)
    if colon and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        why = "the port is a number from 1 to 65535"
    elif slash and proto.lower() not in ("tcp", "udp"):
        why = "the protocol is tcp or udp"
    if why:
        raise InvalidName(
            errno.EINVAL,
            f"{text!r}: {why}; a service is written label.provider.scaffold[:port[/proto]]",
        )
    return host, int(port) if port else 0, proto.lower() or "tcp"


def _fault(host: str) -> str | None:
    """What is wrong with the name of a service, in scaffoldd's words; a test holds them together."""
    if len(host) > 253:
        return "the name is longer than 253 characters"
    if not host.endswith(_SUFFIX) or host == _SUFFIX:
        return "a service's name ends in .scaffold"
    parts = host.removesuffix(_SUFFIX).split(".")
    for part in parts:
        if not part:
            return "a part of the name is empty"
        if len(part) > 63:
            return "a part of the name is longer than 63 characters"
        if part.startswith("-") or part.endswith("-"):
            return "a part of the name starts or ends with a hyphen"
        if not _PART.fullmatch(part):
            return "a name has letters, digits, hyphens and dots only"
    return None if len(parts) > 1 else "the provider is missing before .scaffold"


def service_text(address: Address, proto: str = "tcp") -> str | None:
    """The service that `address` names, as `name:port/proto`; None when it names plain IP.

    `proto` is that of an address which names none.
    """
    if isinstance(address, str):
        host, port, named = split_service(address)
        return _text_of(host, port, named if "/" in address else proto)
    if address and is_service(address[0]):
        port = address[1] if len(address) > 1 else 0
        if not isinstance(port, int) or not 0 <= port < 65536:
            raise InvalidName(22, f"{address!r}: the port must be from 0 to 65535")
        host = split_service(address[0])[0]
        return _text_of(host, port, proto)
    return None


def host_and_port(address: Any, family: int) -> tuple[str, int]:
    """Of a plain address, as `socket.socket` reads it, with its exceptions for what is none."""
    lengths = (2,) if family == _socket.AF_INET else (2, 3, 4)
    if not isinstance(address, tuple) or len(address) not in lengths:
        raise TypeError(f"{address!r} is no address; write (host, port)")
    host, port = address[0], operator.index(address[1])
    if not 0 <= port < 65536:
        raise OverflowError(f"{address!r}: the port must be from 0 to 65535")
    if isinstance(host, bytes | bytearray):
        host = host.decode("ascii")
    if not isinstance(host, str):
        raise TypeError(f"{address!r}: the host must be text")
    if host == "<broadcast>" and family == _socket.AF_INET:
        return "255.255.255.255", port
    return host, port


def _text_of(host: str, port: int, proto: str) -> str:
    return f"{host}:{port}/{proto}" if port else host


def pack_service(text: str, subject: str) -> Any:
    """The library's `struct sockaddr_scaffold` for a service, which its user calls `subject`. Asks
    scaffoldd for keys."""
    packed = ffi.new("struct sockaddr_scaffold *")
    if lib.scaffold_service_parse(text.encode("ascii", "replace"), packed) < 0:
        raise name_error(ffi.errno, subject)
    return packed


def resolve(host: str, port: int, family: int, kind: int) -> tuple[Any, int]:
    """The first address of a name for a socket of this family and type: (a buffer, its length).

    For a service this is an address from the pool that stands for it; the instance is chosen when
    the flow opens. Raises socket.gaierror as socket.getaddrinfo does.
    """
    hints = ffi.new("struct addrinfo *")
    hints.ai_family = family
    hints.ai_socktype = int(kind)
    found = ffi.new("struct addrinfo **")
    node = host.encode("idna" if host and not host.isascii() else "ascii") if host else ffi.NULL
    if node is ffi.NULL:
        hints.ai_flags = int(_socket.AI_PASSIVE)
    code = lib.scaffold_getaddrinfo(node, str(port).encode(), hints, found)
    if code != 0:
        raise _socket.gaierror(code, line_for(code, host))
    try:
        first = found[0]
        length = int(first.ai_addrlen)
        room = ffi.new("char[]", bytes(ffi.buffer(first.ai_addr, length)))
        return room, length
    finally:
        lib.scaffold_freeaddrinfo(found[0])


def unpack(room: Any, length: int) -> Any:
    """A Python address from `length` bytes at `room`.

    ("name", port) for a service, with "id:" and 64 digits for an unknown one; (ip, port) and
    (ip, port, flow info, scope) for IP; None for an unnamed socket.
    """
    raw = bytes(ffi.buffer(room, length))
    if length < 2:
        return None
    family = struct.unpack_from("=H", raw)[0]
    if family == AF_SCAFFOLD:
        return _unpack_service(room)
    if family == _socket.AF_INET:
        port = struct.unpack_from("!H", raw, 2)[0]
        return _socket.inet_ntop(_socket.AF_INET, raw[4:8]), port
    if family == _socket.AF_INET6:
        port, flow = struct.unpack_from("!HI", raw, 2)
        scope = struct.unpack_from("=I", raw, 24)[0]
        return _socket.inet_ntop(_socket.AF_INET6, raw[8:24]), port, flow, scope
    return None


def _unpack_service(room: Any) -> tuple[str, int]:
    address = ffi.cast("struct sockaddr_scaffold *", room)
    text = ffi.new("char[]", lib.SCAFFOLD_SERVICE_STRLEN)
    port = int.from_bytes(bytes(address.sc_service.bytes)[_ADDRESS_IN_ID], "big")
    if lib.scaffold_service_format(address, text, lib.SCAFFOLD_SERVICE_STRLEN) < 0:
        raise error_for(ffi.errno)
    name: str = ffi.string(text).decode("ascii")
    if name.startswith("id:"):
        return name, port
    return name.partition(":")[0], port
