from __future__ import annotations

import math
import random

import pytest

from loadtest.bodies import Request
from loadtest.metrics import (
    ALL,
    HUNG_UP,
    Outcome,
    by_route,
    due_between,
    metrics_of,
    outcome_of,
    over_time,
    percentile,
)
from tests.loadtest.made_up import row, rows


@pytest.mark.parametrize("share", [0.0, 0.5, 0.95, 0.99, 1.0])
@pytest.mark.parametrize("n", [1, 2, 10, 101])
def test_percentile_is_the_smallest_that_the_share_is_not_above(share: float, n: int) -> None:
    values = sorted(random.Random(n).random() for _ in range(n))
    brute = next(v for v in values if sum(w <= v for w in values) >= share * n)
    assert percentile(values, share) == brute


def test_no_value_no_percentile() -> None:
    assert math.isnan(percentile([], 0.5))


def test_only_accepted_requests_have_a_latency() -> None:
    seen = [
        *rows(100),
        row(1.0, 90_000.0, outcome=Outcome.FAILED),
        row(1.0, 0.1, outcome=Outcome.SHED),
    ]
    found = metrics_of(seen, 10.0)
    assert (found.p50_ms, found.p95_ms, found.p99_ms, found.max_ms) == (50, 95, 99, 100)
    assert (found.n, found.n_accepted, found.n_shed, found.n_failed) == (102, 100, 1, 1)
    assert found.shed_ratio == found.error_ratio == 1 / 102
    assert (found.offered_per_s, found.accepted_per_s) == (10.2, 10.0)
    assert found.statuses == {"200": 100, "429": 1, "500": 1}


def test_refused_ones_are_neither_accepted_nor_failed() -> None:
    found = metrics_of([row(outcome=Outcome.REFUSED)], 1.0)
    assert (found.n_refused, found.error_ratio, found.shed_ratio) == (1, 0, 0)


def test_nothing_was_asked() -> None:
    found = metrics_of([], 1.0)
    assert found.error_ratio == found.shed_ratio == 0 and math.isnan(found.p99_ms)


def test_routes() -> None:
    found = by_route([row(task="ner", n_texts=3), row(task="translation")], 1.0)
    assert list(found) == [ALL, "ner", "translation"]
    assert (found[ALL].texts_per_s, found["ner"].texts_per_s) == (4, 3)


def test_over_time() -> None:
    found = [m for m in over_time(rows(100, 10.0), 10.0) if m.route == ALL]
    assert [m.at_s for m in found] == list(range(10))
    assert all(m.metrics.offered_per_s == 10 for m in found)


def test_long_runs_have_wider_spans_and_the_last_may_be_shorter() -> None:
    found = [m for m in over_time(rows(3000, 601.0), 601.0) if m.route == ALL]
    assert len(found) == 101 and found[1].at_s == 6
    assert found[-1].metrics.offered_per_s == pytest.approx(5, abs=1.1)


VALID = Request("ner", b"{}")
INVALID = Request("ner", b"{", flaw="no JSON")


@pytest.mark.parametrize(
    ("request_", "status", "outcome"),
    [
        pytest.param(VALID, 200, Outcome.ACCEPTED, id="answered"),
        pytest.param(VALID, 429, Outcome.SHED, id="queue-full"),
        pytest.param(VALID, 503, Outcome.SHED, id="not-ready"),
        pytest.param(VALID, 504, Outcome.FAILED, id="too-late"),
        pytest.param(VALID, 500, Outcome.FAILED, id="broken"),
        pytest.param(VALID, 422, Outcome.FAILED, id="valid-but-refused"),
        pytest.param(VALID, 0, Outcome.FAILED, id="no-answer"),
        pytest.param(INVALID, 400, Outcome.REFUSED, id="refused"),
        pytest.param(INVALID, 422, Outcome.REFUSED, id="refused-too"),
        pytest.param(INVALID, 200, Outcome.FAILED, id="invalid-but-answered"),
        pytest.param(INVALID, 500, Outcome.FAILED, id="invalid-and-broken"),
        pytest.param(INVALID, 0, Outcome.FAILED, id="invalid-no-answer"),
        pytest.param(VALID, HUNG_UP, Outcome.HUNG_UP, id="hung-up"),
        pytest.param(INVALID, 429, Outcome.SHED, id="invalid-shed"),
    ],
)
def test_what_an_answer_means(request_: Request, status: int, outcome: Outcome) -> None:
    assert outcome_of(request_, status) is outcome


def test_a_span_excludes_its_end() -> None:
    seen = [row(0.5, 3.0), row(1.0, 5.0), row(1.5, 4.0)]
    assert due_between(seen, 0.5, 1.5) == seen[:2]
