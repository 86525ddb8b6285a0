from __future__ import annotations

import random
from itertools import pairwise
from statistics import mean, pstdev

import pytest

from loadtest.traffic import arrivals


def times(stages: list[tuple[float, float]], seed: int = 0) -> list[float]:
    return list(arrivals(stages, random.Random(seed)))


def test_independent_ones_have_the_rate_and_the_spread_of_a_poisson_process() -> None:
    found = times([(100.0, 50.0)])
    assert len(found) == pytest.approx(5000, rel=0.05)
    gaps = [b - a for a, b in pairwise(found)]
    assert mean(gaps) == pytest.approx(1 / 50, rel=0.05)
    assert pstdev(gaps) == pytest.approx(1 / 50, rel=0.1)


def test_stages_have_their_own_rates() -> None:
    found = times([(10.0, 20.0), (5.0, 200.0), (5.0, 0.0), (10.0, 20.0)])
    assert found == sorted(found)
    counts = [sum(a <= at < b for at in found) for a, b in ((0, 10), (10, 15), (15, 20), (20, 30))]
    assert counts == pytest.approx([200, 1000, 0, 200], rel=0.2)


def test_the_schedule_is_known_beforehand() -> None:
    stages = [(3.0, 30.0)]
    assert times(stages, 5) == times(stages, 5) != times(stages, 6)


def test_no_rate_no_request() -> None:
    assert times([(10.0, 0.0)]) == times([]) == []
