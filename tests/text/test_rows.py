from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqserve.text.rows import TokenRow, sized_windows, windows
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


@given(st.lists(st.integers(1, 5), max_size=60), st.integers(5, 24))
def test_rows_of_tokens_with_sizes(sizes: list[int], width: int) -> None:
    tokens = tokenize(words(len(sizes)), 5)
    rows = list(sized_windows(tokens, sizes, width))
    size_of = dict(zip(tokens, sizes, strict=True))
    assert all(sum(size_of[token] for token in row.tokens) <= width for row in rows)
    deciding = [row for token in tokens for row in rows if row.decides(token.start)]
    assert len(deciding) == len(tokens) == sum(row.n_decided() for row in rows)
    assert all(token in row.tokens for token, row in zip(tokens, deciding, strict=True)), (
        "a row decides what it holds"
    )


@pytest.mark.parametrize("n_tokens", [0, 1, 8, 9, 15, 40])
def test_sizes_of_one_are_counts(n_tokens: int) -> None:
    tokens = tokenize(words(n_tokens))
    assert [row.tokens for row in sized_windows(tokens, [1] * n_tokens, WIDTH)] == [
        row.tokens for row in windows(tokens, WIDTH)
    ]


def test_a_token_larger_than_a_row_is_a_row() -> None:
    rows = list(sized_windows(tokenize(words(3)), [1, 99, 1], WIDTH))
    assert [[token.text for token in row.tokens] for row in rows] == [["w0"], ["w1"], ["w2"]]
