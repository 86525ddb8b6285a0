from __future__ import annotations

import pytest

from benchmarks.tools.verdicts import EAGER, ONE_CORE, TWO_CORES, Target

MORE, LESS = Target(1.2, 1.4), Target(300, 85, less_is_better=True)


@pytest.mark.parametrize(
    ("target", "value", "verdict"),
    [
        (MORE, 1.4, "aim"),
        (MORE, 1.39, "floor"),
        (MORE, 1.2, "floor"),
        (MORE, 1.19, "**missed**"),
        (LESS, 85, "aim"),
        (LESS, 86, "floor"),
        (LESS, 301, "**missed**"),
        (Target(1.0), 1.0, "floor"),
        (Target(1.0), 0.999, "**missed**"),
    ],
)
def test_verdicts(target: Target, value: float, verdict: str) -> None:
    assert target.verdict(value) == verdict


def test_promises_are_those_of_the_issue() -> None:
    assert {b: (t.floor, t.aim) for b, t in ONE_CORE.items()} == {
        1: (1.3, 1.5),
        8: (1.2, 1.4),
        32: (1.1, 1.3),
    }
    assert (TWO_CORES.floor, TWO_CORES.aim) == (1.2, 1.4)
    assert (EAGER[1].floor, EAGER[32].floor) == (2.0, 1.0)
