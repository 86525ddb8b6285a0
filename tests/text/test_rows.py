from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqserve.text.rows import TokenRow, windows
from seqserve.text.words import tokenize

WIDTH = 8


def words(n: int) -> str:
    return " ".join(f"w{i}" for i in range(n))


WINDOWS = {
    "one": (1, [(0, 1)]),
    "all in one": (8, [(0, 8)]),
    "one too many": (9, [(0, 8), (6, 9)]),
    "two": (14, [(0, 8), (6, 14)]),
    "three": (15, [(0, 8), (6, 14), (12, 15)]),
    "none": (0, []),
}


@pytest.mark.parametrize(("n_tokens", "expected"), WINDOWS.values(), ids=WINDOWS)
def test_windows_overlap_by_a_quarter(n_tokens: int, expected: list[tuple[int, int]]) -> None:
    tokens = tokenize(words(n_tokens))
    rows = list(windows(tokens, WIDTH))
    assert [(tokens.index(r.tokens[0]), tokens.index(r.tokens[-1]) + 1) for r in rows] == expected


@given(st.integers(1, 60), st.integers(1, 16))
def test_every_token_is_decided_once_and_far_from_the_edge(n_tokens: int, width: int) -> None:
    tokens = tokenize(words(n_tokens), 5)
    rows = list(windows(tokens, width))
    assert sum(row.n_decided() for row in rows) == n_tokens
    for token in tokens:
        deciding = [row for row in rows if row.decides(token.start)]
        assert len(deciding) == 1

        def from_edge(row: TokenRow, token: object = token) -> int:
            """Tokens between this one and the nearer edge that is not the sentence's."""
            place = list(row.tokens).index(token)
            left = place if row.tokens[0] != tokens[0] else n_tokens
            right = len(row.tokens) - 1 - place if row.tokens[-1] != tokens[-1] else n_tokens
            return min(left, right)

        others = [row for row in rows if token in row.tokens]
        assert from_edge(deciding[0]) == max(map(from_edge, others))


def test_marks_become_borders() -> None:
    text = "Bob Green; Carol <b>White</b> Eve"
    tokens = tokenize("Bob Green; Carol    White     Eve")
    marks = [(9, 10), (17, 20), (25, 29)]
    assert [text[a:b] for a, b in marks] == [";", "<b>", "</b>"]
    row = next(windows(tokens, WIDTH, marks))
    assert row.borders == [2, 3, 4, 5]
    assert row.crossed(0, 2) == [] and row.crossed(0, 3) == [2] and row.crossed(1, 5) == [2, 3, 4]
    parts = list(row.split([2, 3]))
    assert [[t.text for t in part.tokens] for part in parts] == [
        ["Bob", "Green"],
        [";"],
        ["Carol", "White", "Eve"],
    ]
    assert parts[2].borders == [1, 2]
    assert all((part.start, part.end) == (row.start, row.end) for part in parts)


def test_marks_outside_of_a_row_are_no_borders() -> None:
    tokens = tokenize("Bob Green", 10)
    assert next(windows(tokens, WIDTH, [(0, 3), (8, 10), (19, 22)])).borders == []


def test_borders_of_windows_are_their_own() -> None:
    text = words(10) + ";x"
    rows = list(windows(tokenize(text), WIDTH, [(len(text) - 2, len(text) - 1)]))
    assert [row.borders for row in rows] == [[], [4, 5]]
