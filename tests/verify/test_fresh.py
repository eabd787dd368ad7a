"""What is green here is green on a bare machine."""

import os
import re
import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.full, pytest.mark.timeout(7200)]
ROOT = Path(__file__).parents[2]


def test_fresh(figures: dict[str, float]) -> None:
    """`make demo` and `make test` of HEAD on a minimal Debian 12, with its own Python."""
    if os.geteuid() != 0:
        pytest.fail("a bare system can be made by root only", pytrace=False)
    done = subprocess.run(
        [ROOT / ".ci/fresh"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    print(done.stdout)
    for target, code, seconds in re.findall(
        r"^fresh: make (\w+): exit code (\d+) after (\d+) s$", done.stdout, re.MULTILINE
    ):
        figures[f"{target}_s"] = int(seconds)
        assert code == "0", f"make {target} failed"
    assert done.returncode == 0
    assert {"demo_s", "test_s"} <= figures.keys()
    assert str(ROOT / "build/fresh") not in Path("/proc/mounts").read_text()
    assert not (ROOT / "build/fresh/root").exists()
