from __future__ import annotations

import pytest

from loadtest.growth import growth_verdicts
from loadtest.objectives import Limits
from loadtest.outcomes import Row
from loadtest.readings import Reading
from tests.loadtest.made_up import reading, row


def readings(*mib: float) -> list[Reading]:
    """One in the middle of every tenth of 100 seconds."""
    return [reading(10.0 * i + 5, one) for i, one in enumerate(mib)]


@pytest.mark.parametrize(
    ("mib", "growth"),
    [
        pytest.param([50, 90, 99, 100, 100, 100, 100, 100, 100, 100], 0.0, id="warming-up-is-free"),
        pytest.param([50, 90, 99, 100, 101, 102, 103, 104, 105, 106], 0.06, id="grows"),
        pytest.param([50, 90, 99, 100, 180, 180, 180, 180, 180, 95], -0.05, id="gives-back"),
    ],
)
def test_memory(mib: list[float], growth: float) -> None:
    (found,) = growth_verdicts([], readings(*mib), 100.0, Limits(memory_growth=0.05))
    assert (found.where, found.what) == ("gateway", "memory_growth")
    assert found.measured == pytest.approx(growth) and found.is_met is (growth <= 0.05)


@pytest.mark.parametrize("mib", [[], [100.0] * 5], ids=["no-metrics", "went-away"])
def test_memory_that_was_not_seen_is_no_success(mib: list[float]) -> None:
    (found,) = growth_verdicts([], readings(*mib), 100.0, Limits(memory_growth=0.05))
    assert found.is_met is False


def tenths(last_ms: float, n: int) -> list[Row]:
    """100 seconds: slow at first, then fast, and something else in the last tenth."""
    slow, warm = 0.3 * n, 0.9 * n
    return [row(100 * i / n, 99.0 if i < slow else 10.0 if i < warm else last_ms) for i in range(n)]


@pytest.mark.parametrize(("last_ms", "is_met"), [(14.0, True), (16.0, False)])
def test_latency(last_ms: float, is_met: bool) -> None:
    rows = tenths(last_ms, 2000)
    found = list(growth_verdicts(rows, [], 100.0, Limits(p95_growth=0.5)))
    assert [one.where for one in found] == ["all", "ner"]
    assert {one.is_met for one in found} == {is_met}
    assert found[0].measured == pytest.approx(last_ms / 10 - 1)


def test_a_few_requests_are_not_compared() -> None:
    found = list(growth_verdicts(tenths(16.0, 1990), [], 100.0, Limits(p95_growth=0.5)))
    assert [one.is_met for one in found] == [None, None]


def test_what_is_not_limited_is_not_judged() -> None:
    assert list(growth_verdicts([], readings(1, 2, 3), 100.0, Limits())) == []
