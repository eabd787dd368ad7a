"""What a rule is."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from ..c.unit import Unit, Use

Judge = Callable[[Use, Unit], str | None]
"""The message about one use; None: it needs nothing."""

JudgeFunction = Callable[[list[Use]], list[tuple[Use, str]]]
"""The same for all uses within one function together."""

Fix = Callable[[Use, Unit], str]
"""The new name for one use; empty: it stays."""

Ask = Callable[[Use, Unit], str]
"""The question about one use (questions.py); empty: there is nothing to decide."""


@dataclass(frozen=True)
class Rule:
    """One reason to change a line, in C and C++.

    `explanation` is the rule's documentation: what is wrong with the line for a socket of a
    service, and what to write instead.
    """

    id: str
    kind: int
    title: str
    explanation: str
    names: frozenset[str]
    judge: Judge | None = None
    judge_function: JudgeFunction | None = None
    fix: Fix | None = None
    """What stands there afterwards; None: no name that changes is enough."""
    ask: Ask | None = None
    """What a human decides; None: what is not rewritten is told as context."""
    lines: int = 1
    own: bool = False
    """The names are the program's own functions, not libc's."""
    common: frozenset[str] = frozenset()
    """More names, which most programs call for other things: looked at beside `SOCK_DGRAM` only."""
    patterns: tuple[re.Pattern[str], ...] = field(default=())
    """For names that no list can hold: what is somewhere in them."""


def calls(message: str) -> Judge:
    """A judge for functions that matter wherever they are called, or their address is taken."""

    def judge(use: Use, unit: Unit) -> str | None:
        return message.format(name=use.name) if is_call(use) or use.value else None

    return judge


def namesake(use: Use, unit: Unit) -> str:
    """libscaffold's function for libc's."""
    return f"scaffold_{use.name}" if is_call(use) or use.value else ""


def is_call(use: Use) -> bool:
    """True for calls, and for calls inside the body of a macro."""
    return use.role in ("call", "macro")
