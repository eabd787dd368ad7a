"""Names of services and addresses of flows, between Python's shapes and the library's."""

import _socket as kernel
import errno
import operator
import re
import socket as _socket
import struct
from collections.abc import Iterator
from typing import Any

from ._native import ffi, lib
from .aside import aside
from .errors import InvalidName, error_for, is_explained, line_for, name_error

AF_SCAFFOLD: int = lib.AF_SCAFFOLD
"""Address family of sockets that speak to services only."""

Address = str | tuple[Any, ...]
"""`"web.acme.scaffold:80"`, `("web.acme.scaffold", 80)`, or what `socket.socket` takes."""

_SUFFIX = ".scaffold"
_PART = re.compile("[a-z0-9-]*")
_ADDRESS_IN_ID = slice(28, 30)  # the port, in network order, inside a ServiceID
_INET = struct.Struct("=H2s4s8x")  # struct sockaddr_in
_INET6 = struct.Struct("=H2s4s16sI")  # struct sockaddr_in6
_IP_SIZES: dict[int, int] = {_socket.AF_INET: 4, _socket.AF_INET6: 16}


def is_service(name: object) -> bool:
    """True for text (or bytes) under `.scaffold`, well-formed or not, with or without a port."""
    text = text_of(name)
    if text is None:
        return False
    host = text.partition(":")[0].rstrip(".").lower()
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
    """What is wrong with a service's name, in scaffoldd's words; a test holds them together."""
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
        host = split_service(text_of(address[0]) or "")[0]
        return _text_of(host, port, proto)
    return None


def _text_of(host: str, port: int, proto: str) -> str:
    return f"{host}:{port}/{proto}" if port else host


def pack_service(text: str, subject: str) -> Any:
    """The library's `struct sockaddr_scaffold` for a service, which its user calls `subject`. Asks
    scaffoldd for keys."""
    packed = ffi.new("struct sockaddr_scaffold *")
    if lib.scaffold_service_parse(text.encode("ascii", "replace"), packed) < 0:
        raise name_error(ffi.errno, subject)
    return packed


def addresses(
    host: str, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
) -> list[tuple[int, int, int, str, Any]]:
    """`socket.getaddrinfo` of a service: a list of (family, type, protocol, name, address).

    Each address is one of the pool that stands for the service; the instance is chosen when the
    flow opens. Raises socket.gaierror as socket.getaddrinfo does.
    """
    found: list[tuple[int, int, int, str, Any]] = aside(
        _addresses, host, port, family, type, proto, flags
    )
    return found


def _addresses(
    host: str, port: Any, family: int, type: int, proto: int, flags: int
) -> list[tuple[int, int, int, str, Any]]:
    hints = ffi.new("struct addrinfo *")
    hints.ai_family, hints.ai_socktype, hints.ai_protocol = int(family), int(type), int(proto)
    hints.ai_flags = int(flags)
    found = ffi.new("struct addrinfo **")
    code = lib.scaffold_getaddrinfo(_c_text(_encoded(host)), _port_text(port), hints, found)
    if code != 0:
        raise _socket.gaierror(code, line_for(code, host if is_explained(code) else None))
    try:
        return list(_entries(found[0]))
    finally:
        lib.scaffold_freeaddrinfo(found[0])


def _port_text(port: Any) -> Any:
    if port is None:
        return ffi.NULL
    if isinstance(port, str | bytes):
        return _c_text(port.encode() if isinstance(port, str) else port)
    return str(operator.index(port)).encode()


def _encoded(host: Any) -> bytes:
    """A host as C takes it: text beyond ASCII as international names are written."""
    if isinstance(host, str):
        return host.encode("ascii" if host.isascii() else "idna")
    return bytes(host)


def _c_text(raw: bytes) -> bytes:
    """What may go where C stops at a zero byte: it would look up what stands in front of one."""
    if 0 in raw:
        raise ValueError("embedded null character")  # Python's words
    return raw


def _entries(one: Any) -> Iterator[tuple[int, int, int, str, Any]]:
    while one:
        name = one.ai_canonname
        canonical = ffi.string(name).decode("utf-8", "replace") if name else ""
        address = unpack(one.ai_addr, one.ai_addrlen)
        yield one.ai_family, one.ai_socktype, one.ai_protocol, canonical, address
        one = one.ai_next


def numbered(address: Any, family: int) -> Any:
    """An address of IP with its host as a number: of a service that of the pool, of other hosts
    the one that calls of sockets look up. What is no such address stays, for others to refuse."""
    if not isinstance(address, tuple) or not address:
        return address
    host = text_of(address[0])
    if host is None or host in ("", "<broadcast>") or "\0" in host or _is_number(host, family):
        return address
    if is_service(host):
        return pooled(address, family)
    found: Any = kernel.getaddrinfo(_encoded(address[0]), None, family, _socket.SOCK_DGRAM)
    return (found[0][4][0], *address[1:])


def pooled(address: Any, family: int) -> Any:
    """An address with a service's name as its number in the pool; others as they are."""
    if not isinstance(address, tuple) or not address:
        return address
    return (in_pool(address[0], family), *address[1:])


def in_pool(host: Any, family: int) -> Any:
    """A service's name as its address of the pool; all else, what Python refuses included, as it
    is."""
    text = text_of(host)
    if text is None or "\0" in text or not is_service(text):
        return host
    return addresses(text, None, family, _socket.SOCK_STREAM)[0][4][0]


def text_of(host: object) -> str | None:
    """A host as text, which may be bytes as well; None for what is neither."""
    if isinstance(host, bytes | bytearray):
        return host.decode("ascii", "replace")
    return host if isinstance(host, str) else None


def _is_number(host: str, family: int) -> bool:
    try:
        _socket.inet_pton(family, host)
    except OSError:
        return False
    return True


def pack_ip(family: int, address: Any) -> bytes:
    """The struct sockaddr of an address that `numbered` gave and `socket.socket` takes."""
    host, port = text_of(address[0]), operator.index(address[1])
    if family == _socket.AF_INET:
        ip = {"": "0.0.0.0", "<broadcast>": "255.255.255.255"}.get(host or "", host)
        return _INET.pack(family, port.to_bytes(2, "big"), _socket.inet_pton(family, ip or ""))
    flow, scope = map(operator.index, (*address[2:], 0, 0)[:2])
    ip6 = _socket.inet_pton(family, host or "::")
    low = scope & 0xFFFFFFFF  # Python takes any number, and C its last 32 bits
    return _INET6.pack(family, port.to_bytes(2, "big"), flow.to_bytes(4, "big"), ip6, low)


def show_ip(family: int, packed: Any) -> str:
    """`inet_ntop`, or the name of the service that an address of the pool stands for; empty for
    what is no address."""
    try:
        raw = bytes(memoryview(packed))
    except TypeError:
        return ""
    if len(raw) != _IP_SIZES.get(family):
        return ""
    text = ffi.new("char[]", lib.SCAFFOLD_ADDRSTRLEN)
    lib.scaffold_inet_ntop(family, ffi.from_buffer(raw), text, lib.SCAFFOLD_ADDRSTRLEN)
    shown: str = ffi.string(text).decode("ascii")
    return shown


def show(address: Any, family: int) -> str:
    """An address as people write it: of one of the pool the service that it stands for."""
    if isinstance(address, str):
        return address
    host = text_of(address[0]) or ""
    named = show_ip(family, _socket.inet_pton(family, host)) if _is_number(host, family) else host
    return ":".join([named, *map(str, address[1:2])])


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
