"""Every check natively and under the shim, and what comes of it."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from .. import launch, paths
from ..errors import WrongUsage
from . import checks as _checks  # noqa: F401  (they register themselves)
from .refusals import refusal_of
from .table import CHECKS

JOBS = 4
"""Checks at once on either side: most of them wait, for events and for the other end."""


@dataclass(frozen=True)
class Result:
    """One check, both answers and the verdict."""

    id: str
    native: str
    shim: str
    verdict: str
    """same, refused (it differs and is documented) or different."""
    why: str
    """The reason of a refusal, or what is wrong; empty when the answers are the same."""


def chosen(patterns: Sequence[str] = ()) -> list[str]:
    """The names of the checks that a pattern matches; of all without one.

    A pattern is a whole name, a part of its front (connect, connect.refused), or has wildcards.
    """
    names = [
        name
        for name in CHECKS
        if not patterns or any(_is_meant(name, pattern) for pattern in patterns)
    ]
    for pattern in patterns:
        if not any(_is_meant(name, pattern) for name in names):
            raise WrongUsage(f"no check is called {pattern}; leave it out for all")
    return names


def _is_meant(name: str, pattern: str) -> bool:
    return name == pattern or name.startswith(pattern + ".") or fnmatch(name, pattern)


def examine(
    runtime_dir: Path,
    names: Iterable[str] | None = None,
    on_result: Callable[[Result], None] | None = None,
    *,
    plane: str = "user",
    trap: bool = False,
) -> list[Result]:
    """Run checks natively and under the shim, with the scaffoldd of `runtime_dir`.

    plane: by which the flows of --all-local go there.
    trap: under `scaffold run --trap` instead of the shim.
    """
    wanted = list(names) if names is not None else list(CHECKS)
    plain = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("SCAFFOLD_") and key != "LD_PRELOAD"
    }
    ours = launch.environment(runtime_dir, all_local=True, base=plain, trap=trap)
    sides = [
        _Side(wanted, plain),
        _Side(wanted, ours, [str(paths.part(paths.TRAP))] if trap else []),
    ]
    for side in sides:
        side.start()
    for side in sides:
        side.join()
    special = {plane, "trap"} if trap else {plane}
    results = [
        _result(name, *(side.answer(name) for side in sides), special=special) for name in wanted
    ]
    for result in results:
        if on_result:
            on_result(result)
    return results


def document(results: Iterable[Result]) -> dict[str, Any]:
    """What `scaffold doctor --json` prints: docs/schemas/doctor.schema.json."""
    return {"schema": 1, "checks": [asdict(result) for result in results]}


class _Side(threading.Thread):
    """A child that answers all checks."""

    def __init__(self, names: list[str], environment: dict[str, str], launcher: Sequence[str] = ()):
        super().__init__()
        self._launcher = launcher
        self._names = names
        self._environment = environment
        self._answers: dict[str, dict[str, str]] = {}
        self._errors = ""

    def run(self) -> None:
        done = subprocess.run(
            [*self._launcher, sys.executable, "-m", "scaffold.doctor.ask", str(JOBS)],
            input="\n".join(self._names),
            capture_output=True,
            text=True,
            env=self._environment,
        )
        self._errors = done.stderr
        for line in done.stdout.splitlines():
            answer = json.loads(line)
            self._answers[answer["id"]] = answer

    def answer(self, name: str) -> tuple[str, bool]:
        """The answer, and whether it is one: a check that failed has none."""
        given = self._answers.get(name, {"failed": f"no answer: {self._errors.strip()[-200:]}"})
        return (given["answer"], True) if "answer" in given else (given["failed"], False)


def _result(
    name: str, native: tuple[str, bool], shim: tuple[str, bool], *, special: Collection[str]
) -> Result:
    if not native[1]:
        return Result(name, native[0], shim[0], "different", "the check fails natively")
    if native == shim:
        return Result(name, native[0], shim[0], "same", "")
    refusal = refusal_of(name, shim[0], special)
    if refusal:
        return Result(name, native[0], shim[0], "refused", refusal.why)
    return Result(name, native[0], shim[0], "different", "not documented")
