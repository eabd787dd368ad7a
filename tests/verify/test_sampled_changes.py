"""A sample of what `scaffold-port rewrite` changes, which somebody has read (sampled_changes.toml):
what was right comes out again, and what was wrong does not."""

import tomllib
from pathlib import Path

import pytest

from verify import changes, strangers

pytestmark = [pytest.mark.full, pytest.mark.timeout(1800)]

READ = tomllib.loads(Path(__file__).with_name("sampled_changes.toml").read_text())
SEED = READ.pop("seed")
SIZE = 500

Line = tuple[str, str, str]
"""(place, before, after), without blanks around."""


def lines(found: list[changes.Change]) -> set[Line]:
    return {(f"{one.path}:{one.line}", one.before.strip(), one.after.strip()) for one in found}


def read(program: str, verdict: str) -> set[Line]:
    """The changes that were found to be so."""
    return {
        (one["at"], one["before"], one["after"])
        for one in READ[program]["changes"]
        if one["verdict"] == verdict
    }


def test_the_sample() -> None:
    """As many as were to be read, and none of a version that is no longer fetched."""
    assert sum(len(read(program, "right")) for program in READ) >= SIZE
    assert {program: one["version"] for program, one in READ.items()} == {
        program: strangers.PROGRAMS[program] for program in READ
    }
    assert all(one["why"] for program in READ.values() for one in program["changes"])


@pytest.mark.parametrize("program", READ)
def test_what_was_right_stays(program: str, tmp_path: Path, figures: dict[str, float]) -> None:
    found = lines(changes.changes(program, strangers.fetch(program, tmp_path)))
    figures.update({"changes": len(found), "right": len(read(program, "right"))})
    assert read(program, "right") - found == set()
    assert read(program, "wrong") & found == set()
