"""Stations, and their turns.

A station measures one case on one stack. All stations of a benchmark are alive at the same time and
take turns, so that whatever else the machine does meets all of them; every other round goes
backwards.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from ..lab import Host
from .cases import Answer, Case, Sample
from .cpu import Meter
from .load import await_quiet
from .peer import Client, Target
from .plan import Plan

_WARM_S = 0.05
"""The first burst fills pages and caches, and is thrown away."""


@dataclass(frozen=True)
class Run:
    """What one run has shown."""

    sample: Sample
    load: float
    """Before it."""
    cpu_us: dict[str, float]
    """Per operation, by part."""
    jain: float | None
    lost: int
    """Datagrams that did not come back."""

    @property
    def cpu_all_us(self) -> float:
        """Of all parts together."""
        return sum(self.cpu_us.values())


@dataclass
class Station:
    """One case on one stack, ready to be measured again and again."""

    case: Case
    stack: str
    measure: Callable[[float], Answer]
    """A run of so many seconds. `client_us` in the answer is the CPU time of a client that did not
    live before."""
    meter: Meter
    renew: Callable[[], None] = lambda: None
    """What follows a run, and is not counted."""
    runs: list[Run] = field(default_factory=list)

    def run(self, seconds: float, load: float) -> Run:
        """One run."""
        self.meter.read()
        answer = self.measure(seconds)
        used = self.meter.read()
        self.renew()
        if "client_us" in answer:
            used = {"client": answer["client_us"], **used}
        count = max(self.case.operations(answer), 1)
        per_operation = {part: us / count for part, us in used.items()}
        fairness, lost = self.case.fairness(answer), answer.get("lost", 0)
        return Run(self.case.sample(answer), load, per_operation, fairness, lost)


@contextmanager
def station(
    case: Case, client: Host, target: Target, scaffoldds: dict[str, int]
) -> Iterator[Station]:
    """The traffic program's client, and the processes that its bytes pass through."""
    peer = Client(client, target, case.mode, case.words)
    try:
        pids = {"client": peer.pid, **(scaffoldds if target.shim else {}), "server": target.pid}
        yield Station(case, target.stack, peer.measure, Meter(pids), peer.renew)
    finally:
        peer.close()


@contextmanager
def stations(
    cases: Sequence[Case], client: Host, targets: Sequence[Target], scaffoldds: dict[str, int]
) -> Iterator[list[Station]]:
    """One for each case on each target."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(station(case, client, target, scaffoldds))
            for case in cases
            for target in targets
        ]


def take_turns(all_stations: Sequence[Station], plan: Plan) -> None:
    """Has every station run as often as the plan says."""
    for one in all_stations:
        one.run(min(_WARM_S, plan.seconds), 0.0)
    for number in range(plan.runs):
        for one in all_stations if number % 2 == 0 else reversed(all_stations):
            run = one.run(plan.seconds, await_quiet(plan.most_load))
            one.runs.append(run)
            plan.on_run(_line(one, number, plan))


def _line(one: Station, number: int, plan: Plan) -> str:
    run = one.runs[-1]
    figure = f"{run.sample.median:,.1f} {one.case.unit}"
    turn = f"run {number + 1} of {plan.runs}"
    return f"{one.case.title}: {turn}, {one.stack}: {figure}, load {run.load:g}"
