"""Whether a build file has what it needs."""

import re

_ASKS = re.compile(rb"^(?![ \t]*(?:#|dnl\b))[^\n]*?(?i:pkg[-_])([^\n]*)", re.MULTILINE)
_WORD = re.compile(rb"[\w-]+")


def asks(data: bytes, module: str) -> bool:
    """It asks pkg-config for the module, in our words or in somebody's own."""
    return any(module.encode() in _WORD.findall(found[1]) for found in _ASKS.finditer(data))
