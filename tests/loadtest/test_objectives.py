from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from loadtest.figures import by_route
from loadtest.objectives import (
    Objective,
    Objectives,
    Verdict,
    holds,
    judged,
    read_objectives,
    route_verdicts,
)
from loadtest.outcomes import Outcome
from loadtest.problems import LoadTestError
from loadtest.profiles import read_profiles
from tests.loadtest.made_up import row, rows

FOUND = by_route(  # p50 50, p95 95, p99 99 ms; 2 of 103 failed, 1 shed
    [*rows(100), *[row(outcome=Outcome.FAILED)] * 2, row(outcome=Outcome.SHED)], 10.0
)


@pytest.mark.parametrize(
    ("wanted", "is_met"),
    [
        pytest.param({"p50_ms": 50}, True, id="p50"),
        pytest.param({"p50_ms": 49}, False, id="p50-missed"),
        pytest.param({"p95_ms": 95}, True, id="p95"),
        pytest.param({"p95_ms": 94}, False, id="p95-missed"),
        pytest.param({"p99_ms": 99}, True, id="p99"),
        pytest.param({"p99_ms": 98}, False, id="p99-missed"),
        pytest.param({"error_ratio": 0.02}, True, id="errors"),
        pytest.param({"error_ratio": 0}, False, id="errors-missed"),
        pytest.param({"shed_ratio": 0.01}, True, id="shed"),
        pytest.param({"shed_ratio": 0}, False, id="shed-missed"),
        pytest.param({"least_shed_ratio": 0.005}, True, id="least-shed"),
        pytest.param({"least_shed_ratio": 0.5}, False, id="least-shed-missed"),
    ],
)
def test_verdicts(wanted: dict[str, Any], is_met: bool) -> None:
    (verdict,) = route_verdicts("all", FOUND, {"ner": Objective(**wanted)})
    assert (verdict.where, verdict.is_met) == ("all, ner", is_met)
    assert verdict.word == ("met" if is_met else "missed")
    assert holds([verdict]) is is_met


def test_one_missed_objective_is_enough() -> None:
    wanted = {"ner": Objective(p50_ms=50, p99_ms=1), "all": Objective(p50_ms=50)}
    found = route_verdicts("all", FOUND, wanted)
    assert [one.is_met for one in found] == [True, False, True] and not holds(found)


@pytest.mark.parametrize(("what", "needed"), [("p50_ms", 10), ("p95_ms", 20), ("p99_ms", 100)])
def test_a_percentile_of_a_few_requests_says_nothing(what: str, needed: int) -> None:
    wanted = {"ner": Objective(**{what: 0.1})}
    (few,) = route_verdicts("all", by_route(rows(needed - 1), 1.0), wanted)
    assert few.is_met is None and few.word == "too few requests" and holds([few])
    (enough,) = route_verdicts("all", by_route(rows(needed), 1.0), wanted)
    assert enough.is_met is False


def test_all_shed_is_missed_by_the_shed_ratio() -> None:
    shed = by_route([row(outcome=Outcome.SHED)] * 200, 1.0)
    found = route_verdicts("all", shed, {"ner": Objective(p99_ms=100, shed_ratio=0.01)})
    assert [one.is_met for one in found] == [None, False]


def test_routes_that_were_not_asked_are_not_judged() -> None:
    assert route_verdicts("all", FOUND, {"translation": Objective(p50_ms=1)}) == []


def test_what_is_no_number_meets_nothing() -> None:
    for at_least in (True, False):
        assert judged("x", "y", 1.0, math.nan, at_least=at_least).is_met is False
    assert judged("x", "y", 1.0, 2.0, at_least=True) == Verdict("x", "y", 1.0, 2.0, True, True)


def test_phases_of_their_own() -> None:
    own, others = {"ner": Objective(p50_ms=1)}, {"ner": Objective(p50_ms=2)}
    wanted = Objectives(routes=others, phases={"spike": own})
    assert wanted.of("spike") is own and wanted.of("after") is others


def test_unknown_routes_are_refused() -> None:
    with pytest.raises(LoadTestError, match="unknown ocr; known are all, ner"):
        Objectives(phases={"a": {"ocr": Objective()}})


def test_every_profile_has_objectives_for_its_own_phases() -> None:
    for name, profile in read_profiles().items():
        wanted = read_objectives(name)
        assert set(wanted.phases) <= {phase.name for phase in profile.phases}
        assert all(wanted.of(phase.name) for phase in profile.phases)
    soak = read_objectives("soak").limits
    assert None not in (soak.memory_growth, soak.p95_growth)


def test_the_default_stands_in(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[default.routes]\nner = { p50_ms = 1 }\n[a.routes]\nner = { p50_ms = 2 }\n")
    assert read_objectives("a", path).routes["ner"].p50_ms == 2
    assert read_objectives("b", path).routes["ner"].p50_ms == 1
    path.write_text("[a.routes]\nner = { p50 = 2 }\n")
    with pytest.raises(
        LoadTestError, match=r"mine.toml: a.routes.ner: unknown p50; known are p50_ms"
    ):
        read_objectives("a", path)
