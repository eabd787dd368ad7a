"""What is computed from runs: of numbers alone."""

import math
import statistics
from collections.abc import Iterable, Sequence

CONFIDENCE = 0.95


def median_interval(values: Sequence[float]) -> dict[str, float]:
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


def ratio_interval(values: Iterable[float], to: Iterable[float]) -> dict[str, float]:
    """Of the ratios of pairs of runs: what both of a pair met alike does not count."""
    return median_interval([one / other for one, other in zip(values, to, strict=True)])


def jain(shares: Sequence[float]) -> float:
    """Jain's index: 1 when all have the same, 1/n when one has everything."""
    squares = sum(share * share for share in shares)
    return sum(shares) ** 2 / (len(shares) * squares) if squares else 1.0


def percentile_99(values: Iterable[float]) -> float:
    """The largest, for fewer than a hundred."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
