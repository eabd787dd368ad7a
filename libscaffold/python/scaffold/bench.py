"""`scaffold bench`: the kernel's TCP and the user plane, in turn, over the same link; and what the
shim costs a program that touches no service.

No verdicts here, only figures; `docs/schemas/bench.schema.json` describes them.
"""

import json
import math
import os
import platform
import statistics
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from . import namespaces, paths
from .errors import ServiceError, WrongUsage
from .lab import Host, Lab

SERVICE = "bench.lab.scaffold"
PORT = 5301
STACKS = ("tcp", "user")
CONFIDENCE = 0.95
PLACINGS = 16
_PATIENCE_S = 30.0


@dataclass
class Plan:
    """What to measure, and on what."""

    seconds: float = 3.0
    """Length of one run."""
    runs: int = 5
    kind: str | None = None
    rate: str | None = None
    """Shape the link to this rate, as tc writes it ("1gbit")."""
    mtu: int | None = None
    """Of that link, in bytes; 1500 unless it is given."""
    on_run: Callable[[str, int, float], None] = lambda stack, run, value: None
    """Told the stack, the run's number and its figure."""


@dataclass
class Sample:
    """One run: its centre, and its own spread where one run has many values."""

    mean: float
    median: float
    p99: float


def throughput(plan: Plan) -> dict[str, Any]:
    """Mbit/s of one flow, from the first byte until the receiver's count has come back."""

    def sample(answer: dict[str, Any]) -> Sample:
        rate = answer["bytes"] * 8 / answer["seconds"] / 1e6
        return Sample(rate, rate, rate)

    return _measure(plan, "throughput", "Mbit/s", sample)


def latency(plan: Plan) -> dict[str, Any]:
    """Microseconds of one byte there and back, on one flow."""

    def sample(answer: dict[str, Any]) -> Sample:
        return Sample(answer["mean_us"], answer["median_us"], answer["p99_us"])

    return _measure(plan, "latency", "us", sample)


def _measure(
    plan: Plan, mode: str, unit: str, sample: Callable[[dict[str, Any]], Sample]
) -> dict[str, Any]:
    samples: dict[str, list[Sample]] = {stack: [] for stack in STACKS}
    with Lab(["a", "b"], kind=plan.kind, rate=plan.rate, mtu=plan.mtu or 1500, router="b") as lab:
        lab.start()
        with servers(lab) as targets:
            for run in range(plan.runs):
                for stack in STACKS:
                    answer = traffic(lab["a"], targets[stack], mode, plan.seconds)
                    samples[stack].append(sample(answer))
                    plan.on_run(stack, run, samples[stack][-1].mean)
        rows = [_row(stack, unit, samples[stack]) for stack in STACKS]
        return {"schema": 1, "link": describe_link(lab), "rows": rows}


@dataclass(frozen=True)
class Traffic:
    """A mode of the traffic program, and the figure in its answers."""

    mode: str
    unit: str
    counted: str
    burst_s: float
    """Long against its own beginning and end, short against what else the machine does."""
    factor: float = 1.0

    def figure(self, answers: list[dict[str, Any]]) -> float:
        """In `unit`, of all answers together."""
        counted = sum(float(answer[self.counted]) for answer in answers)
        return counted * self.factor / sum(float(answer["seconds"]) for answer in answers)


PLAIN = (
    Traffic("connections", "1/s", "count", burst_s=0.02),
    Traffic("throughput", "Mbit/s", "bytes", burst_s=0.1, factor=8e-6),
)


def overhead(plan: Plan) -> dict[str, Any]:
    """Plain TCP on loopback, natively and under the shim, client and server alike.

    Pairs of runs; the ratio of each pair is what counts.
    """
    rows, ratios = [], []
    with Lab(["here"], kind="loopback") as lab:
        lab.start()
        cpu = str(max(os.sched_getaffinity(0)))
        lab["here"].prefix = ("taskset", "--cpu-list", cpu)
        for traffic in PLAIN:
            values = _pairs(lab["here"], plan, traffic)
            rows += [
                _row(stack, traffic.unit, [Sample(v, v, v) for v in values[stack]])
                for stack in values
            ]
            pairs = zip(values["shim"], values["tcp"], strict=True)
            interval = median_interval([shim / native for shim, native in pairs])
            ratios.append({"unit": traffic.unit} | interval)
        return {"schema": 1, "link": describe_link(lab), "rows": rows, "ratios": ratios}


