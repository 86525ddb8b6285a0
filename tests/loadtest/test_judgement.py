from __future__ import annotations

import math
from dataclasses import replace

import pytest

from loadtest.judgement import (
    bounding_fitness,
    in_words,
    lateness,
    missed_of,
    phase_figures,
    ratio_verdicts,
)
from loadtest.objectives import judged
from loadtest.outcomes import Tally
from loadtest.profiles import Phase, Profile, Stream
from tests.loadtest.made_up import BUSY, FIT, record, row, rows, step, verdict

TWO = Profile("", (Phase("alone", 10, settle_s=2), Phase("beside", 10)), (Stream(rate=10),))


def tally_of(*ms: float) -> Tally:
    """Ten requests a second, of one latency in each phase."""
    tally = Tally()
    for i in range(200):
        tally.note(row(0.1 * i, ms[i // 100]))
    return tally


def test_what_settles_does_not_count() -> None:
    alone, beside = phase_figures(TWO, tally_of(10, 20))
    assert (alone.begin_s, alone.routes["ner"].n, alone.routes["ner"].offered_per_s) == (0, 80, 10)
    assert (beside.begin_s, beside.routes["ner"].n, beside.routes["ner"].p50_ms) == (10, 100, 20)


@pytest.mark.parametrize(("limit", "is_met"), [(3, True), (1.5, False)])
def test_the_last_phase_beside_the_first(limit: float, is_met: bool) -> None:
    phases = list(phase_figures(TWO, tally_of(10, 20)))
    (found,) = ratio_verdicts(phases, limit)
    assert (found.where, found.measured, found.is_met) == ("beside ÷ alone, ner", 2, is_met)
    assert list(ratio_verdicts(phases, None)) == []


def test_a_search_rests_on_the_step_that_bounds_it() -> None:
    held, missed = step(100), step(200, "p99", fitness=BUSY)
    assert bounding_fitness([held, missed], 100, 200) is BUSY
    assert bounding_fitness([held, step(200, "p99")], 100, 200) is FIT
    far_above = step(800, "p99", fitness=BUSY)
    assert bounding_fitness([held, far_above, step(200, "p99")], 100, 200) is FIT
    assert bounding_fitness([held], 100, math.inf) is FIT
    assert bounding_fitness([missed], 0, 200) is BUSY


def test_words() -> None:
    assert in_words(judged("a, ner", "p99_ms", 300, 412.34)) == "a, ner: p99_ms 412.3, wanted ≤ 300"
    assert in_words(judged("ramp", "rate", 20, 5, at_least=True)) == "ramp: rate 5, wanted ≥ 20"
    shown = missed_of(record([verdict(), verdict(False), verdict(None)], BUSY))
    assert shown == ["all, ner: p99_ms 12.5, wanted ≤ 300", *BUSY.faults]


def test_closed_streams_are_never_late() -> None:
    closed = replace(row(), late_ms=math.nan)
    assert lateness([closed] * 3) == []
    assert lateness([closed, *rows(3), closed]) == [0.5] * 3
