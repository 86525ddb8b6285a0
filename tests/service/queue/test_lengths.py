from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.queue.lengths import estimate_tokens, similar


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("a", 1, 3), ("A quiet, funny and deeply moving film.", 8, 16), ("返回天数，为整数。", 5, 12)],
    ids=["one", "english", "chinese"],
)
def test_estimate_tokens(text: str, low: int, high: int) -> None:
    assert low <= estimate_tokens(text) <= high


@pytest.mark.parametrize(
    ("lengths", "chosen"),
    [
        pytest.param([7], [0], id="one"),
        pytest.param([500, 1], [0], id="over-the-budget-alone"),
        pytest.param([20, 21, 90, 22], [0, 1, 3], id="neighbours"),
        pytest.param([30, 10, 31, 11, 32, 33], [0, 2, 4], id="nearest-first"),
        pytest.param([5, 5, 5, 5, 5], [0, 1, 2, 3], id="as-many-as-allowed"),
    ],
)
def test_similar(lengths: list[int], chosen: list[int]) -> None:
    assert sorted(similar(lengths, max_texts=4, max_tokens=100)) == chosen


@given(st.lists(st.integers(1, 150), min_size=1), st.integers(1, 8))
def test_similar_keeps_its_bounds(lengths: list[int], max_texts: int) -> None:
    chosen = similar(lengths, max_texts, 100)
    assert 0 in chosen
    assert len(set(chosen)) == len(chosen) <= max_texts
    assert len(chosen) == 1 or len(chosen) * max(lengths[i] for i in chosen) <= 100


@given(st.lists(st.integers(1, 150), min_size=1, max_size=8))
def test_similar_takes_all_that_fit(lengths: list[int]) -> None:
    chosen = similar(lengths, max_texts=8, max_tokens=len(lengths) * max(lengths))
    assert sorted(chosen) == list(range(len(lengths)))
    assert [lengths[i] for i in chosen] == sorted(lengths)