def _pairs(host: Host, plan: Plan, traffic: Traffic) -> dict[str, list[float]]:
    """Each stack's figures, run by run.

    Both stacks' programs live at the same time and work in bursts, in turn, so that what else
    happens on the machine meets both. All are on one CPU: which CPUs the scheduler gives to two
    processes is worth a third of a connection's time. Where their memory lies is worth several
    per cent for as long as they live, so that a run has new ones PLACINGS times.
    """
    values: dict[str, list[float]] = {"tcp": [], "shim": []}
    bursts = max(1, round(plan.seconds / PLACINGS / traffic.burst_s))
    for run in range(plan.runs):
        answers: dict[str, list[dict[str, Any]]] = {stack: [] for stack in values}
        for _ in range(PLACINGS):
            with _turns(host, traffic, shim=False) as tcp, _turns(host, traffic, shim=True) as shim:
                _in_turn({"tcp": tcp, "shim": shim}, bursts, answers)
        for stack, given in answers.items():
            values[stack].append(traffic.figure(given))
            plan.on_run(stack, run, values[stack][-1])
    return values


Burst = Callable[[], dict[str, Any]]


def _in_turn(
    stacks: dict[str, Burst], bursts: int, answers: dict[str, list[dict[str, Any]]]
) -> None:
    """Appends each stack's answers. The first one's pages and caches are still to be filled."""
    for burst in stacks.values():
        burst()
    for turn in range(bursts):
        for stack in sorted(stacks, reverse=turn % 2 == 0):
            answers[stack].append(stacks[stack]())


@contextmanager
def _turns(host: Host, traffic: Traffic, *, shim: bool) -> Iterator[Burst]:
    """A client and a server of plain TCP, both new; the client works when it is told to."""
    peer, end = paths.part(paths.BENCH_PEER), "127.0.0.1"
    with _serving(host, [peer, "server", end, 0], shim=shim) as port:
        words = [str(word) for word in (peer, "turns", traffic.mode, end, port, traffic.burst_s)]
        pipe = subprocess.PIPE
        client = host.popen(words, shim=shim, stdin=pipe, stdout=pipe, stderr=pipe)

        def burst() -> dict[str, Any]:
            assert client.stdin and client.stdout and client.stderr
            client.stdin.write(b"\n")
            client.stdin.flush()
            answer = client.stdout.readline()
            if not answer:
                stack, why = "shim" if shim else "tcp", client.stderr.read().decode().strip()
                raise ServiceError(5, f"{stack} {traffic.mode}: {why}")
            return dict(json.loads(answer))

        try:
            yield burst
        finally:
            host.end(client)


def median_interval(values: list[float]) -> dict[str, float]:
    """The median, and an interval around it that holds whatever the distribution is.

    From order statistics: the number of values below the true median is binomial (n, 1/2), so
    the k-th smallest and the k-th largest value enclose it with a probability that is computed
    exactly (Conover, Practical Nonparametric Statistics, 3.2). Too few values for 95 %: all.
    """
    ordered, n = sorted(values), len(values)
    k, tail = 1, 2 * 0.5**n
    while True:
        wider = tail + 2 * math.comb(n, k) * 0.5**n
        if wider > 1 - CONFIDENCE:
            break
        k, tail = k + 1, wider
    return {
        "median": round(statistics.median(ordered), 4),
        "low": round(ordered[k - 1], 4),
        "high": round(ordered[n - k], 4),
        "confidence": round(1 - tail, 4),
    }


@dataclass(frozen=True)
class Target:
    """Where a traffic server is reached: on plain TCP by its address, or as a service."""

    stack: str
    address: str
    port: int


AS_SERVICE = Target("user", SERVICE, PORT)


