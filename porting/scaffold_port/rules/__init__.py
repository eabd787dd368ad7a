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


def watched(data: bytes) -> re.Pattern[bytes]:
    """Every name in a file that some rule cares for, as whole words."""
    return _pattern(b"SOCK_DGRAM" in data)


@cache
def _pattern(datagrams: bool) -> re.Pattern[bytes]:
    found = {name for rule in RULES for name in rule.names}
    if datagrams:
        found |= {name for rule in RULES for name in rule.common}
    names = sorted(found, key=len, reverse=True)
    patterns = [pattern for rule in RULES for pattern in rule.patterns]
    return re.compile(rf"\b(?:{'|'.join([*names, *patterns])})\b".encode())


@cache
def by_name(name: str) -> tuple[Rule, ...]:
    """The rules that care for a name."""
    return tuple(
        rule
        for rule in RULES
        if name in rule.names | rule.common or any(re.fullmatch(one, name) for one in rule.patterns)
    )


@cache
def by_id(name: str) -> Rule:
    """The rule of this name."""
    return next(rule for rule in RULES if rule.id == name)
