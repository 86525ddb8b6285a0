from __future__ import annotations

import math
from pathlib import Path
from typing import Any, get_args

import pytest

from loadtest.apps import APPS, AppName
from loadtest.metrics import Outcome, Row, by_route
from loadtest.objectives import (
    Check,
    Limits,
    Objective,
    Objectives,
    growth_checks,
    ratio_checks,
    read_objectives,
    route_checks,
)
from loadtest.profiles import read_profiles
from loadtest.readings import Reading
from loadtest.targets import FAIL, PASS, UNDECIDED, Target
from seqserve.errors import ConfigError
from tests.loadtest.made_up import reading, row, rows

FOUND = by_route(  # p50 50, p95 95, p99 99 ms; 2 of 103 failed, 1 shed
    [*rows(100), *[row(outcome=Outcome.FAILED)] * 2, row(outcome=Outcome.SHED)], 10.0
)


@pytest.mark.parametrize(
    ("wanted", "is_passed"),
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
def test_verdicts(wanted: dict[str, Any], is_passed: bool) -> None:
    (check,) = route_checks("all", FOUND, {"ner": Objective(**wanted)})
    assert check.where == "all, ner" and check.is_failed is not is_passed
    assert check.verdict == ("pass" if is_passed else "fail")


def test_one_missed_objective_is_enough() -> None:
    wanted = {"ner": Objective(p50_ms=50, p99_ms=1), "all": Objective(p50_ms=50)}
    found = route_checks("all", FOUND, wanted)
    assert [one.verdict for one in found] == [PASS, FAIL, PASS]


@pytest.mark.parametrize(("what", "needed"), [("p50_ms", 10), ("p95_ms", 20), ("p99_ms", 100)])
def test_a_percentile_of_a_few_requests_says_nothing(what: str, needed: int) -> None:
    wanted = {"ner": Objective(**{what: 0.1})}
    (few,) = route_checks("all", by_route(rows(needed - 1), 1.0), wanted)
    assert few.verdict == "too few requests" and not few.is_failed
    (enough,) = route_checks("all", by_route(rows(needed), 1.0), wanted)
    assert enough.is_failed


def test_all_shed_is_missed_by_the_shed_ratio() -> None:
    shed = by_route([row(outcome=Outcome.SHED)] * 200, 1.0)
    found = route_checks("all", shed, {"ner": Objective(p99_ms=100, shed_ratio=0.01)})
    assert [one.verdict for one in found] == [UNDECIDED, FAIL]


def test_routes_that_were_not_asked_are_not_judged() -> None:
    assert route_checks("all", FOUND, {"translation": Objective(p50_ms=1)}) == []


def test_what_is_no_number_meets_nothing() -> None:
    for is_lower in (True, False):
        assert Check("x", "y", Target(1.0, is_lower), math.nan).is_failed


def test_a_check_in_words() -> None:
    check = Check("a, ner", "p99_ms", Target(300.0), 412.34)
    assert str(check) == "a, ner: p99_ms 412.3, target ≤ 300"
    assert str(Target(20, is_lower=True)) == "≥ 20"


@pytest.mark.parametrize(("limit", "verdict"), [(3, PASS), (1.5, FAIL)])
def test_the_last_phase_beside_the_first(limit: float, verdict: str) -> None:
    alone, beside = (by_route([row(ms=ms)] * 9, 1.0) for ms in (10, 20))
    (found,) = ratio_checks(("alone", alone), ("beside", beside), limit)
    assert (found.where, found.measured, found.verdict) == ("beside ÷ alone, ner", 2, verdict)
    assert list(ratio_checks(("alone", alone), ("beside", beside), None)) == []


def test_phases_of_their_own() -> None:
    own, others = {"ner": Objective(p50_ms=1)}, {"ner": Objective(p50_ms=2)}
    wanted = Objectives(routes=others, phases={"spike": own})
    assert wanted.of("spike") is own and wanted.of("after") is others


def test_unknown_routes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[a.phases.x]\nocr = { p50_ms = 1 }\n")
    with pytest.raises(ConfigError, match=r"expected one of all, ner, sentiment.* got 'ocr'"):
        read_objectives("a", path)


def test_every_profile_has_objectives_for_its_own_phases() -> None:
    for name, profile in read_profiles().items():
        wanted = read_objectives(name)
        assert set(wanted.phases) <= {phase.name for phase in profile.phases}
        assert all(wanted.of(phase.name) for phase in profile.phases)
    assert set(read_objectives("apps").routes) == set(APPS) == set(get_args(AppName))
    soak = read_objectives("soak").limits
    assert None not in (soak.memory_growth, soak.p95_growth)


def test_the_default_stands_in(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[default.routes]\nner = { p50_ms = 1 }\n[a.routes]\nner = { p50_ms = 2 }\n")
    assert read_objectives("a", path).routes["ner"].p50_ms == 2
    assert read_objectives("b", path).routes["ner"].p50_ms == 1
    path.write_text("[a.routes]\nner = { p50 = 2 }\n")
    with pytest.raises(
        ConfigError, match=r"extra fields found \(p50\) @ mine.toml: a.routes\['ner'\]"
    ):
        read_objectives("a", path)


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
    (found,) = growth_checks([], readings(*mib), 100.0, Limits(memory_growth=0.05))
    assert (found.where, found.what) == ("gateway", "memory_growth")
    assert found.measured == pytest.approx(growth) and found.is_failed is (growth > 0.05)


@pytest.mark.parametrize("mib", [[], [100.0] * 5], ids=["no-metrics", "went-away"])
def test_memory_that_was_not_seen_is_no_success(mib: list[float]) -> None:
    (found,) = growth_checks([], readings(*mib), 100.0, Limits(memory_growth=0.05))
    assert found.is_failed


def tenths(last_ms: float, n: int) -> list[Row]:
    """100 seconds: slow at first, then fast, and something else in the last tenth."""
    slow, warm = 0.3 * n, 0.9 * n
    return [row(100 * i / n, 99.0 if i < slow else 10.0 if i < warm else last_ms) for i in range(n)]


@pytest.mark.parametrize(("last_ms", "verdict"), [(14.0, PASS), (16.0, FAIL)])
def test_latency(last_ms: float, verdict: str) -> None:
    rows = tenths(last_ms, 2000)
    found = list(growth_checks(rows, [], 100.0, Limits(p95_growth=0.5)))
    assert [one.where for one in found] == ["all", "ner"]
    assert {one.verdict for one in found} == {verdict}
    assert found[0].measured == pytest.approx(last_ms / 10 - 1)


def test_a_few_requests_are_not_compared() -> None:
    found = list(growth_checks(tenths(16.0, 1990), [], 100.0, Limits(p95_growth=0.5)))
    assert [one.verdict for one in found] == [UNDECIDED, UNDECIDED]


def test_what_is_not_limited_is_not_judged() -> None:
    assert list(growth_checks([], readings(1, 2, 3), 100.0, Limits())) == []
