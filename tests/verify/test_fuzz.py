"""The fuzzers at length: each of libFuzzer's targets for 5 minutes with the core instrumented, and
programs of several users at the control socket for 10.

What breaks something is left in `build/fuzz/found_<target>/`: with its mending it becomes
`tests/fuzz/corpus/fuzz_<target>/found-*`.
"""

import re
import subprocess
from pathlib import Path

import pytest

from fuzz.control_fuzz import fuzz
from fuzz.test_control import sanitized, seed

__all__ = ["sanitized"]
pytestmark = [pytest.mark.full, pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "tests/fuzz/corpus"
BUILD = ROOT / "build/fuzz"
TARGETS = sorted(path.stem for path in (ROOT / "tests/fuzz").glob("fuzz_*.c"))
TARGET_SECONDS = 300
CONTROL_SECONDS = 600


@pytest.fixture(scope="module")
def built() -> None:
    """With clang, which set-up installs with the linters."""
    configure = ["cmake", "--preset", "fuzz"]
    build = ["cmake", "--build", str(BUILD), "-j2", "--target", "fuzzers"]
    for command in (configure, build):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.usefixtures("built")
def test_target(target: str, figures: dict[str, float]) -> None:
    """The corpus that it finds is its own, and goes on from the last run."""
    folder = BUILD / target.replace("fuzz_", "found_")
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    limits = [f"-max_total_time={TARGET_SECONDS}", "-timeout=60", "-rss_limit_mb=4096"]
    known = [str(folder / "corpus"), str(CORPUS / target)]
    command = [str(BUILD / target), *limits, "-print_final_stats=1", *known]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
    said = done.stderr
    figures["executions"] = float((re.findall(r"number_of_executed_units: (\d+)", said) or [0])[0])
    figures["edges"] = float((re.findall(r"INFO: Loaded 1 modules +\((\d+)", said) or [0])[0])
    figures["covered"] = float((re.findall(r"cov: (\d+)", said) or [0])[-1])
    assert done.returncode == 0, said[-4000:]


@pytest.mark.usefixtures("root_only", "sanitized")
def test_programs_that_keep_to_nothing(figures: dict[str, float]) -> None:
    outcome = fuzz(seed(), seconds=CONTROL_SECONDS)
    figures["seed"] = outcome.seed
    figures["operations"] = outcome.operations
    figures["processes"] = outcome.processes
    figures["honest_answers"] = outcome.answers
    figures["settled_s"] = outcome.settled_s
    assert not outcome.wrong, f"SCAFFOLD_FUZZ_SEED={outcome.seed}: {outcome.wrong}"