@contextmanager
def servers(lab: Lab, host: str = "b") -> Iterator[dict[str, Target]]:
    """The same server twice on a host, by stack: on plain TCP, and as SERVICE under the shim."""
    plain, target = plain_server(lab[host])
    user, _ = _ready(
        lab[host], [paths.part(paths.BENCH_PEER), "server", "0.0.0.0", PORT], service=SERVICE
    )
    lab.await_service(f"{SERVICE}:{PORT}", process=user)
    yield {"tcp": target, "user": AS_SERVICE}
    for process in (plain, user):
        if process.poll() is not None:
            raise ServiceError(5, "the traffic server ended during the measurement")


def plain_server(host: Host) -> tuple[subprocess.Popen[Any], Target]:
    """A traffic server on plain TCP, at a port that nobody else on the machine has."""
    command = [paths.part(paths.BENCH_PEER), "server", host.address, 0]
    process, port = _ready(host, command, shim=False)
    return process, Target("tcp", host.address, port)


@contextmanager
def _serving(host: Host, command: list[Any], **options: Any) -> Iterator[int]:
    """A traffic server, for as long as the block lasts: its port."""
    process, port = _ready(host, command, **options)
    try:
        yield port
    finally:
        host.end(process)


def _ready(host: Host, command: list[Any], **options: Any) -> tuple[subprocess.Popen[Any], int]:
    process = host.popen(command, stdout=subprocess.PIPE, **options)
    assert process.stdout is not None
    word, _, port = process.stdout.readline().partition(b" ")
    if word != b"ready":
        raise ServiceError(5, "the traffic server did not start")
    return process, int(port)


def traffic(
    client: Host, target: Target, mode: str, seconds: float, **options: Any
) -> dict[str, Any]:
    """One run of the traffic program: its answer."""
    command = [paths.part(paths.BENCH_PEER), mode, target.address, target.port, seconds]
    done = client.run(
        [str(word) for word in command],
        shim=target.stack != "tcp",
        timeout=seconds + _PATIENCE_S,
        **options,
    )
    if done.returncode != 0:
        trouble = done.stderr.strip() or done.returncode
        raise ServiceError(5, f"{target.stack} {mode}: {trouble}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _row(stack: str, unit: str, samples: list[Sample]) -> dict[str, Any]:
    means = [one.mean for one in samples]
    tails = sorted(one.p99 for one in samples)
    return {
        "stack": stack,
        "unit": unit,
        "mean": round(statistics.fmean(means), 3),
        "stdev": round(statistics.stdev(means), 3) if len(means) > 1 else 0.0,
        "median": round(statistics.median(one.median for one in samples), 3),
        "p99": round(tails[min(len(tails) - 1, len(tails) * 99 // 100)], 3),
        "runs": len(samples),
        "values": [round(value, 3) for value in means],
    }


def describe_link(lab: Lab) -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "kind": "veth" if lab.kind == "namespaces" else "loopback",
        "rate_mbit": _mbit(lab.rate),
        "mtu": lab.mtu if lab.kind == "namespaces" else 65536,
        "kernel": platform.release(),
        "cpus": len(os.sched_getaffinity(0)),
    }


def _mbit(rate: str | None) -> float | None:
    """tc's notation in Mbit/s; None for an unshaped link."""
    if rate is None:
        return None
    for suffix, factor in (("gbit", 1000.0), ("mbit", 1.0), ("kbit", 0.001)):
        if rate.endswith(suffix):
            return float(rate.removesuffix(suffix)) * factor
    raise WrongUsage(f"{rate!r} is not a rate; write for example 1gbit or 100mbit")


def check(plan: Plan) -> None:
    """WrongUsage unless all that is asked for can be measured."""
    check_rate(plan.rate)
    if not plan.seconds > 0 or plan.runs < 1:
        raise WrongUsage("--seconds and --runs must be positive")
    has_link = namespaces.available() if plan.kind is None else plan.kind == "namespaces"
    if (plan.rate or plan.mtu is not None) and not has_link:
        raise WrongUsage("--shape and --mtu are a link's: --hosts namespaces, as root")


def check_rate(rate: str | None) -> None:
    """WrongUsage unless tc would understand the rate."""
    try:
        _mbit(rate)
    except ValueError:
        raise WrongUsage(f"{rate!r} is not a rate; write for example 1gbit") from None
