from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from loadtest.generator import Bounds, Watch, read_bounds
from loadtest.objectives import FILE
from seqserve.errors import ConfigError


def seen(cpu: float = 0.2, lag_ms: float = 1.0) -> Watch:
    return Watch([cpu] * 20, [lag_ms] * 1000)


@pytest.mark.parametrize(
    ("watch", "late_ms", "n_unsent", "fault"),
    [
        pytest.param(seen(), 1.0, 0, "", id="fit"),
        pytest.param(seen(cpu=0.95), 1.0, 0, "it used 95% of a core; at most 85%", id="cpu"),
        pytest.param(seen(lag_ms=60), 1.0, 0, "timers 60 ms late; at most 25", id="lag"),
        pytest.param(seen(), 70.0, 0, "requests 70 ms late; at most 25", id="late"),
        pytest.param(seen(), 1.0, 3, "3 requests were not sent: too many unanswered", id="unsent"),
    ],
)
def test_a_busy_generator_is_told(watch: Watch, late_ms: float, n_unsent: int, fault: str) -> None:
    found = watch.fitness([late_ms] * 100, n_unsent, Bounds())
    assert found.faults == ((fault,) if fault else ())
    assert found.cpus


def test_a_few_late_moments_are_allowed() -> None:
    watch = Watch([0.2] * 99 + [1.0], [1.0] * 999 + [500.0])
    assert not watch.fitness([1.0] * 999 + [500.0], 0, Bounds()).faults


def test_nothing_was_seen() -> None:
    assert not Watch().fitness([], 0, Bounds()).faults


def test_it_sees_work() -> None:
    async def work() -> Watch:
        async with Watch() as watch:
            end = time.perf_counter() + 1.3
            while time.perf_counter() < end:
                sum(range(1000))
                await asyncio.sleep(0)
        return watch

    watch = asyncio.run(work())
    assert watch.cpu and watch.cpu[0] > 0.2
    assert len(watch.lag_ms) > 10


def test_bounds_are_read(tmp_path: Path) -> None:
    path = tmp_path / "objectives.toml"
    path.write_text("[generator]\nmax_cpu = 0.5\n[default.routes]\n")
    assert read_bounds(path) == Bounds(max_cpu=0.5)
    assert read_bounds(FILE) == Bounds()
    path.write_text("[generator]\ncpu = 0.5\n")
    with pytest.raises(
        ConfigError, match=r"\(cpu\) @ objectives.toml: generator. Known .* Bounds: max_cpu"
    ):
        read_bounds(path)
