"""Medians, intervals, ratios, fairness."""

import pytest

from scaffold.bench.figures import jain, median_interval, percentile_99, ratio_interval


@pytest.mark.parametrize(
    ("count", "low", "high", "confidence"),
    # Conover's table of the binomial distribution with p = 1/2
    [(5, 1, 5, 0.9375), (6, 1, 6, 0.9688), (10, 2, 9, 0.9785), (20, 6, 15, 0.9586)],
)
def test_the_interval_of_a_median(count: int, low: int, high: int, confidence: float) -> None:
    interval = median_interval([float(value) for value in range(count, 0, -1)])
    assert (interval["low"], interval["high"]) == (low, high)
    assert interval["confidence"] == confidence
    assert interval["median"] == (count + 1) / 2


def test_one_value_is_its_own_interval() -> None:
    assert median_interval([3.0]) == {"median": 3.0, "low": 3.0, "high": 3.0, "confidence": 0.0}


def test_a_ratio_is_of_pairs() -> None:
    """What both of a pair met, half the speed here, does not count."""
    interval = ratio_interval([50.0, 25.0, 50.0], [100.0, 50.0, 100.0])
    assert (interval["low"], interval["median"], interval["high"]) == (0.5, 0.5, 0.5)


def test_a_ratio_of_unequal_numbers_of_runs_is_none() -> None:
    with pytest.raises(ValueError, match="longer"):
        ratio_interval([1.0], [1.0, 2.0])


@pytest.mark.parametrize(
    ("shares", "index"),
    [
        ([5.0, 5.0, 5.0], 1.0),
        ([9.0, 0.0, 0.0], 1 / 3),
        ([1.0, 2.0, 3.0], 36 / (3 * 14)),  # (1 + 2 + 3)^2 / (3 (1 + 4 + 9))
        ([7.0], 1.0),
        ([0.0, 0.0], 1.0),
    ],
)
def test_jains_index(shares: list[float], index: float) -> None:
    assert jain(shares) == pytest.approx(index)


def test_the_99th_percentile_of_few_is_the_largest() -> None:
    assert percentile_99([3.0, 1.0, 2.0]) == 3.0
    assert percentile_99(range(200)) == 198
