"""What all the units that matter to a run say of the names in it."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from .. import declared
from ..c.signature import TAKES
from ..cache import Cache
from ..findings import Finding
from ..languages import included
from ..processes import each
from .database import Command, Database
from .unit import CRASHED, Asked, Place, Seen, look

TRIES_MAX = 8
"""Units that are looked at for a file that none before has shown: where those cannot be compiled,
the others mostly cannot either."""
_DOUBT = "some units of the program mean libc's by it, others another"
_REST = "decided by the source alone"


@dataclass
class View:
    """By place, and by what went wrong the files of the units."""

    files: set[str] = field(default_factory=set)
    troubles: dict[str, list[str]] = field(default_factory=dict)
    _meanings: dict[Place, set[bool]] = field(default_factory=dict)

    def add(self, command: Command, seen: Seen) -> None:
        """What one unit says; a place that several have may mean different things."""
        if seen.trouble:
            self.troubles.setdefault(seen.trouble, []).append(command.file)
        self.files |= seen.files.keys()
        for place, means in seen.meanings.items():
            self._meanings.setdefault(place, set()).add(means)

    def is_anothers(self, finding: Finding) -> bool:
        """Whether it is surely not libc's."""
        return self._of(finding) == {False}

    def is_libcs(self, finding: Finding) -> bool:
        """Whether it surely is."""
        return self._of(finding) == {True}

    def doubt(self, finding: Finding) -> str:
        """Why it is not known, although the compiler has seen it; empty: that is not so."""
        return _DOUBT if len(self._of(finding)) > 1 else ""

    def _of(self, finding: Finding) -> set[bool]:
        return self._meanings.get(_place(finding), set()) if self._meanings else set()

    def notes(self, database: Path) -> Iterator[str]:
        """A line for each thing that went wrong."""
        if not self.files and not self.troubles:
            yield f"{database}: it has no command for what is analysed; {_REST}"
        for trouble, files in self.troubles.items():
            names = list(dict.fromkeys(files))
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            yield f"{database}: {names[0]}{more}: {trouble}; {_REST}"


def _place(finding: Finding, macro: str = "") -> Place:
    path = os.path.realpath(finding.path)
    return Place(path, finding.line, finding.column, finding.call, macro)


def asked(findings: Iterable[tuple[Finding, declared.Place]]) -> Asked:
    """Where a name may be libc's function's."""
    places: dict[str, set[Place]] = {}
    for finding, about in findings:
        if finding.call in TAKES:
            place = _place(finding, about.given_to)
            places.setdefault(place.path, set()).add(place)
    return {path: frozenset(of_file) for path, of_file in places.items()}


def view(
    database: Database,
    wanted: Asked,
    includes: Mapping[str, set[str]],
    *,
    jobs: int,
    kept: Cache | None = None,
    on_unit: Callable[[int, int], None] = lambda done, total: None,
) -> View:
    """Of the units of the files that are asked for, and of as many more as show those that others
    include. `includes`: by a file's name, the names that it includes."""
    seen = View()
    work = partial(look, asked=wanted, kept=kept)
    rest = _Rest(database, includes)
    for units in rest.rounds(wanted, seen.files):
        found = each(work, units, jobs, _crashed)
        for done, (command, one) in enumerate(zip(units, found, strict=True), 1):
            seen.add(command, one)
            on_unit(done, len(units))
    return seen


def _crashed(command: Command) -> Seen:
    return Seen(trouble=CRASHED)


class _Rest:
    """The units that nobody has looked at."""

    def __init__(self, database: Database, includes: Mapping[str, set[str]]) -> None:
        self._left = dict.fromkeys(database.commands)
        self._includes = dict(includes)
        self._tries: Counter[str] = Counter()
        self._by_name: dict[str, list[Command]] = {}

    def rounds(self, wanted: Asked, seen: set[str]) -> Iterator[list[Command]]:
        """Those of the files that are wanted; then for each file that is not `seen` by now one that
        may include it, and so on."""
        units = self._take(one for one in self._left if os.path.realpath(one.file) in wanted)
        if units:
            yield units
        while units := self._take(self._showing(sorted(wanted.keys() - seen))):
            yield units

    def _take(self, units: Iterable[Command]) -> list[Command]:
        taken = list(dict.fromkeys(units))
        for one in taken:
            del self._left[one]
        return taken

    def _showing(self, paths: Iterable[str]) -> Iterator[Command]:
        for path in paths:
            units = self._including(Path(path).name)
            unit = next((one for one in units if one in self._left), None)
            if unit and self._tries[path] < TRIES_MAX:
                self._tries[path] += 1
                yield unit

    def _including(self, name: str) -> list[Command]:
        if not self._by_name:
            for command in self._left:
                for one in self._names(command):
                    self._by_name.setdefault(one, []).append(command)
        return self._by_name.get(name, [])

    def _names(self, command: Command) -> set[str]:
        """Of all that the unit includes, as far as the text tells it."""
        main = Path(command.file)
        if main.name not in self._includes:
            self._includes[main.name] = _included(main)
        open_, seen = [main.name], set()
        while open_:
            name = open_.pop()
            if name not in seen:
                seen.add(name)
                open_ += self._includes.get(name, ())
        return seen


def _included(path: Path) -> set[str]:
    """What a file outside of the run includes."""
    try:
        return included(path.read_bytes())
    except OSError:
        return set()
