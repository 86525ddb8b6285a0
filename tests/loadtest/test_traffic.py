from __future__ import annotations

import random
from itertools import pairwise
from statistics import mean, pstdev

import pytest

from loadtest.traffic import arrivals


def times(stages: list[tuple[float, float]], pattern: str, seed: int = 0) -> list[float]:
    return list(arrivals(stages, pattern, random.Random(seed)))


def test_regular_ones_come_at_equal_distances() -> None:
    assert times([(2.0, 4.0)], "regular") == [0.25 * i for i in range(1, 8)]
    assert times([(1.0, 2.0), (1.0, 4.0)], "regular") == [0.5, 1.0, 1.25, 1.5, 1.75]


def test_independent_ones_have_the_rate_and_the_spread_of_a_poisson_process() -> None:
    found = times([(100.0, 50.0)], "poisson")
    assert len(found) == pytest.approx(5000, rel=0.05)
    gaps = [b - a for a, b in pairwise(found)]
    assert mean(gaps) == pytest.approx(1 / 50, rel=0.05)
    assert pstdev(gaps) == pytest.approx(1 / 50, rel=0.1)


@pytest.mark.parametrize("pattern", ["poisson", "regular"])
def test_stages_have_their_own_rates(pattern: str) -> None:
    found = times([(10.0, 20.0), (5.0, 200.0), (5.0, 0.0), (10.0, 20.0)], pattern)
    assert found == sorted(found)
    counts = [sum(a <= at < b for at in found) for a, b in ((0, 10), (10, 15), (15, 20), (20, 30))]
    assert counts == pytest.approx([200, 1000, 0, 200], rel=0.2)


def test_the_schedule_is_known_beforehand() -> None:
    stages = [(3.0, 30.0)]
    assert times(stages, "poisson", 5) == times(stages, "poisson", 5) != times(stages, "poisson", 6)


def test_no_rate_no_request() -> None:
    assert times([(10.0, 0.0)], "poisson") == times([], "regular") == []
