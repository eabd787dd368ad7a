"""The figures as docs/schemas/bench.schema.json describes them."""

import datetime
import platform
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .. import __version__
from .cases import Case
from .figures import percentile_99, ratio_interval
from .runs import Station

Document = dict[str, Any]
_BELOW = {"tcp": (), "udp": (), "base": ("tcp", "udp"), "user": ("tcp", "udp", "base")}
"""What a stack is compared with; planes, as `user` is."""


def document(link: dict[str, Any], stations: Sequence[Station]) -> Document:
    """What a benchmark has found on one link."""
    cases = list(dict.fromkeys(one.case for one in stations))
    return {
        "schema": 1,
        "link": link,
        "machine": machine(),
        "rows": [row(link, one) for one in sorted(stations, key=lambda s: cases.index(s.case))],
        "ratios": list(_ratios(stations)),
    }


def merged(documents: Sequence[Document]) -> Document:
    """Several as one. The link is the first one's; rows say which kind they were measured on."""
    return {
        **documents[0],
        "machine": {key: value for each in documents for key, value in each["machine"].items()},
        "rows": [one for each in documents for one in each["rows"]],
        "ratios": [one for each in documents for one in each.get("ratios", [])],
        "missing": [one for each in documents for one in each.get("missing", [])],
    }


def machine() -> dict[str, Any]:
    """Where it was measured, and when."""
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "scaffold": __version__,
        "kernel": platform.release(),
        "cpu": _cpu(),
        "libc": " ".join(platform.libc_ver()),
    }


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def row(link: dict[str, Any], one: Station) -> dict[str, Any]:
    """One case on one stack."""
    return {
        **head(one.case, one.stack),
        "link": link["kind"],
        **spread(
            [run.sample.mean for run in one.runs],
            [run.sample.median for run in one.runs],
            [run.sample.p99 for run in one.runs],
        ),
        "loads": [run.load for run in one.runs],
        "cpu_us": _cpu_us(one),
        **_jain(one),
        "lost": sum(run.lost for run in one.runs),
    }


def head(case: Case, stack: str) -> dict[str, Any]:
    """What a row is about."""
    return {
        "bench": case.bench,
        "case": case.name,
        "stack": stack,
        "unit": case.unit,
        "operation": case.operation,
    }


def spread(
    means: Sequence[float], medians: Sequence[float], tails: Sequence[float]
) -> dict[str, Any]:
    """The runs' figures, and what is computed from them."""
    return {
        "mean": round(statistics.fmean(means), 3),
        "stdev": round(statistics.stdev(means), 3) if len(means) > 1 else 0.0,
        "median": round(statistics.median(medians), 3),
        "p99": round(percentile_99(tails), 3),
        "runs": len(means),
        "values": [round(value, 3) for value in medians],
    }


def _cpu_us(one: Station) -> dict[str, float]:
    """Medians of the runs'; `all` is the median of their sums."""
    parts = one.runs[0].cpu_us
    used = {part: statistics.median(run.cpu_us[part] for run in one.runs) for part in parts}
    used["all"] = statistics.median(run.cpu_all_us for run in one.runs)
    return {part: round(us, 3) for part, us in used.items()}


def _jain(one: Station) -> dict[str, float]:
    indices = [run.jain for run in one.runs if run.jain is not None]
    return {"jain": round(statistics.median(indices), 4)} if indices else {}


def _ratios(stations: Sequence[Station]) -> Iterator[dict[str, Any]]:
    """Of each stack to the kernel's in the same case, and to that of another build."""
    for one in stations:
        for other in stations:
            if one.case == other.case and other.stack in _BELOW.get(one.stack, _BELOW["user"]):
                yield ratio(one, other)


def ratio(one: Station, to: Station, name: str | None = None) -> dict[str, Any]:
    """Of one station's runs to another's, each to that of the same turn; `name` is what that other
    one is called, unless it is by its stack."""
    medians = [[run.sample.median for run in each.runs] for each in (one, to)]
    work = [[run.cpu_all_us for run in each.runs] for each in (one, to)]
    return {
        **head(one.case, one.stack),
        "to": name or to.stack,
        **ratio_interval(*medians),
        "cpu": ratio_interval(*work),
    }
