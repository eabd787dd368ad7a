"""What memory is in use."""

import os
from pathlib import Path


def resident(pid: int) -> int:
    """A process' resident memory in bytes."""
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def slab() -> int:
    """The kernel's own memory for sockets and the like, of the whole machine, in bytes."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("Slab:"):
            return int(line.split()[1]) * 1024
    return 0


def by_owner(pids: dict[str, int]) -> dict[str, int]:
    """The kernel's, and each process' by its name."""
    return {"kernel": slab(), **{name: resident(pid) for name, pid in pids.items()}}
