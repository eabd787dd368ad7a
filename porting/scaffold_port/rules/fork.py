"""Kind 13: servers that fork for each connection."""

from ..c.unit import Use
from .rule import Rule, is_call


def _judge(uses: list[Use]) -> list[tuple[Use, str]]:
    accepts = [use for use in uses if use.name.startswith("accept") and is_call(use)]
    forks = [use for use in uses if use.name in ("fork", "vfork") and is_call(use)]
    return [(use, "forks for a connection that it accepted") for use in forks if accepts]


RULE = Rule(
    id="fork-server",
    kind=13,
    title="A server forks for each connection",
    explanation=(
        "A flow lives on in the child, as a kernel socket does: both have the descriptor. Nothing "
        "changes, but the parent should close its copy as before."
    ),
    names=frozenset({"accept", "accept4", "fork", "vfork"}),
    judge_function=_judge,
    lines=0,
)
