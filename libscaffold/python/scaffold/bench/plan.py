"""What is asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MOST_LOAD = 1.5
"""Above it other programs take so much of two CPUs that ratios change, not only figures."""

CONGESTION = "cubic"
"""What the kernel has unless somebody chose; machines differ in what somebody chose."""


@dataclass
class Plan:
    """What to measure, and on what."""

    seconds: float = 3.0
    """Length of one run."""
    runs: int = 5
    kind: str | None = None
    """Where the hosts are, "namespaces" or "loopback"; by default what this process may use."""
    rate: str | None = None
    """Shape the link to this rate, as tc writes it ("1gbit")."""
    mtu: int | None = None
    """Of that link, in bytes; 1500 unless it is given."""
    congestion: str = CONGESTION
    """Congestion control of the kernel's TCP, where routes can be set, and of scaffoldd."""
    pin: bool = False
    """Everything on one CPU: work is compared, not where the scheduler puts it."""
    most_load: float | None = None
    """A run waits until the machine is less busy than that, and is refused if it stays so."""
    base: Path | None = None
    """A build tree of SCAFFOLD that is measured as well, as the stack `base`."""
    stacks: tuple[str, ...] = ()
    """Only these; all that a benchmark compares unless some are given."""
    idle_flows: int = 10_000
    """Of `idle`."""
    on_run: Callable[[str], None] = lambda line: None
    """Told of each run, in one line."""

    def has(self, stack: str) -> bool:
        """Whether a stack is asked for."""
        return not self.stacks or stack in self.stacks
