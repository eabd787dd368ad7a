"""The checks, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .kinds import Kind

Question = Callable[[Kind], Any]


@dataclass(frozen=True)
class Check:
    """One question about one kind of socket. The answer's repr is compared."""

    id: str
    kind: Kind
    ask: Question
    rows: tuple[str, ...]
    """Keys of rows.ROWS that it is evidence for."""

    @property
    def subject(self) -> str:
        """What it is about: the file that it stands in."""
        return self.id.split(".")[0]


CHECKS: dict[str, Check] = {}


def check(*kinds: Kind, rows: str = "") -> Callable[[Question], Question]:
    """Make a function a check of each kind, named subject.function.kind."""

    def register(ask: Question) -> Question:
        add(ask.__module__.rsplit(".", 1)[-1], ask.__name__, kinds, ask, rows)
        return ask

    return register


def add(subject: str, name: str, kinds: tuple[Kind, ...], ask: Question, rows: str) -> None:
    """The same for a function that is made on the fly."""
    for kind in kinds:
        key = f"{subject}.{name}.{kind}"
        assert key not in CHECKS, key
        CHECKS[key] = Check(key, kind, ask, tuple(rows.split()))
