"""What an analysis of whole programs costs: CPU time and memory, which other work on the machine
changes less than the time that passes."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from scaffold_port.fetch import debian
from verify import strangers

pytestmark = [pytest.mark.full, pytest.mark.timeout(1800)]

SECONDS_MAX, BYTES_MAX = 10, 300 << 20
"""Of any of these; `rewrite` uses what `analyze` has kept."""
LARGEST, LARGEST_SECONDS_MAX = "samba", 25
"""Some 5,000 files of C and 900 of Python."""


@dataclass(frozen=True)
class Cost:
    """Of a command with all its processes; memory is that of the largest."""

    seconds: float
    bytes: int


def cost(*words: str | Path, cache: Path) -> Cost:
    command = [str(Path(sys.executable).with_name("scaffold-port")), *map(str, words)]
    nowhere = [(os.POSIX_SPAWN_OPEN, out, os.devnull, os.O_WRONLY, 0) for out in (1, 2)]
    environment = os.environ | {"XDG_CACHE_HOME": str(cache)}
    child = os.posix_spawn(command[0], command, environment, file_actions=nowhere)
    _, status, used = os.wait4(child, 0)
    assert os.waitstatus_to_exitcode(status) in (0, 1, 4), command
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


@pytest.mark.parametrize("name", [*strangers.PROGRAMS, LARGEST])
def test_time_and_memory(name: str, tmp_path: Path, figures: dict[str, float]) -> None:
    fetch = debian.fetch if name == LARGEST else strangers.fetch
    source = fetch(name, tmp_path / "source")
    cold = cost("analyze", source, cache=tmp_path / "cache")
    again = cost("rewrite", "--check", source, cache=tmp_path / "cache")
    figures["cold_s"] = round(cold.seconds, 2)
    figures["with_rewrite_s"] = round(cold.seconds + again.seconds, 2)
    figures["peak_bytes"] = max(cold.bytes, again.bytes)
    assert cold.seconds <= (LARGEST_SECONDS_MAX if name == LARGEST else SECONDS_MAX)
    assert again.seconds < cold.seconds
    assert figures["peak_bytes"] <= BYTES_MAX
