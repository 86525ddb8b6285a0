from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.endurance.chaos import Finding, chaos, chaos_lines
from benchmarks.endurance.faults import FAULTS, Fault
from loadtest.connection import NO_ANSWER
from loadtest.metrics import Outcome, Row
from tests.tiny import TinyProject

FAULT = Fault("a", lambda server: None)
LOSES_TWO = Fault("a", lambda server: None, {0: 2})
FINDINGS = [
    pytest.param(Finding(FAULT, Counter({200: 9}), 1.0, noticed_s=0.5, back_s=3.0), [], id="fine"),
    pytest.param(Finding(LOSES_TWO, Counter({200: 9, 0: 2})), [], id="allowed"),
    pytest.param(Finding(LOSES_TWO, Counter({0: 3})), ["3 x no answer"], id="too-many"),
    pytest.param(Finding(FAULT, Counter({500: 1})), ["1 x 500"], id="not-allowed"),
    pytest.param(Finding(FAULT, n_hung=2), ["2 requests hung"], id="hung"),
    pytest.param(Finding(FAULT, back_s=10.04), ["back after 10.0 s"], id="late"),
    pytest.param(Finding(FAULT, noticed_s=2.5), ["noticed after 2.5 s"], id="unnoticed"),
]


@pytest.mark.parametrize(("found", "problems"), FINDINGS)
def test_what_counts_as_a_problem(found: Finding, problems: list[str]) -> None:
    assert found.problems() == problems
    row = list(chaos_lines([found]))[-1]
    assert ("pass" in row) == (not problems)
    assert all(problem in row for problem in problems)


def test_requests_are_counted() -> None:
    found = Finding(FAULT)
    for status, seconds in ((200, 1.0), (200, 30.0), (500, 0.1)):
        found.add(Row(0.0, seconds * 1000, 0.0, "ner", 1, Outcome.ACCEPTED, status))
    assert found.statuses == {200: 2, 500: 1}
    assert (found.slowest_s, found.n_hung) == (30.0, 1)


def test_a_killed_runner_and_a_restart_under_load(tiny: TinyProject) -> None:
    said: list[str] = []
    killed, restarted = chaos(tiny.bundles, {}, said.append, (FAULTS[0], FAULTS[-1]))
    assert killed.fault.name == "kill -9 NerRunner" and len(said) == 2
    assert killed.n_hung == 0
    assert set(killed.statuses) <= {200, 503}
    assert set(restarted.statuses) <= {200, 503, NO_ANSWER}
    assert killed.statuses[200] > 20 and restarted.statuses[200] > 0
    assert restarted.noticed_s is not None and restarted.back_s > 0
