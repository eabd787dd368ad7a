"""What `scaffold-port rewrite` changes in a program, line by line, and a sample of it."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from scaffold_port.analyze import analyze
from scaffold_port.layers import layers
from verify import strangers

EACH_MAX = 60
"""Of one program: none dominates."""


@dataclass(frozen=True, order=True)
class Change:
    """A line before and after; an empty one was not there."""

    program: str
    path: str
    line: int  # of the original
    before: str
    after: str


def changes(program: str, tree: Path) -> list[Change]:
    """All of the native level, in order."""
    done = layers(tree, "native", analyze([tree]))
    return sorted(
        Change(program, path, *one)
        for patch in done.patches
        for path, old, new in patch.files
        for one in _lines(old.decode("latin-1"), new.decode("latin-1"))
    )


def _lines(old: str, new: str) -> Iterator[tuple[int, str, str]]:
    before, after = old.split("\n"), new.split("\n")
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for tag, start, end, begin, stop in matcher.get_opcodes():
        if tag != "equal":
            pairs = zip_longest(before[start:end], after[begin:stop], fillvalue="")
            yield from ((start + at, *pair) for at, pair in enumerate(pairs, 1))


def draw(programs: Mapping[str, Iterable[Change]], size: int, seed: int) -> list[Change]:
    """A sample of so many changes, of which a program has at most EACH_MAX."""
    random = Random(seed)
    wanted: list[Change] = []
    for _, found in sorted(programs.items()):
        listed = sorted(found)
        wanted += random.sample(listed, min(EACH_MAX, len(listed)))
    return sorted(random.sample(wanted, min(size, len(wanted))))


def main(seed: int, size: int) -> None:
    """Prints a sample of the programs, to be read: `python -m verify.changes SEED`."""
    with TemporaryDirectory() as folder:
        trees = {one: strangers.fetch(one, Path(folder)) for one in strangers.PROGRAMS}
        found = {program: changes(program, tree) for program, tree in trees.items()}
    print(f"# seed {seed}, of {sum(map(len, found.values()))} changes")
    for one in draw(found, size, seed):
        print(f"{one.program} {one.path}:{one.line}\n-{one.before}\n+{one.after}")


if __name__ == "__main__":
    main(seed=int(sys.argv[1]), size=500)
