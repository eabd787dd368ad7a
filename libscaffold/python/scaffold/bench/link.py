"""The hosts, and the link between them."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import namespaces
from ..errors import WrongUsage
from ..lab import Lab

if TYPE_CHECKING:
    from .plan import Plan

CONGESTION = "cubic"
"""What the kernel has unless somebody chose; machines differ in what somebody chose."""
_TCP = Path("/proc/sys/net/ipv4")


@contextmanager
def hosts(
    plan: "Plan",
    names: Sequence[str] = ("a", "b"),
    config: str | None = None,
    build: Path | None = None,
) -> Iterator[Lab]:
    """The hosts of a plan, their scaffoldds started with a configuration if one is given."""
    rate, mtu = (plan.rate, plan.mtu or 1500) if len(names) > 1 else (None, 1500)
    lab = Lab(names, kind=plan.kind, rate=rate, mtu=mtu, router=names[-1], build=build)
    with lab:
        for host in lab.hosts.values():
            if host.namespace:
                namespaces.congestion(host.namespace, plan.congestion or CONGESTION)
            if plan.pin:
                host.prefix += ("taskset", "--cpu-list", str(one_cpu()))
        options: dict[str, Any] = {}
        if config is not None:
            options["config"] = lab.folder / "scaffoldd.toml"
            options["config"].write_text(config)
        lab.start(**options)
        yield lab


def one_cpu() -> int:
    """The CPU that everything is pinned to: the last, since the first has the interrupts."""
    return max(os.sched_getaffinity(0))


def describe(lab: Lab, plan: "Plan") -> dict[str, Any]:
    """What the figures were measured on."""
    has_link = lab.kind == "namespaces" and len(lab.hosts) > 1
    return {
        "kind": "veth" if has_link else "loopback",
        "rate_mbit": mbit(lab.rate),
        "mtu": lab.mtu if has_link else 65536,
        "congestion": _congestion(lab, plan),
        "kernel": os.uname().release,
        "cpus": len(os.sched_getaffinity(0)),
        "pinned": plan.pin,
    }


def _congestion(lab: Lab, plan: "Plan") -> str:
    """On loopback it is whatever the machine has."""
    if lab.kind == "namespaces":
        return plan.congestion or CONGESTION
    return (_TCP / "tcp_congestion_control").read_text().strip()


def check_congestion(name: str | None) -> None:
    """WrongUsage unless the kernel has it."""
    known = (_TCP / "tcp_available_congestion_control").read_text().split()
    if (name or CONGESTION) not in known:
        raise WrongUsage(f"this kernel has no congestion control {name}; it has {' '.join(known)}")


def mbit(rate: str | None) -> float | None:
    """tc's notation in Mbit/s; None for an unshaped link."""
    if rate is None:
        return None
    for suffix, factor in (("gbit", 1000.0), ("mbit", 1.0), ("kbit", 0.001)):
        if rate.endswith(suffix):
            return float(rate.removesuffix(suffix)) * factor
    raise WrongUsage(f"{rate!r} is not a rate; write for example 1gbit or 100mbit")


def check_rate(rate: str | None) -> None:
    """WrongUsage unless tc would understand the rate."""
    try:
        mbit(rate)
    except ValueError:
        raise WrongUsage(f"{rate!r} is not a rate; write for example 1gbit") from None
