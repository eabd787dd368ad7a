"""Kind 14: a connect that does not wait."""

from ..c.unit import Unit, Use
from .rule import Rule, is_call, namesake


def _judge(use: Use, unit: Unit) -> str | None:
    if use.role == "declaration":
        return None
    if use.name == "getsockopt":
        asks = is_call(use) and "SO_ERROR" in use.arguments
        return "SO_ERROR tells how a non-blocking connect ended" if asks else None
    return "a connect that goes on in the background ends with POLLOUT and SO_ERROR"


RULE = Rule(
    id="non-blocking-connect",
    kind=14,
    title="A connect that does not wait",
    explanation=(
        "scaffold_connect on a non-blocking socket fails with EINPROGRESS and announces the end "
        "with POLLOUT, as TCP does. The reason of a failure is SO_ERROR's, by scaffold_getsockopt."
    ),
    names=frozenset({"EINPROGRESS", "getsockopt"}),
    judge=_judge,
    fix=namesake,
)
