"""Names of other scopes that a file of C++ uses as its own."""

import re
from dataclasses import dataclass

from ..source import Source
from .text import blank

_USING = re.compile(rb"\busing\s++(namespace\s++)?((?:::)?\w++(?:::\w++)*+)\s*+;")


@dataclass(frozen=True)
class Using:
    """By `using namespace`, and by `using SCOPE::NAME`."""

    namespaces: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()


def using(source: Source) -> Using:
    """All of a file, wherever they hold."""
    if source.language != "c++" or b"using" not in source.data:
        return Using()
    namespaces, names = set(), set()
    for found in _USING.finditer(blank(source.data)):
        scope, _, name = found[2].decode().rpartition("::")
        if found[1]:
            namespaces.add(name)
        elif scope:
            names.add(name)
    return Using(frozenset(namespaces), frozenset(names))
