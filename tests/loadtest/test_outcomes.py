from __future__ import annotations

import pytest

from loadtest.bodies import Request
from loadtest.outcomes import Outcome, Tally, outcome_of
from tests.loadtest.made_up import row

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
        pytest.param(INVALID, 429, Outcome.SHED, id="invalid-shed"),
    ],
)
def test_what_an_answer_means(request_: Request, status: int, outcome: Outcome) -> None:
    assert outcome_of(request_, status) is outcome


def test_rows_come_back() -> None:
    tally, seen = Tally(), [row(0.5, 3.0), row(1.5, 4.0, "translation", Outcome.SHED, n_texts=8)]
    for one in seen:
        tally.note(one)
    assert len(tally) == 2 and list(tally) == seen
    assert tally.between(0.5, 1.5) == seen[:1]
