from __future__ import annotations

import pytest

from seqserve.evaluation.lengths import length_buckets

CASES = {
    "bounds are inside": ([1, 10, 11, 20, 21], {"1-10": [0, 1], "11-20": [2, 3], "21+": [4]}),
    "empty ones are left out": ([30, 5], {"1-10": [1], "21+": [0]}),
    "nothing": ([], {}),
}


@pytest.mark.parametrize(("lengths", "expected"), CASES.values(), ids=CASES)
def test_buckets(lengths: list[int], expected: dict[str, list[int]]) -> None:
    assert {name: rows.tolist() for name, rows in length_buckets(lengths, (10, 20))} == expected
