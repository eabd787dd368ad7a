"""Whether a build file has what it needs."""

import re


def asks(data: bytes, module: str) -> bool:
    """It asks pkg-config for the module, in our words or in somebody's own."""
    name = re.escape(module.encode())
    line = rb"^(?![ \t]*(?:#|dnl\b))[^\n]*(?i:pkg[-_])[^\n]*(?<![\w-])%s(?![\w-])" % name
    return re.search(line, data, re.MULTILINE) is not None
