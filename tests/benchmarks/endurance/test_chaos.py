from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.endurance.chaos import STRIKES, Finding, chaos, chaos_lines
from tests.tiny import TinyProject

FAULTS = [
    pytest.param(Finding("a", {}, Counter({"200": 9}), 1.0, 0, 0.5, 3.0), [], id="fine"),
    pytest.param(
        Finding("a", {"no answer": 2}, Counter({"200": 9, "no answer": 2})), [], id="allowed"
    ),
    pytest.param(
        Finding("a", {"no answer": 2}, Counter({"no answer": 3})), ["3 x no answer"], id="too-many"
    ),
    pytest.param(Finding("a", {}, Counter({"internal": 1})), ["1 x internal"], id="not-allowed"),
    pytest.param(Finding("a", n_hung=2), ["2 requests hung"], id="hung"),
    pytest.param(Finding("a", back_s=10.04), ["back after 10.0 s"], id="late"),
    pytest.param(Finding("a", noticed_s=2.5), ["noticed after 2.5 s"], id="unnoticed"),
]


@pytest.mark.parametrize(("found", "faults"), FAULTS)
def test_what_counts_as_a_fault(found: Finding, faults: list[str]) -> None:
    assert found.faults() == faults
    row = list(chaos_lines([found]))[-1]
    assert ("met" in row) == (not faults)
    assert all(fault in row for fault in faults)


def test_requests_are_counted() -> None:
    found = Finding("a")
    for outcome, seconds in (("200", 1.0), ("200", 30.0), ("internal", 0.1)):
        found.note(outcome, seconds)
    assert found.outcomes == {"200": 2, "internal": 1}
    assert (found.slowest_s, found.n_hung) == (30.0, 1)


def test_a_killed_runner_under_load(tiny: TinyProject) -> None:
    said: list[str] = []
    (found,) = chaos(tiny.bundles, {}, said.append, STRIKES[:1])
    assert found.name == "kill -9 NerRunner" and said
    assert found.n_hung == 0
    assert set(found.outcomes) <= {"200", "model_unavailable"}
    assert found.outcomes["200"] > 20
