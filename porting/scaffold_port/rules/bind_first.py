"""Kind 7: clients that bind before they connect."""

from ..c.unit import Use
from .rule import Rule, is_call


def _judge(uses: list[Use]) -> list[tuple[Use, str]]:
    binds = [use for use in uses if use.name == "bind" and is_call(use)]
    connects = [use for use in uses if use.name == "connect" and is_call(use)]
    listens = [use for use in uses if use.name == "listen" and is_call(use)]
    if not connects or listens:
        return []
    return [
        (use, "bound before it is connected: a source address means nothing to a service")
        for use in binds
        if use.start < connects[-1].start
    ]


RULE = Rule(
    id="bind-before-connect",
    kind=7,
    title="A client binds before it connects",
    explanation=(
        "The kernel's bind takes the socket to an interface. On a socket that is then connected to "
        "a service the address is given up; code that treats a failed bind as fatal should not."
    ),
    names=frozenset({"bind", "connect", "listen"}),
    judge_function=_judge,
    lines=2,
)
