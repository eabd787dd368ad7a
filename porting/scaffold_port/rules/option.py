"""Kind 10: options whose refusal must not be fatal."""

from ..c.unit import Unit, Use
from .rule import Rule, is_call, namesake


def _judge(use: Use, unit: Unit) -> str | None:
    if not is_call(use) or not use.used:
        return None
    option = use.arguments[2] if len(use.arguments) > 2 else "an option"
    return f"the result of setting {option} is looked at: a flow may refuse it"


RULE = Rule(
    id="checked-option",
    kind=10,
    title="The result of setsockopt is looked at",
    explanation=(
        "scaffold_setsockopt knows the options of TCP and UDP. Those that a flow cannot honour are "
        "refused with ENOPROTOOPT or EOPNOTSUPP rather than ignored. A program that gives up then "
        "should go on without the option."
    ),
    names=frozenset({"setsockopt"}),
    judge=_judge,
    fix=namesake,
)
