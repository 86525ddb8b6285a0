from __future__ import annotations

import pytest

from benchmarks.models.growth import GrowthResult, Point, sources_of
from benchmarks.models.translators import OURS, PEER


def point(length: int, batch: int, ours_ms: float, peer_ms: float = 1.0) -> Point:
    """As many target tokens as source tokens."""
    n_tokens = dict.fromkeys((OURS, PEER), length * batch)
    return Point(length, batch, {OURS: ours_ms, PEER: peer_ms}, n_tokens)


def figures(cliff: tuple[int, int] | None = None) -> GrowthResult:
    """Time is proportional to tokens, but for one cell that takes four times as long."""
    points = [
        point(n, b, 1.0 * n * b * (4 if (n, b) == cliff else 1), 2.0 * n * b)
        for n in (5, 10, 20)
        for b in (1, 2, 4)
    ]
    return GrowthResult("int8", tuple(points))


def test_texts_and_tokens_per_second() -> None:
    found = point(10, 4, ours_ms=20.0)
    assert (found.texts_per_s(OURS), found.tokens_per_s(OURS)) == (200, 4000)


@pytest.mark.parametrize(("cliff", "worst"), [(None, 1), ((10, 2), 0.25), ((20, 4), 0.25)], ids=str)
def test_a_cliff_is_found(cliff: tuple[int, int] | None, worst: float) -> None:
    assert figures(cliff).worst_step(OURS) == pytest.approx(worst)
    assert figures(cliff).worst_step(PEER) == pytest.approx(1)


def test_a_step_up_is_no_cliff_and_one_point_has_no_step() -> None:
    points = (point(5, 1, 8.0), point(5, 2, 9.0))
    assert GrowthResult("fp32", points).worst_step(OURS) == pytest.approx(16 / 9)
    assert GrowthResult("fp32", points[:1]).worst_step(OURS) == 1


def test_sources_have_one_length_and_real_tokens() -> None:
    found = sources_of([7, 8, 9, 10, 11], length=4, batch=3)
    assert found == ((7, 8, 9, 1), (10, 11, 7, 1), (8, 9, 10, 1))
