"""What `rewrite` does not do, place by place."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from .files import display
from .layers import Layers

TO_YOU = "left to you"
CONTEXT = "context"
NOT_ANALYSED = "not analysed"


@dataclass(frozen=True)
class Rest:
    """One place: TO_YOU when a human has to look at it, CONTEXT when nobody has, NOT_ANALYSED when
    nobody knows."""

    path: str
    line: int  # 0: the whole file, or folder
    state: str
    reason: str  # the question, where there is one
    rule: str = ""
    why: str = ""  # it is left alone

    def __str__(self) -> str:
        place = f"{display(self.path)}:{self.line}" if self.line else display(self.path)
        state = f"{self.state}, {self.why}" if self.why else self.state
        return f"{place}: {state}: {self.reason}" + (f" [{self.rule}]" if self.rule else "")

    def to_json(self) -> dict[str, Any]:
        """As docs/schemas/rewrite.schema.json says."""
        return asdict(self)


def rest(done: Layers) -> Iterator[Rest]:
    """Findings first, then what was not looked at, then what builds the program."""
    for one in done.report.ranked():
        if one.group == "decide":
            yield Rest(one.path, one.line, TO_YOU, one.question, one.rule)
        elif one.group == "context":
            yield Rest(one.path, one.line, CONTEXT, one.message, one.rule, one.left)
    for missed in done.report.not_analysed:
        yield Rest(missed.path, missed.line, NOT_ANALYSED, missed.reason)
    for left in done.build_files:
        yield Rest(str(left.path), 0, TO_YOU, left.reason)
