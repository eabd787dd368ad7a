"""`scaffold bench`: the kernel's TCP and UDP and SCAFFOLD in turn, over the same link and by the
same programs. No verdicts, only figures; `docs/schemas/bench.schema.json` describes them.

    plan       what is asked for: seconds, runs, the link, one CPU, how busy the machine may be
    hosts      a pair of hosts, or one, with one congestion control on their routes
    link       what is between them, and its description
    load       how busy the machine is, and waiting until it is not
    cpu        the CPU time of processes, by the part that each of them plays
    memory     the memory of processes, and of the kernel
    figures    medians, intervals, ratios, Jain's index: of numbers alone
    cases      the tables: what each benchmark measures, in which unit
    peer       the traffic program's server and client; `peer/` has its source
    runs       a station measures one case on one stack; all stations of a benchmark take turns
    wire       from host to host: throughput, latency, opens, requests, parallel, datagrams
    same_host  between two programs of one host, on each plane that it has
    idle       10,000 flows that do nothing: their memory, and what they cost those that do
    programs   programs that everybody knows: `nginx` under wrk, and `redis`
    tool       what those are run with
    overhead   what the shim costs a program that touches no service
    document   the figures, for programs
    drawing    the same for people
    plot       the same as pictures
    page       docs/benchmarks.md
"""

from collections.abc import Callable

from ..errors import WrongUsage
from . import idle, overhead, programs, same_host, wire
from .document import Document, merged
from .link import check, check_rate
from .load import BusyMachine, await_quiet
from .peer import AS_SERVICE, PORT, SERVICE, Target, plain_server, servers, traffic
from .plan import MOST_LOAD, Plan

BENCHES: dict[str, Callable[[Plan], Document]] = {
    "throughput": wire.throughput,
    "latency": wire.latency,
    "opens": wire.opens,
    "requests": wire.requests,
    "parallel": wire.parallel,
    "datagrams": wire.datagrams,
    "same-host": same_host.same_host,
    "idle": idle.idle,
    "programs": programs.programs,
    "overhead": overhead.overhead,
}


ALL = "all"


def measure(name: str, plan: Plan) -> Document:
    """One of them, or ALL in one document."""
    document = merged([BENCHES[one](plan) for one in (BENCHES if name == ALL else [name])])
    if not document["rows"] and not document["missing"]:
        raise WrongUsage("nothing to measure: no such stack is compared here; leave out --stack")
    return document


__all__ = [
    "ALL",
    "AS_SERVICE",
    "BENCHES",
    "MOST_LOAD",
    "PORT",
    "SERVICE",
    "BusyMachine",
    "Plan",
    "Target",
    "await_quiet",
    "check",
    "check_rate",
    "measure",
    "plain_server",
    "servers",
    "traffic",
]
