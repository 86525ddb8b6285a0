from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqserve.text.batching import length_batches, pad


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


def test_pad() -> None:
    ids, lengths = pad([[1, 2, 3], [4]], value=9)
    assert ids.tolist() == [[1, 2, 3], [4, 9, 9]]
    assert lengths.tolist() == [3, 1]
    assert ids.dtype == lengths.dtype == np.int64


@pytest.mark.parametrize("rows", [[], [[7]]])
def test_pad_of_few_rows(rows: list[list[int]]) -> None:
    assert pad(rows)[0].shape == (len(rows), len(rows))
