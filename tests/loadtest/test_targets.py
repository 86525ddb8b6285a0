from __future__ import annotations

import pytest

from loadtest.targets import Target, at_least, at_most


@pytest.mark.parametrize(
    ("target", "value", "verdict"),
    [
        (at_least(1.2), 1.2, "pass"),
        (at_least(1.2), 1.19, "fail"),
        (at_most(300), 300, "pass"),
        (at_most(300), 301, "fail"),
        (at_least(0), float("nan"), "fail"),
    ],
)
def test_verdicts(target: Target, value: float, verdict: str) -> None:
    assert target.verdict(value) == verdict


def test_targets_are_formatted_with_their_direction() -> None:
    assert (str(at_least(0.85, ".2f")), str(at_most(0.2, ".0%"))) == ("≥ 0.85", "≤ 20%")
