"""What is asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .. import namespaces
from ..errors import WrongUsage
from .link import check_congestion, check_rate

MOST_LOAD = 1.5
"""Above it other programs take so much of two CPUs that ratios change, not only figures."""


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
    congestion: str | None = None
    """Congestion control of the kernel's TCP; cubic unless it is given, where routes can be set."""
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


def check(plan: Plan) -> None:
    """WrongUsage unless all that is asked for can be measured."""
    check_rate(plan.rate)
    if not plan.seconds > 0 or plan.runs < 1:
        raise WrongUsage("--seconds and --runs must be positive")
    has_link = namespaces.available() if plan.kind is None else plan.kind == "namespaces"
    if (plan.rate or plan.mtu is not None) and not has_link:
        raise WrongUsage("--shape and --mtu are a link's: --hosts namespaces, as root")
    if plan.congestion and not has_link:
        raise WrongUsage("--congestion is set on routes of its own: --hosts namespaces, as root")
    if has_link:
        check_congestion(plan.congestion)
