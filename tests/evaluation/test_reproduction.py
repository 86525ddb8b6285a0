"""Comparison of metrics with the manifest; those that only export can measure are ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqserve.errors import BundleError
from seqserve.evaluation.reproduction import (
    Comparison,
    compare,
    refuse_no_metrics,
    refuse_other_metrics,
)

VERDICTS = {
    "same": ("a_test_f1", 0.85, 0.85, "reproduced"),
    "just close enough": ("a_test_f1", 0.85, 0.8505, "reproduced"),
    "too far": ("a_test_f1", 0.85, 0.8506, "differs"),
    "better is another metric too": ("a_test_accuracy", 0.85, 0.9, "differs"),
    "bleu is of 100": ("a_test_bleu", 30.0, 30.05, "reproduced"),
    "bleu too far": ("a_test_bleu", 30.0, 29.94, "differs"),
    "chrf is of 100": ("a_test_chrf", 30.0, 29.96, "reproduced"),
    "not measured": ("a_test_f1", 0.85, None, "not measured"),
    "not recorded": ("a_test_ece", None, 0.02, "new"),
}


@pytest.mark.parametrize(
    ("name", "recorded", "measured", "verdict"), VERDICTS.values(), ids=VERDICTS
)
def test_verdicts(name: str, recorded: float | None, measured: float | None, verdict: str) -> None:
    assert Comparison(name, recorded, measured).verdict == verdict


def test_metrics_are_compared_in_the_order_of_measuring_and_those_of_export_are_not() -> None:
    recorded = {
        "gone_f1": 0.1,
        "b_f1": 0.2,
        "a_f1": 0.3,
        "a_f1_change": 0,
        "torch_max_difference": 0,
    }
    measured = {"b_f1": 0.2, "a_f1": 0.4, "ece": 0.5}
    assert [(c.name, c.verdict) for c in compare(recorded, measured)] == [
        ("b_f1", "reproduced"),
        ("a_f1", "differs"),
        ("ece", "new"),
        ("gone_f1", "not measured"),
    ]  # fmt: skip


LINES = {
    "reproduced": (Comparison("x", 0.5, 0.5001), "x 0.5001, reproduced: the manifest says 0.5"),
    "not measured": (Comparison("x", 0.5, None), "x —, not measured: the manifest says 0.5"),
    "new": (Comparison("x", None, 0.25), "x 0.25, new: the manifest says nothing"),
}


@pytest.mark.parametrize(("comparison", "line"), LINES.values(), ids=LINES)
def test_lines(comparison: Comparison, line: str) -> None:
    assert comparison.line() == line


def test_other_metrics_are_refused_all_at_once() -> None:
    fine = [Comparison("a_f1", 0.5, 0.5), Comparison("a_ece", 0.1, 0.1004)]
    refuse_other_metrics(fine, Path("bundles/x"))
    wrong = [
        *(Comparison("b_f1", 0.5, 0.6), Comparison("c_f1", 0.5, None)),
        Comparison("d_f1", None, 0.5),
    ]
    message = r"bundles/x .* b_f1 0\.6, differs.*; c_f1 —.*; d_f1 0\.5, new"
    with pytest.raises(BundleError, match=message) as caught:
        refuse_other_metrics([*fine, *wrong], Path("bundles/x"))
    assert "a_f1" not in str(caught.value)


CHANGES = {
    "other": (Comparison("x", 0.5, 0.25), "x 0.5 → 0.25"),
    "gone": (Comparison("x", 0.5, None), "x 0.5 → —"),
    "new": (Comparison("x", None, 0.25), "x — → 0.25"),
}


@pytest.mark.parametrize(("comparison", "text"), CHANGES.values(), ids=CHANGES)
def test_changes(comparison: Comparison, text: str) -> None:
    assert comparison.change() == text


def test_nothing_compared_is_nothing_reproduced() -> None:
    refuse_no_metrics([Comparison("a_f1", 0.5, 0.5)], Path("bundles/x"))
    with pytest.raises(BundleError, match=r"bundles/x has no metrics .* nothing to compare"):
        refuse_no_metrics([], Path("bundles/x"))
