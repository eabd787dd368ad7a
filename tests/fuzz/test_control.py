"""Programs of several users against the control socket, in short form; see control_fuzz.py.

SCAFFOLD_FUZZ_SEED=N repeats a run; SCAFFOLD_FUZZ_LOG=1 prints every operation.
"""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from fuzz.control_fuzz import fuzz
from scaffold import paths

BUILD = Path(__file__).parents[2] / "build/dev"
OPERATIONS = 1200  # of each process: about 15 s in all
FEW = 300  # descriptors that those processes together could use up


def seed() -> int:
    return int(os.environ.get("SCAFFOLD_FUZZ_SEED") or secrets.randbits(32))


@pytest.fixture
def sanitized(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hosts run the scaffoldd that was built with sanitizers."""
    if not (BUILD / paths.DAEMON).exists():
        pytest.skip("build/dev has no scaffoldd; make native builds it")
    monkeypatch.setenv("SCAFFOLD_BUILD_DIR", str(BUILD))
    paths.part.cache_clear()
    yield
    paths.part.cache_clear()


@pytest.mark.root
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("root_only", "sanitized")
@pytest.mark.parametrize("descriptors", [None, FEW], ids=["enough", "few"])
def test_programs_that_keep_to_nothing(descriptors: int | None) -> None:
    outcome = fuzz(seed(), operations=OPERATIONS, descriptors=descriptors)
    assert not outcome.wrong, f"SCAFFOLD_FUZZ_SEED={outcome.seed}: {outcome.wrong}"
    assert outcome.answers > 10
