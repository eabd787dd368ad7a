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


@cache
def watched() -> re.Pattern[bytes]:
    """Every name that some rule cares for, as whole words."""
    names = sorted({name for rule in RULES for name in rule.names}, key=len, reverse=True)
    patterns = [pattern for rule in RULES for pattern in rule.patterns]
    return re.compile(rf"\b(?:{'|'.join([*names, *patterns])})\b".encode())


@cache
def by_name(name: str) -> tuple[Rule, ...]:
    """The rules that care for a name."""
    return tuple(
        rule
        for rule in RULES
        if name in rule.names or any(re.fullmatch(one, name) for one in rule.patterns)
    )


@cache
def by_id(name: str) -> Rule:
    """The rule of this name."""
    return next(rule for rule in RULES if rule.id == name)
