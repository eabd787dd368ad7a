"""The hosts."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .. import namespaces
from ..lab import Lab
from .plan import Plan


@contextmanager
def hosts(
    plan: Plan,
    names: Sequence[str] = ("a", "b"),
    config: str = "",
    build: Path | None = None,
) -> Iterator[Lab]:
    """The hosts of a plan, with lines of their scaffoldds' configuration. Namespaces have the same
    congestion control on their routes and in scaffoldd."""
    rate, mtu = (plan.rate, plan.mtu or 1500) if len(names) > 1 else (None, 1500)
    lab = Lab(names, kind=plan.kind, rate=rate, mtu=mtu, router=names[-1], build=build)
    with lab:
        for host in lab.hosts.values():
            if host.namespace:
                namespaces.congestion(host.namespace, plan.congestion)
            if plan.pin:
                host.prefix += ("taskset", "--cpu-list", str(one_cpu()))
        settings = lab.folder / "scaffoldd.toml"
        settings.write_text(f'congestion = "{plan.congestion}"\n{config}')
        lab.start(config=settings)
        yield lab


def one_cpu() -> int:
    """The CPU that everything is pinned to: the last, since the first has the interrupts."""
    return max(os.sched_getaffinity(0))


@contextmanager
def builds(plan: Plan) -> Iterator[dict[str, Lab]]:
    """The hosts, and those of another build where one is given, by their stack."""
    with ExitStack() as stack:
        labs = {"user": stack.enter_context(hosts(plan))}
        if plan.base is not None:
            labs["base"] = stack.enter_context(hosts(plan, build=plan.base))
        yield labs


def scaffoldds(lab: Lab) -> dict[str, int]:
    """The pids of a lab's scaffoldds, by the part that they play."""
    return {
        f"scaffoldd_{'ab'[number]}": host.daemon.pid
        for number, host in enumerate(lab.hosts.values())
        if host.daemon
    }
