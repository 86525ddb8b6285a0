from __future__ import annotations

from itertools import count
from typing import Any, cast

from benchmarks.http.load import Observation
from benchmarks.http.overhead import UnitCost, comparison_of, cost_of
from benchmarks.tools.served import Server


class FakeServer:
    """Two seconds of CPU time between any two looks."""

    def __init__(self) -> None:
        self._ticks = count(5.0, 2.0)

    def cpu_s(self) -> float:
        return next(self._ticks)


def test_a_turn_is_time_per_unit() -> None:
    seen = Observation(n_answered=500, per_s=100.0, p50_ms=1.0, p99_ms=2.0)
    server = cast(Server, FakeServer())
    assert cost_of(server, lambda: seen) == UnitCost(cpu_ms=4.0, wall_ms=10.0)
    assert cost_of(server, lambda: seen, n_units=8) == UnitCost(cpu_ms=0.5, wall_ms=1.25)


def test_turns_are_compared_round_by_round() -> None:
    turns: dict[str, Any] = {
        "a": [UnitCost(2.0, 20.0), UnitCost(4.0, 30.0), UnitCost(3.0, 25.0)],
        "b": [UnitCost(1.0, 10.0), UnitCost(1.0, 10.0), UnitCost(2.0, 50.0)],
    }
    found = comparison_of(turns)
    cpu = found.typical_ratio("a", "b", "cpu")
    assert (cpu.value, cpu.low, cpu.high) == (2.0, 1.75, 3.0)
    assert found.typical_ratio("b", "a", "wall").value == 0.5
    assert found.sides["a"].wall.rounds_ms == (20.0, 30.0, 25.0)
