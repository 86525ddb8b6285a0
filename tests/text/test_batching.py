from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqserve.text.batching import cheap_batches, length_batches, pad


@given(
    st.lists(st.integers(1, 50), max_size=60), st.integers(1, 120), st.none() | st.integers(1, 8)
)
def test_batches_hold_every_index_once_and_keep_the_budget(
    lengths: list[int], max_tokens: int, max_rows: int | None
) -> None:
    batches = list(length_batches(lengths, max_tokens, max_rows))
    seen = [int(i) for batch in batches for i in batch]
    assert sorted(seen) == list(range(len(lengths)))
    assert [lengths[i] for i in seen] == sorted(lengths)
    for batch in batches:
        longest = max(lengths[i] for i in batch)
        assert len(batch) == 1 or len(batch) * longest <= max_tokens
        assert max_rows is None or len(batch) <= max_rows


def test_batches_are_as_large_as_the_budget_allows() -> None:
    assert [len(batch) for batch in length_batches([5] * 10, 20)] == [4, 4, 2]


def cost(lengths: list[int], batches: list[list[int]]) -> int:
    return sum((len(one) + 1) * max(lengths[i] for i in one) + 16 for one in batches)


def every_cut(n: int) -> list[list[range]]:
    """Return every way to divide n places into consecutive parts."""
    inner = [[i for i in range(1, n) if bits >> (i - 1) & 1] for bits in range(2 ** max(0, n - 1))]
    return [list(map(range, [0, *cuts], [*cuts, n])) for cuts in inner]


@given(st.lists(st.integers(0, 90), min_size=1, max_size=8), st.integers(1, 300))
def test_no_other_batches_of_like_length_cost_less(lengths: list[int], max_tokens: int) -> None:
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    batches = [batch.tolist() for batch in cheap_batches(lengths, max_tokens)]
    assert [i for batch in batches for i in batch] == order
    allowed = []
    for cut in every_cut(len(lengths)):
        parts = [[order[i] for i in part] for part in cut]
        fits = (len(one) == 1 or len(one) * lengths[one[-1]] <= max_tokens for one in parts)
        if all(fits):
            allowed.append(cost(lengths, parts))
    assert cost(lengths, batches) == min(allowed)


@pytest.mark.parametrize(
    ("lengths", "sizes"),
    [
        ([], []),
        ([7], [1]),
        ([0], [1]),
        ([0, 0, 3], [3]),
        ([5] * 10, [10]),
        ([10, 200], [1, 1]),
        ([10, 12, 11, 300, 310], [3, 2]),
    ],
)
def test_cheap_batches_have_little_padding(lengths: list[int], sizes: list[int]) -> None:
    assert [len(batch) for batch in cheap_batches(lengths, 4096)] == sizes


def test_pad() -> None:
    ids, lengths = pad([[1, 2, 3], [4]], value=9)
    assert ids.tolist() == [[1, 2, 3], [4, 9, 9]]
    assert lengths.tolist() == [3, 1]
    assert ids.dtype == lengths.dtype == np.int64


@pytest.mark.parametrize("rows", [[], [[7]]])
def test_pad_of_few_rows(rows: list[list[int]]) -> None:
    assert pad(rows)[0].shape == (len(rows), len(rows))
