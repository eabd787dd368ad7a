"""One rule per file; `RULES` is all of them, in the order of the kinds of change."""

import re
from functools import cache

from . import (
    address,
    bind_first,
    call,
    datagram,
    family,
    fork,
    loops,
    names,
    nonblocking,
    option,
    partition,
    port,
    printing,
    resolver,
    size,
)
from .rule import Rule

RULES: tuple[Rule, ...] = (
    family.RULE,
    address.RULE,
    resolver.RULE,
    size.RULE,
    printing.RULE,
    names.RULE,
    bind_first.RULE,
    datagram.RULE,
    call.RULE,
    option.RULE,
    port.RULE,
    loops.RULE,
    fork.RULE,
    nonblocking.RULE,
    partition.RULE,
)


_WORD = re.compile(rb"[A-Za-z_]\w*")
_PATTERNS = re.compile("|".join(one.pattern for rule in RULES for one in rule.patterns).encode())
_PIECE, _LONGEST = 1 << 20, 100
"""So much is read at a time, lest a large file is all words in memory; names are shorter."""


def watched(data: bytes) -> re.Pattern[bytes] | None:
    """What matches every name in a file that some rule cares for, as a whole word; None: there is
    none. One look at all words and another for the few is faster than one for all names."""
    words: set[bytes] = set()
    for at in range(0, len(data), _PIECE):
        words.update(_WORD.findall(data, at, at + _PIECE + _LONGEST))
    found = words & _names(b"SOCK_DGRAM" in data)
    if _PATTERNS.search(b" ".join(words)):
        found |= {word for word in words if _PATTERNS.search(word)}
    return re.compile(rb"\b(?:%s)\b" % b"|".join(sorted(found))) if found else None


@cache
def _names(datagrams: bool) -> frozenset[bytes]:
    found = {name for rule in RULES for name in rule.names}
    if datagrams:
        found |= {name for rule in RULES for name in rule.common}
    return frozenset(name.encode() for name in found)


@cache
def by_name(name: str) -> tuple[Rule, ...]:
    """The rules that care for a name."""
    return tuple(
        rule
        for rule in RULES
        if name in rule.names | rule.common or any(one.search(name) for one in rule.patterns)
    )


def is_watched(name: str) -> bool:
    """Whether some rule cares for the name wherever it stands."""
    return name.encode() in _names(datagrams=False)


@cache
def by_id(name: str) -> Rule:
    """The rule of this name."""
    return next(rule for rule in RULES if rule.id == name)
