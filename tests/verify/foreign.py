"""Test suites of other projects: each test natively and under the product, on a host of its own.

What passes natively passes here, but for what stands in scaffold.doctor.foreign, from which the
table in docs/reference/differences.md is written.
"""

import subprocess
from collections.abc import Callable, Iterable

from scaffold.doctor.foreign import FOREIGN
from scaffold.lab import Host, Lab

TRIES = 3
"""A test that waits by the clock fails now and then on a busy machine, natively as well: a
difference is one that stays."""

MOST = 0.9
"""Of the tests pass natively; where fewer do, the host lacks what they need, such as a loopback,
and what they ask is not compared."""

Outcome = tuple[bool, str]
"""Whether it passed, and the end of what it printed."""


def outcome(host: Host, command: list[str], patience_s: float, **options: object) -> Outcome:
    """Of a program that tells by its exit code."""
    try:
        done = host.run(command, timeout=patience_s, **options)
    except subprocess.TimeoutExpired:
        return False, f"no end after {patience_s:.0f} s"
    return done.returncode == 0, done.stdout[-1500:] + done.stderr[-1500:]


def _stays(name: str, natively: Callable[[str], Outcome], ours: Callable[[str], Outcome]) -> str:
    """What it says when it fails here and passes natively, each time."""
    said = ""
    for _ in range(TRIES):
        passed, said = ours(name)
        if passed or not natively(name)[0]:
            return ""
    return said or "failed without a word"


def _differences(
    names: Iterable[str], natively: Callable[[str], Outcome], ours: Callable[[str], Outcome]
) -> dict[str, str]:
    """The tests that differ, of those that pass natively, and what they say."""
    return {name: said for name in names if (said := _stays(name, natively, ours))}


def _hold(suite: str, found: dict[str, str]) -> None:
    """Fails unless what differs is what is documented."""
    documented = {name for one in FOREIGN if one.suite == suite for name in one.tests}
    always = {
        name for one in FOREIGN if one.suite == suite and not one.sometimes for name in one.tests
    }
    undocumented = {name: said for name, said in found.items() if name not in documented}
    lines = [f"{name}: {said}" for name, said in undocumented.items()]
    assert not undocumented, f"{suite}: not documented\n" + "\n".join(lines)
    assert always <= found.keys(), f"{suite}: the same by now: {always - found.keys()}"


def compare(
    suite: str, names: list[str], run: Callable[[Host, str, bool], Outcome], kind: str
) -> dict[str, float]:
    """Each test natively (False) and here (True), on one host of a lab of that kind; fails unless
    what differs is what is documented. Returns the figures."""
    with Lab(["a"], kind=kind) as lab:
        lab.start()
        host = lab["a"]

        def natively(name: str) -> Outcome:
            return run(host, name, False)

        passing = [name for name in names if natively(name)[0]]
        found = _differences(passing, natively, lambda name: run(host, name, True))
    assert len(passing) > MOST * len(names), f"{suite}: {set(names) - set(passing)} fail natively"
    _hold(suite, found)
    return {"tests": len(names), "compared": len(passing), "different": len(found)}
