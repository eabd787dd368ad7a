"""What the shim costs a program that touches no service: plain TCP on loopback, natively and under
the shim, client and server alike."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from ..lab import Host, Lab
from . import cases
from .cases import Answer, Case
from .document import Document, head, machine, spread
from .figures import ratio_interval
from .hosts import one_cpu
from .link import describe
from .load import await_quiet
from .peer import Client, Target, ready, server_command
from .plan import Plan

STACKS = ("tcp", "shim")
PLACINGS = 16
_LOOPBACK = "127.0.0.1"

Burst = Callable[[], Answer]


@dataclass(frozen=True)
class Traffic:
    """A case, and how it is cut into bursts."""

    case: Case
    burst_s: float
    """Long against its own beginning and end, short against what else the machine does."""


PLAIN = (Traffic(cases.PLAIN_OPENS, burst_s=0.02), Traffic(cases.PLAIN_BULK, burst_s=0.1))


def overhead(plan: Plan) -> Document:
    """Pairs of runs; the ratio of each pair is what counts."""
    rows, ratios = [], []
    with Lab(["here"], kind="loopback") as lab:
        lab.start()
        lab["here"].prefix = ("taskset", "--cpu-list", str(one_cpu()))
        link = {**describe(lab, plan), "pinned": True}
        for traffic in PLAIN:
            values, loads = _pairs(lab["here"], plan, traffic)
            for stack, ours in values.items():
                about = {**head(traffic.case, stack), "link": link["kind"]}
                rows.append({**about, **spread(ours, ours, ours), "loads": loads})
            interval = ratio_interval(values["shim"], values["tcp"])
            ratios.append({**head(traffic.case, "shim"), "to": "tcp", **interval})
    return {"schema": 1, "link": link, "machine": machine(), "rows": rows, "ratios": ratios}


def _pairs(host: Host, plan: Plan, traffic: Traffic) -> tuple[dict[str, list[float]], list[float]]:
    """Each stack's figures, run by run, and the load before each run.

    Both stacks' programs live at the same time and work in bursts, in turn, so that what else
    happens on the machine meets both. All are on one CPU: which CPUs the scheduler gives to two
    processes is worth a third of a connection's time. Where their memory lies is worth several
    per cent for as long as they live, so that a run has new ones PLACINGS times.
    """
    values: dict[str, list[float]] = {stack: [] for stack in STACKS}
    loads = []
    bursts = max(1, round(plan.seconds / PLACINGS / traffic.burst_s))
    for run in range(plan.runs):
        loads.append(await_quiet(plan.most_load))
        answers: dict[str, list[Answer]] = {stack: [] for stack in STACKS}
        for _ in range(PLACINGS):
            with ExitStack() as stack:
                pair = {name: stack.enter_context(_bursts(host, traffic, name)) for name in STACKS}
                _in_turn(pair, bursts, answers)
        for name, given in answers.items():
            values[name].append(_figure(traffic.case, given))
        plan.on_run(f"{traffic.case.title}: run {run + 1} of {plan.runs}, load {loads[-1]:g}")
    return values, loads


def _figure(case: Case, answers: list[Answer]) -> float:
    """Of all answers together."""
    together = {key: sum(one[key] for one in answers) for key in answers[0] if key != "flows"}
    return case.sample(together).mean


def _in_turn(stacks: dict[str, Burst], bursts: int, answers: dict[str, list[Answer]]) -> None:
    """Appends each stack's answers. The first one's pages and caches are still to be filled."""
    for burst in stacks.values():
        burst()
    for turn in range(bursts):
        for stack in sorted(stacks, reverse=turn % 2 == 0):
            answers[stack].append(stacks[stack]())


@contextmanager
def _bursts(host: Host, traffic: Traffic, stack: str) -> Iterator[Burst]:
    """A client and a server of plain TCP, both new; the client works when it is told to."""
    server, port = ready(host, [*server_command(), _LOOPBACK, 0], shim=stack == "shim")
    client = Client(host, Target(stack, _LOOPBACK, port), traffic.case.mode)

    def burst() -> Answer:
        answer = client.measure(traffic.burst_s)
        client.renew()
        return answer

    try:
        yield burst
    finally:
        client.close()
        host.end(server)
