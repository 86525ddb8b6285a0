from __future__ import annotations

import pytest

from seqserve.evaluation.examples import shortened, spread

SPREADS = {
    "fewer than wanted": (2, 5, [0, 1]),
    "as many": (3, 3, [0, 1, 2]),
    "from the whole": (9, 3, [0, 3, 6]),
    "uneven": (10, 4, [0, 2, 5, 7]),
    "none": (0, 3, []),
}


@pytest.mark.parametrize(("n_found", "n", "expected"), SPREADS.values(), ids=SPREADS)
def test_spread(n_found: int, n: int, expected: list[int]) -> None:
    assert spread(range(n_found), n) == expected


def test_long_texts_lose_their_middle() -> None:
    assert shortened("a\n b\t c ") == "a b c"
    assert shortened("x" * 400) == "x" * 400
    assert shortened("a" * 300 + "b" * 300) == "a" * 200 + " […] " + "b" * 200
