"""The CPU time of processes."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

PARTS = ("client", "scaffoldd_a", "scaffoldd_b", "server")
"""In the order of the bytes' way. Where there is one host, it is `a`."""


def used_us(pid: int) -> float:
    """Microseconds that a process, all of its threads and its children have run so far.

    The scheduler's own count, exact for whoever is not running at this moment.
    """
    total = 0.0
    for task in Path(f"/proc/{pid}/task").glob("*"):
        with suppress(OSError):  # ended in between
            total += int((task / "schedstat").read_text().split()[0]) / 1000
            total += sum(used_us(int(child)) for child in (task / "children").read_text().split())
    return total


class Meter:
    """What each part of a run has used since the meter was read last."""

    def __init__(self, pids: Mapping[str, int]):
        self._pids = pids
        self._last: dict[str, float] = {}
        self.read()

    def read(self) -> dict[str, float]:
        """Microseconds since the last time, by part."""
        now = {part: used_us(pid) for part, pid in self._pids.items()}
        used = {part: value - self._last.get(part, 0.0) for part, value in now.items()}
        self._last = now
        return used
