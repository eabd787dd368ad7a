"""How busy the machine is before a run.

The kernel's own load averages reach back a minute and more: they would count the run before, four
programs at work, as somebody else's. Here the same thing is averaged over a moment in which nothing
of ours runs: how many threads run or wait for a CPU.
"""

import errno
import statistics
import time
from pathlib import Path

from ..errors import ServiceError

_LOADAVG = Path("/proc/loadavg")
_SAMPLES = 40
_EVERY_S = 0.005
_PATIENCE_S = 120.0
"""How long a run waits: a compiler is through with its files by then, or there is more to come."""


class BusyMachine(ServiceError):
    """Others kept the CPUs for as long as a run waits for them."""


def load() -> float:
    """The mean number of threads, other than this one, that run or wait for a CPU; takes 0.2 s."""
    samples = []
    for _ in range(_SAMPLES):
        time.sleep(_EVERY_S)
        samples.append(runnable(_LOADAVG.read_text()) - 1)
    return round(max(0.0, statistics.fmean(samples)), 2)


def runnable(loadavg: str) -> int:
    """The fourth word of /proc/loadavg: threads that run or could, of how many."""
    return int(loadavg.split()[3].partition("/")[0])


def await_quiet(most: float | None, patience_s: float = _PATIENCE_S) -> float:
    """The load, once it is at most `most`; BusyMachine when it stays higher for too long."""
    deadline = time.monotonic() + patience_s
    while True:
        now = load()
        if most is None or now <= most:
            return now
        if time.monotonic() >= deadline:
            text = f"the machine is busy: load {now:g} for {patience_s:g} s, at most {most:g}"
            raise BusyMachine(errno.EBUSY, f"{text}; end what else runs, or raise --max-load")
