"""What each benchmark measures, and how an answer becomes a figure."""

from dataclasses import dataclass
from typing import Any

from .figures import jain

Answer = dict[str, Any]
"""What the traffic program prints at the end of a run."""


@dataclass(frozen=True)
class Sample:
    """One run's figure: its centre, and its own spread where one run has many values."""

    mean: float
    median: float
    p99: float


@dataclass(frozen=True)
class Case:
    """One thing that a benchmark measures, on each of its stacks."""

    bench: str
    name: str
    unit: str
    operation: str
    """What CPU time is counted per."""
    mode: str = ""
    """Of the traffic program; others have none."""
    words: tuple[int, ...] = ()
    """How many flows, or datagrams in flight; how many bytes a message has."""

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.bench}, {self.name}"

    def sample(self, answer: Answer) -> Sample:
        """An answer's figure in `unit`."""
        if self.unit == "us":
            return Sample(answer["mean_us"], answer["median_us"], answer["p99_us"])
        counted = answer["bytes"] * 8e-6 if self.unit == "Mbit/s" else answer["count"]
        rate = counted / answer["seconds"]
        return Sample(rate, rate, rate)

    def operations(self, answer: Answer) -> float:
        """How many there were."""
        return float(answer["bytes"] / 1e6 if "bytes" in answer else answer["count"])

    def fairness(self, answer: Answer) -> float | None:
        """Jain's index of what each flow got; None where there is one flow."""
        shares = answer.get("flows", [])
        return jain(shares) if len(shares) > 1 else None


def _bulk(bench: str, name: str, flows: int = 1) -> Case:
    return Case(bench, name, "Mbit/s", "MB", "throughput", (flows,))


def _trip(bench: str, name: str) -> Case:
    return Case(bench, name, "us", "round trip", "latency")


def _opens(bench: str, name: str) -> Case:
    return Case(bench, name, "1/s", "open", "opens")


def _closes(bench: str, name: str) -> Case:
    return Case(bench, name, "1/s", "open", "opens-closed")


def _requests(bench: str, name: str, flows: int, size: int) -> Case:
    return Case(bench, name, "1/s", "request", "requests", (flows, size))


def _datagrams(bench: str, name: str, in_flight: int) -> Case:
    return Case(bench, name, "1/s", "echo", "datagrams", (in_flight, 64))


THROUGHPUT = [_bulk("throughput", "one flow")]
LATENCY = [_trip("latency", "1 B there and back")]
OPENS = [_opens("opens", "open, 1 B there and back, reset")]
REQUESTS = [
    _requests("requests", "64 flows, 64 B", 64, 64),
    _requests("requests", "64 flows, 1 KiB", 64, 1024),
]
PARALLEL = [
    _bulk("parallel", "1 flow"),
    _bulk("parallel", "8 flows", 8),
    _bulk("parallel", "64 flows", 64),
]
DATAGRAMS = [
    _datagrams("datagrams", "64 B, 1 in flight", 1),
    _datagrams("datagrams", "64 B, 16 in flight", 16),
]
SAME_HOST = [
    _trip("same-host", "1 B there and back"),
    _bulk("same-host", "one flow"),
    _closes("same-host", "open, 1 B there and back, close"),
]
ALONE = _requests("idle", "64 flows, 64 B, alone", 64, 64)
KEPT_ALIVE = Case("programs", "nginx, wrk, 64 connections kept alive", "1/s", "request")
CLOSING = Case("programs", "nginx, wrk, 64 connections, closing", "1/s", "request")
REDIS = Case("programs", "redis, 50 connections, SET and GET", "1/s", "request")
PLAIN_OPENS = _opens("overhead", "open, 1 B there and back, reset")
PLAIN_BULK = _bulk("overhead", "one flow")


def beside(idle_flows: int) -> Case:
    """The same as ALONE, among flows that do nothing."""
    return _requests("idle", f"64 flows, 64 B, beside {idle_flows:,} idle ones", 64, 64)


def memory(owner: str) -> Case:
    """What an idle flow takes of somebody's memory."""
    return Case("idle", f"memory of an idle flow, {owner}", "B", "")
