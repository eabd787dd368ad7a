"""Programs that everybody knows: nginx under wrk, and redis under its own benchmark."""

from collections.abc import Iterator
from functools import partial
from types import ModuleType

from ..lab import Lab
from . import nginx, redis
from .cpu import Meter
from .document import Document, document
from .hosts import builds, scaffoldds
from .link import describe
from .plan import Plan
from .runs import Station, take_turns
from .tool import PACKAGES, version, which


def programs(plan: Plan) -> Document:
    """Requests per second; what is not installed is left out, and named in `missing`."""
    absent = [name for name in PACKAGES if which(name) is None]
    with builds(plan) as labs:
        all_stations = [
            station
            for program in (nginx, redis)
            if not set(program.NEEDS) & set(absent)
            for stack, lab in {"tcp": labs["user"], **labs}.items()
            if plan.has(stack)
            for station in _stations(lab, program, stack)
        ]
        take_turns(all_stations, plan)
        found = document(describe(labs["user"], plan), all_stations)
    found["machine"]["programs"] = {
        name: version(name) for name in sorted(PACKAGES) if name not in absent
    }
    found["missing"] = [
        {"bench": "programs", "program": name, "package": PACKAGES[name]} for name in absent
    ]
    return found


def _stations(lab: Lab, program: ModuleType, stack: str) -> Iterator[Station]:
    """One server for all of a program's cases."""
    target = program.serve(lab, stack)
    pids = {**(scaffoldds(lab) if target.shim else {}), "server": target.pid}
    for case in program.CASES:
        measure = partial(program.measure, lab["a"], target, case)
        yield Station(case, stack, measure, Meter(pids))
