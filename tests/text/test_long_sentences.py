from __future__ import annotations

import pytest

from seqserve.text.long_sentences import join_pieces, split_long


@pytest.mark.parametrize(
    "text",
    ["word " * 300, "a" * 1000, "first part, second part; " * 40, "没有空格的长句子，" * 60],
    ids=["spaces", "no break", "clauses", "chinese"],
)
def test_split_long_loses_nothing_and_fits(text: str) -> None:
    pieces = split_long(text, len, 100)
    assert "".join(pieces) == text
    assert all(len(piece) <= 100 for piece in pieces)


def test_no_piece_is_blank() -> None:
    assert split_long("a\r \r  b", len, 1) == ["a", "b"]
    assert all(piece.strip() for piece in split_long("one,      two   " * 9, len, 4))


def test_pieces_are_joined_as_the_language_wants() -> None:
    assert [join_pieces(["a", "b"], target) for target in ("zh", "ja", "de")] == ["ab", "ab", "a b"]


def test_split_long_prefers_clause_ends() -> None:
    pieces = split_long("one two three, four five six", len, 20)
    assert pieces == ["one two three, ", "four five six"]


def test_split_long_never_cuts_a_character() -> None:
    assert split_long("abc", lambda part: 99, 10) == ["a", "b", "c"]
