from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks.tools.timing import (
    Budget,
    Comparison,
    Ratio,
    Sample,
    Side,
    compare,
)


class FakeTime:
    """Clocks that stand still but for what is spent."""

    def __init__(self) -> None:
        self.cpu_s = self.wall_s = 0.0

    def spend(self, cpu_s: float, wall_s: float) -> None:
        self.cpu_s += cpu_s
        self.wall_s += wall_s

    def process_time(self) -> float:
        return self.cpu_s

    def perf_counter(self) -> float:
        return self.wall_s


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    made = FakeTime()
    monkeypatch.setattr("benchmarks.tools.timing.time", made)
    return made


def side(time: FakeTime, cpu_s: float, wall_s: float) -> Callable[[int], object]:
    """Takes as many times that long as the item says."""
    return lambda item: time.spend(cpu_s * item, wall_s * item)


def test_times_are_ms_per_item_by_both_clocks(time: FakeTime) -> None:
    sides = {"slow": side(time, 0.004, 0.008), "fast": side(time, 0.001, 0.002)}
    found = compare(sides, [1, 3], Budget(rounds=4))
    assert found.n_items == 2
    assert found.sides["slow"].cpu.best_ms == pytest.approx(8)
    assert found.sides["fast"].wall.best_ms == pytest.approx(4)
    assert len(found.sides["fast"].cpu.rounds_ms) == 4
    assert found.ratio("slow", "fast", "cpu").value == pytest.approx(4)
    assert found.ratio("fast", "slow", "wall").value == pytest.approx(0.25)


def test_the_fastest_run_of_each_item_counts(time: FakeTime) -> None:
    waits = {0: iter([9, 0.001, 5, 5]), 1: iter([9, 7, 0.003, 7])}  # the first are warm-up
    found = compare(
        {"noisy": lambda item: time.spend(next(waits[item]), 0)},
        [0, 1],
        Budget(rounds=3),
    )
    assert found.sides["noisy"].cpu.best_ms == pytest.approx(2)
    assert sorted(found.sides["noisy"].cpu.rounds_ms) == pytest.approx([2501.5, 3500.5, 6000])


def test_no_round_begins_after_the_time_is_up(time: FakeTime) -> None:
    budget = Budget(rounds=100, seconds=10, min_rounds=2)
    quick = compare({"a": side(time, 1, 4)}, [1], budget)
    assert len(quick.sides["a"].wall.rounds_ms) == 3
    slow = compare({"a": side(time, 1, 50)}, [1], budget)
    assert len(slow.sides["a"].wall.rounds_ms) == 2


def test_sides_take_turns_in_an_order_that_the_seed_decides() -> None:
    def order(seed: int) -> list[tuple[str, int]]:
        calls: list[tuple[str, int]] = []
        sides: dict[str, Callable[[int], object]] = {
            name: lambda item, name=name: calls.append((name, item))  # type: ignore[misc]
            for name in "ab"
        }
        compare(sides, [1, 2, 3], Budget(rounds=5), seed)
        return calls[6:]  # behind the warm-up

    calls = order(1)
    assert calls == order(1) != order(2)
    for start in range(0, len(calls), 2):
        (first, one), (second, other) = calls[start : start + 2]
        assert {first, second} == {"a", "b"} and one == other
    assert {name for name, _ in calls[::2]} == {"a", "b"}  # neither is always first
    assert [item for _, item in calls[:6:2]] != [item for _, item in calls[6:12:2]]


def sample(*rounds_ms: float) -> Sample:
    return Sample(min(rounds_ms), rounds_ms)


def test_the_spread_is_that_of_the_rounds_ratios() -> None:
    one, two = sample(10, 12, 14, 16, 18), sample(2, 2, 2, 2, 2)
    found = Comparison(1, {"a": Side(one, one), "b": Side(two, two)}).ratio("a", "b", "cpu")
    assert (found.value, found.low, found.high) == (5, 6, 8)


def test_the_typical_ratio_is_that_of_the_round_in_the_middle() -> None:
    one, two = sample(10, 12, 90, 16, 18), sample(2, 1, 3, 2, 9)  # 5, 12, 30, 8, 2
    both = Comparison(1, {"a": Side(one, two), "b": Side(two, one)})
    found = both.typical_ratio("a", "b", "cpu")
    assert (found.value, found.low, found.high) == (8, 5, 12)
    assert both.typical_ratio("b", "a", "wall").value == 8


@pytest.mark.parametrize("of", [Comparison.ratio, Comparison.typical_ratio])
def test_one_round_has_no_spread(of: Callable[..., Ratio]) -> None:
    one, two = sample(3), sample(2)
    found = of(Comparison(1, {"a": Side(one, one), "b": Side(two, two)}), "a", "b", "wall")
    assert (found.value, found.low, found.high) == (1.5, 1.5, 1.5)
