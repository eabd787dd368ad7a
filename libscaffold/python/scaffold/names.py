"""Names of services and addresses of flows, between Python's shapes and the library's."""

import operator
import re
import socket as _socket
import struct
from typing import Any

from ._native import ffi, lib
from .errors import InvalidName, error_for

AF_SCAFFOLD: int = lib.AF_SCAFFOLD
"""Address family of sockets that speak to services only."""

Address = str | tuple[Any, ...]
"""`"web.acme.scaffold:80"`, `("web.acme.scaffold", 80)`, or what `socket.socket` takes."""

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)+{_LABEL}\.scaffold")
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
    host = host.rstrip(".").lower()
    number_ok = not colon or (port.isascii() and port.isdigit() and 0 < int(port) < 65536)
    if not _NAME.fullmatch(host) or not number_ok or (slash and proto not in ("tcp", "udp")):
        raise InvalidName(
            22, f"{text!r} is not a service's name; write label.provider.scaffold[:port[/proto]]"
        )
    return host, int(port) if port else 0, proto or "tcp"


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


def pack_service(text: str) -> Any:
    """The library's `struct sockaddr_scaffold` for a service. Asks scaffoldd for keys."""
    packed = ffi.new("struct sockaddr_scaffold *")
    if lib.scaffold_service_parse(text.encode("ascii", "replace"), packed) < 0:
        code = ffi.errno
        if code == 22:
            raise InvalidName(code, f"{text!r} is not a service's name")
        raise error_for(code, text)
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
        raise _socket.gaierror(code, f"{host}: {_gai_text(code)}")
    try:
        first = found[0]
        length = int(first.ai_addrlen)
        room = ffi.new("char[]", bytes(ffi.buffer(first.ai_addr, length)))
        return room, length
    finally:
        lib.scaffold_freeaddrinfo(found[0])


def _gai_text(code: int) -> str:
    if code == _socket.EAI_AGAIN:
        return "no scaffoldd answers; `scaffold up` or `scaffold run` starts one"
    if code == _socket.EAI_NONAME:
        return "no such name"
    if code == _socket.EAI_MEMORY:
        return "scaffoldd's address pool is exhausted"
    return f"cannot be resolved (code {code})"


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
