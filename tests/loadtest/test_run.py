from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import pytest

from loadtest import record
from loadtest.profiles import Phase, Profile, Search, Stream
from loadtest.run import bounding_fitness, phase_results
from loadtest.run import highest_held as search_held
from loadtest.targets import FAIL, PASS, UNDECIDED
from tests.loadtest import made_up
from tests.loadtest.made_up import BUSY, FIT, row, step

TWO = Profile("", (Phase("alone", 10, settle_s=2), Phase("beside", 10)), (Stream(rate=10),))


def highest_held(search: Search, is_held: Callable[[float], bool | None]) -> tuple[float, float]:
    async def sent(rate: float) -> bool | None:
        return is_held(rate)

    return asyncio.run(search_held(search, sent))


def test_what_settles_does_not_count() -> None:
    kept = [row(0.1 * i, 10 if i < 100 else 20) for i in range(200)]
    alone, beside = phase_results(TWO, kept)
    assert (alone.phase.name, alone.routes["ner"].n, alone.routes["ner"].offered_per_s) == (
        "alone",
        80,
        10,
    )
    assert (beside.phase.name, beside.routes["ner"].n, beside.routes["ner"].p50_ms) == (
        "beside",
        100,
        20,
    )


def test_a_search_rests_on_the_step_that_bounds_it() -> None:
    held, missed = step(100), step(200, "p99", fitness=BUSY)
    assert bounding_fitness([held, missed], 100, 200) is BUSY
    assert bounding_fitness([held, step(200, "p99")], 100, 200) is FIT
    far_above = step(800, "p99", fitness=BUSY)
    assert bounding_fitness([held, far_above, step(200, "p99")], 100, 200) is FIT
    assert bounding_fitness([held], 100, math.inf) is FIT
    assert bounding_fitness([missed], 0, 200) is BUSY


@pytest.mark.parametrize("limit", [21, 100, 333, 1000, 1500])
def test_it_comes_close_to_the_limit(limit: float) -> None:
    asked: list[float] = []

    def is_held(rate: float) -> bool:
        asked.append(rate)
        return rate <= limit

    held, missed = highest_held(Search(first_rate=20, closeness=0.05), is_held)
    assert held <= limit < missed <= held * 1.05
    assert len(asked) < 25 and asked[0] == 20


def test_the_first_rate_must_hold() -> None:
    assert highest_held(Search(first_rate=20), lambda rate: False) == (0, 20)


def test_it_ends_at_the_highest_rate() -> None:
    assert highest_held(Search(first_rate=20, max_rate=50), lambda rate: True) == (50, math.inf)


def test_one_bad_moment_ends_no_search() -> None:
    seen: dict[float, int] = {}

    def is_held(rate: float) -> bool:
        seen[rate] = seen.get(rate, 0) + 1
        return seen[rate] > 1 and rate <= 300

    held, missed = highest_held(Search(first_rate=20, tries=2), is_held)
    assert 270 < held <= 300 < missed
    assert set(seen.values()) == {2}
    assert highest_held(Search(first_rate=20, tries=1), lambda rate: False) == (0, 20)


def test_a_rate_of_which_nothing_can_be_said_ends_the_search() -> None:
    asked: list[float] = []

    def is_held(rate: float) -> bool | None:
        asked.append(rate)
        return True if rate < 100 else None

    assert highest_held(Search(first_rate=20), is_held) == (80, 160)
    assert asked == [20, 40, 80, 160, 160]
    assert highest_held(Search(first_rate=20), lambda rate: None) == (0, 20)


def test_one_clear_miss_is_a_miss() -> None:
    answers = iter([True, None, False, True])
    held, _ = highest_held(Search(first_rate=20, closeness=0.5), lambda rate: next(answers))
    assert held == pytest.approx(math.sqrt(20 * 40))


@pytest.mark.parametrize(
    ("missed", "is_busy", "is_decided", "verdict"),
    [
        pytest.param((), False, True, PASS, id="held"),
        pytest.param((), False, False, UNDECIDED, id="too-few"),
        pytest.param((), True, False, record.BUSY, id="too-few-and-busy"),
        pytest.param(("p99",), False, True, FAIL, id="missed"),
    ],
)
def test_a_rate_is_held_only_if_it_was_checked(
    missed: tuple[str, ...], is_busy: bool, is_decided: bool, verdict: str
) -> None:
    fitness = made_up.BUSY if is_busy else made_up.FIT
    assert made_up.step(20, *missed, fitness=fitness, is_decided=is_decided).verdict == verdict
