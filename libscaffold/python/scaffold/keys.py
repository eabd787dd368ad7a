"""Keys and grants as people copy them: texts of letters and digits."""

import base64
import re

from .errors import ServiceError

_PREFIX = "scg1-"

_PROTOCOLS = {"any": 0, "tcp": 6, "udp": 17}


def key_of(text: str) -> bytes:
    """The 32 bytes of a public key: of 52 characters as `scaffold key show` prints them, or of 64
    hexadecimal digits.
    """
    if re.fullmatch("[0-9a-fA-F]{64}", text):
        return bytes.fromhex(text)
    if re.fullmatch("[a-z2-7]{51}[aq]", text.lower()):
        return _unbase32(text)
    raise ServiceError(22, f"{text}: a key is 52 characters of a-z and 2-7, or 64 hex digits")


def text_of(grant: bytes) -> str:
    """What `scaffold key install` takes."""
    return _PREFIX + base64.b32encode(grant).decode().rstrip("=").lower()


def grant_of(text: str) -> bytes:
    """The bytes of a grant, from its text, which may have been wrapped."""
    text = "".join(text.split())
    try:
        if text.startswith(_PREFIX):
            return _unbase32(text.removeprefix(_PREFIX))
    except ValueError:
        pass
    raise ServiceError(
        22, "that is no grant: `scaffold key grant` prints one, of scg1- and many letters"
    )


def ports_of(text: str) -> tuple[int, int, int]:
    """First port, last port and protocol of 80, 8000-8080/tcp or any."""
    ports, _, protocol = text.partition("/")
    first, _, last = ports.partition("-")
    try:
        pair = (0, 65535) if ports == "any" else (int(first), int(last or first))
        if ports != "any" and not 1 <= pair[0] <= pair[1] <= 65535:
            raise ValueError
        return *pair, _PROTOCOLS[protocol or "any"]
    except (ValueError, KeyError):
        raise ServiceError(22, f"{text}: give a port or two, as 80, 8000-8080/tcp or any") from None


def ports_text(first: int, last: int, protocol: int) -> str:
    """The same the other way round."""
    ports = "any" if (first, last) == (0, 65535) else f"{first}" if first == last else ""
    names = {number: name for name, number in _PROTOCOLS.items() if number}
    suffix = f"/{names.get(protocol, protocol)}" if protocol else ""
    return (ports or f"{first}-{last}") + suffix


def _unbase32(text: str) -> bytes:
    text = text.upper()
    return base64.b32decode(text + "=" * (-len(text) % 8))
