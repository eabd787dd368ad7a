"""Findings that are drawn from programs nobody looked at before, for a person to judge.

`python tests/verify/judged.py draw --seed N --into FILE KIND:PACKAGE@VERSION...` writes them; the
person adds `verdict`, whether somebody who ports the program has to look there, and `why`.
"""

import argparse
import json
import random
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaffold_port.analyze import analyze
from scaffold_port.findings import Finding
from scaffold_port.ports import FETCHERS

TOTAL = 300
PER_GROUP = 100
GROUPS = ("decide", "automatic", "context")
OTHERS_MAX = 10
"""Findings in tests of a program or in code for other systems: nothing but their place tells why
they are context, and one of them is like the next."""
_OTHERS = ("a test of the program", "code for another system")


@dataclass(frozen=True)
class Drawn:
    """A finding, and the program that it is from."""

    program: str
    version: str
    finding: Finding  # its path is one below the top of the source

    @property
    def place(self) -> tuple[str, str, int]:
        """What may be drawn once."""
        return self.finding.rule, f"{self.program}/{self.finding.path}", self.finding.line


def analysed(sources: Iterable[str], folder: Path) -> Iterator[Drawn]:
    """All findings of these programs, `KIND:PACKAGE@VERSION` each."""
    for source in sources:
        kind, _, rest = source.partition(":")
        package, _, version = rest.partition("@")
        top = FETCHERS[kind](package, folder, version)
        for finding in analyze([top]).findings:
            below = str(Path(finding.path).relative_to(top))
            yield Drawn(package, version, _at(finding, below))


def _at(finding: Finding, path: str) -> Finding:
    return Finding(**(vars(finding) | {"path": path}))


def draw(findings: Iterable[Drawn], seed: int, automatic: int = PER_GROUP) -> list[Drawn]:
    """PER_GROUP to decide, so many `automatic`, and of context what is missing to TOTAL."""
    chance = random.Random(seed)
    last_is_first = sorted(findings, key=lambda one: one.finding.rank, reverse=True)
    places = {one.place: one for one in last_is_first}
    drawn: list[Drawn] = []
    for group in GROUPS:
        size = {"decide": PER_GROUP, "automatic": automatic}.get(group, TOTAL - len(drawn))
        wanted = [one for one in places.values() if one.finding.group == group]
        drawn += _spread(_few_others(wanted, chance), size, chance)
    return drawn


def _few_others(findings: list[Drawn], chance: random.Random) -> list[Drawn]:
    others = [one for one in findings if one.finding.left in _OTHERS]
    left_out = set(chance.sample(others, max(0, len(others) - OTHERS_MAX)))
    return [one for one in findings if one not in left_out]


def _spread(findings: list[Drawn], size: int, chance: random.Random) -> list[Drawn]:
    """So many, one of each program in turn, whatever the size of the program."""
    of: dict[str, list[Drawn]] = {}
    for one in findings:
        of.setdefault(one.program, []).append(one)
    for listed in of.values():
        chance.shuffle(listed)
    turns = sorted((turn, name) for name, listed in of.items() for turn in range(len(listed)))
    return sorted((of[name][turn] for turn, name in turns[:size]), key=lambda one: one.place[1:])


def _entry(one: Drawn) -> str:
    found = one.finding
    fields = {
        "program": one.program,
        "version": one.version,
        "place": f"{found.path}:{found.line}",
        "rule": found.rule,
        "call": found.call,
        "group": found.group,
        "confidence": found.confidence,
        "text": found.text.strip(),
    }
    # a string of JSON is one of TOML
    return "\n[[finding]]\n" + "".join(
        f"{key} = {json.dumps(text)}\n" for key, text in fields.items()
    )


def read(path: Path) -> dict[str, Any]:
    """A list: `seed`, `sources` and `finding`."""
    return tomllib.loads(path.read_text())


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    command = parser.add_subparsers(required=True).add_parser("draw")
    command.add_argument("--seed", type=int, required=True)
    command.add_argument("--automatic", type=int, default=PER_GROUP, metavar="N")
    command.add_argument("--into", type=Path, required=True)
    command.add_argument("sources", nargs="+", metavar="KIND:PACKAGE@VERSION")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        drawn = draw(analysed(asked.sources, Path(folder)), asked.seed, asked.automatic)
    head = f"seed = {asked.seed}\nsources = {json.dumps(asked.sources, indent=4)}\n"
    asked.into.write_text(head + "".join(map(_entry, drawn)))
    print(f"seed {asked.seed}:", dict(Counter(one.finding.group for one in drawn)))
    print(dict(Counter(f"{one.program} {one.finding.group}" for one in drawn)))


if __name__ == "__main__":
    main()
