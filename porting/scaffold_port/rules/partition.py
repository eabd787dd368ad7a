"""Kind 15: clients that choose among servers by a key."""

import re

from ..c.unit import Unit, Use
from .rule import Rule

_PATTERN = re.compile(r"ketama|(?:server|host)_(?:by|for|of)_key|hash_(?:server|host|ring)")


def _judge(use: Use, unit: Unit) -> str | None:
    if use.role not in ("call", "macro", "own"):
        return None
    return f"`{use.name}` chooses a server by a key: a partition of the service does that"


RULE = Rule(
    id="partition",
    kind=15,
    title="A client chooses among servers by a key",
    explanation=(
        "A ServiceID has four bytes for a partition. A client that hashes keys to servers may put "
        "the hash there and connect to the service; servers register the ranges that they keep."
    ),
    names=frozenset(),
    patterns=(_PATTERN,),
    judge=_judge,
    own=True,
    lines=5,
)
